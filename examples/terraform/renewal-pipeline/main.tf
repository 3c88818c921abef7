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

resource "istiopca_cacerts_secret" "mesh" {
  intermediate {
    certificate_authority_arn = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    validity                  = "90d" # due from day 60 on: thirty nights in which a pipeline may fail

    subject {
      common_name  = "istio-intermediate.mesh-1"
      organization = ["Example Platform"]
    }
  }
}
