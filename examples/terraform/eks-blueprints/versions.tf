terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28"
    }
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
    istiopca = {
      # With its host, because Terraform and OpenTofu add different ones.
      source = "registry.terraform.io/istiopca/istiopca"
    }
  }
}
