terraform {
  required_version = ">= 1.5"

  required_providers {
    istiopca = {
      # With its host, because Terraform and OpenTofu add different ones.
      source = "registry.terraform.io/istiopca/istiopca"
    }
  }
}

provider "istiopca" {
  kubernetes {
    config_path    = pathexpand("~/.kube/config")
    config_context = "mesh-1"
  }
}

locals {
  old = { authority = var.old_certificate_authority_arn, root = var.old_root_pem }
  new = { authority = var.new_certificate_authority_arn, root = var.new_root_pem }

  # Who signs, and which root is trusted besides the signer's own.
  stages = {
    old     = { authority = local.old.authority, besides = [] }
    trusted = { authority = local.old.authority, besides = [local.new.root] }
    signing = { authority = local.new.authority, besides = [local.old.root] }
    new     = { authority = local.new.authority, besides = [] }
  }
  stage = local.stages[var.stage]
}

resource "istiopca_cacerts_secret" "mesh" {
  additional_root_pems = local.stage.besides
  min_trust_overlap    = "24h" # how long every workload takes to follow

  intermediate {
    certificate_authority_arn = local.stage.authority

    subject {
      common_name  = "istio-intermediate.mesh-1"
      organization = ["Example Platform"]
    }
  }
}

output "trusted_roots" {
  description = "Which roots the mesh trusts, and since when: the next step is allowed min_trust_overlap later."
  value       = istiopca_cacerts_secret.mesh.trusted_roots
}
