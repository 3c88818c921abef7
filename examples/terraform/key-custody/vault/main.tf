terraform {
  required_version = ">= 1.11"
  required_providers {
    istiopca = { source = "registry.terraform.io/istiopca/istiopca" }
    vault    = { source = "hashicorp/vault", version = ">= 5.0" }
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

variable "key_version" {
  description = "Which key it is: another number has a certificate issued for the key that is supplied then."
  type        = number
  default     = 1
}

provider "istiopca" {
  region = "eu-west-1"

  kubernetes {
    eks_cluster_name = var.cluster
  }
}

provider "vault" {}

ephemeral "vault_kv_secret_v2" "mesh_ca" {
  mount = "secret"
  name  = "${var.cluster}/mesh-ca-key"
}

resource "istiopca_intermediate" "mesh" {
  certificate_authority_arn = var.certificate_authority_arn

  private_key_pem_wo         = ephemeral.vault_kv_secret_v2.mesh_ca.data["key"]
  private_key_pem_wo_version = var.key_version

  subject {
    common_name = "istio-intermediate.${var.cluster}"
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  certificate       = istiopca_intermediate.mesh.certificate
  certificate_chain = istiopca_intermediate.mesh.certificate_chain

  private_key_pem_wo         = ephemeral.vault_kv_secret_v2.mesh_ca.data["key"]
  private_key_pem_wo_version = var.key_version
}
