terraform {
  required_version = ">= 1.5"

  required_providers {
    istiopca = {
      # With its host, because Terraform and OpenTofu add different ones.
      source = "registry.terraform.io/istiopca/istiopca"
    }
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  eks_cluster_arn  = var.cluster_arn
  create_namespace = true

  intermediate {
    certificate_authority_arn = var.certificate_authority_arn
    validity                  = "90d"
    renew_before              = var.renew_before
    renew_jitter              = var.renew_jitter

    subject {
      common_name  = "istio-ca.${var.cluster_name}"
      organization = [var.organization]
    }
  }
}
