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
  endpoints {
    acmpca = var.acmpca_endpoint
  }

  kubernetes {
    host                   = var.cluster_host
    cluster_ca_certificate = var.cluster_ca_certificate
    token                  = var.cluster_token
  }
}

# Makes a key, has the CA sign an intermediate for it, and keeps both in the Secret that istiod loads.
resource "istiopca_cacerts_secret" "mesh" {
  create_namespace = true

  intermediate {
    certificate_authority_arn = var.certificate_authority_arn
    validity                  = "90d" # renewed in its last third: from day 60 on

    subject {
      common_name         = "istio-intermediate.${var.mesh}"
      organization        = ["Example"]
      organizational_unit = ["Platform"]
    }
  }

  labels = {
    "app.kubernetes.io/part-of" = var.mesh
  }
}
