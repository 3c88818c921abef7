locals {
  cluster = read_terragrunt_config(find_in_parent_folders("cluster.hcl")).locals
}

terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/eks"
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "aws" {
      region = "${local.cluster.region}"
      assume_role {
        role_arn = "arn:aws:iam::${local.cluster.account}:role/platform"
      }
    }
  EOT
}

inputs = {
  name               = local.cluster.name
  vpc_id             = local.cluster.vpc_id
  subnet_ids         = local.cluster.subnet_ids
  mesh_ca_plan_role  = "arn:aws:iam::${local.cluster.account}:role/mesh-ca-plan"
  mesh_ca_apply_role = "arn:aws:iam::${local.cluster.account}:role/mesh-ca-apply"
}
