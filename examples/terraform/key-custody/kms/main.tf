terraform {
  required_providers {
    istiopca = { source = "registry.terraform.io/istiopca/istiopca" }
  }
}

variable "certificate_authority_arn" {
  description = "ARN of the AWS Private CA that signs."
  type        = string
}

variable "cluster" {
  description = "Name of the EKS cluster."
  type        = string
}

variable "kms_key_id" {
  description = "The symmetric KMS key that seals: ARN, alias or id."
  type        = string
  default     = "alias/mesh-ca"
}

provider "istiopca" {
  region = "eu-west-1"

  kubernetes {
    eks_cluster_name = var.cluster
  }
}

resource "istiopca_intermediate" "mesh" {
  certificate_authority_arn = var.certificate_authority_arn

  private_key_storage    = "kms"
  kms_key_id             = var.kms_key_id
  kms_encryption_context = { cluster = var.cluster }

  subject {
    common_name = "istio-intermediate.${var.cluster}"
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  certificate            = istiopca_intermediate.mesh.certificate
  certificate_chain      = istiopca_intermediate.mesh.certificate_chain
  private_key_sealed     = istiopca_intermediate.mesh.private_key_sealed
  kms_encryption_context = { cluster = var.cluster }
}
