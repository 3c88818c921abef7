terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28"
    }
  }
}

locals {
  cluster_arn = module.eks.cluster_arn
}

module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 21.0"

  name               = var.name
  kubernetes_version = "1.34"
  vpc_id             = var.vpc_id
  subnet_ids         = var.subnet_ids

  endpoint_public_access                   = true
  enable_cluster_creator_admin_permissions = true

  # The groups of ../../../ci/rbac.
  access_entries = {
    mesh-ca-plan  = { principal_arn = var.mesh_ca_plan_role, kubernetes_groups = ["mesh-ca-plan"] }
    mesh-ca-apply = { principal_arn = var.mesh_ca_apply_role, kubernetes_groups = ["mesh-ca-apply"] }
  }

  compute_config = {
    enabled    = true
    node_pools = ["general-purpose"]
  }
}
