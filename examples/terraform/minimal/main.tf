terraform {
  required_providers {
    istiopca = { source = "registry.terraform.io/istiopca/istiopca" }
  }
}

provider "istiopca" {
  region = "eu-west-1"

  kubernetes {
    eks_cluster_name = "mesh-1"
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  intermediate {
    certificate_authority_arn = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    subject {
      common_name  = "istio-intermediate.mesh-1"
      organization = ["Example Platform"]
    }
  }
}

output "renew_at" {
  value = istiopca_cacerts_secret.mesh.renew_at
}
