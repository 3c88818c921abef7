terraform {
  required_version = ">= 1.5"

  required_providers {
    istiopca = {
      # With its host, because Terraform and OpenTofu add different ones.
      source = "registry.terraform.io/istiopca/istiopca"
    }
  }
}

# One block for every account and region. What differs between who plans and who applies is here only, so that neither
# sees a change in what the other has written.
provider "istiopca" {
  region          = var.region
  refresh_failure = var.refresh_failure
  default_labels  = { "app.kubernetes.io/part-of" = var.mesh }

  acmpca {
    assume_role {
      role_arn = var.certificate_authority_role_arn
    }
  }

  kubernetes {
    eks_assume_role {
      role_name = var.cluster_role_name
    }
  }
}

locals {
  # arn:aws:eks:REGION:ACCOUNT:cluster/NAME: names come again in other accounts, the three together do not.
  places = {
    for key, cluster in var.clusters : key => {
      region  = split(":", cluster.arn)[3]
      account = split(":", cluster.arn)[4]
      name    = split("/", cluster.arn)[1]
    }
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  for_each = var.clusters

  eks_cluster_arn  = each.value.arn
  create_namespace = true

  intermediate {
    certificate_authority_arn = var.certificate_authority_arn
    validity                  = "90d"
    renew_before              = each.value.renew_before
    renew_jitter              = "7d" # so that a fleet made in one apply is not renewed in one night

    subject {
      # Of the place and not of the key: another key is no reason for another certificate.
      common_name  = "${local.places[each.key].name}.${local.places[each.key].region}.${local.places[each.key].account}"
      organization = [var.mesh]
    }
  }
}
