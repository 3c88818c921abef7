locals {
  fleet   = dirname(find_in_parent_folders("root.hcl"))
  cluster = read_terragrunt_config(find_in_parent_folders("cluster.hcl")).locals
  wave    = read_terragrunt_config(find_in_parent_folders("wave.hcl")).locals
}

terraform {
  source = "${local.fleet}/modules/mesh-ca"
}

# The wave before this one: where a unit of it fails, `run --all` leaves this one alone.
dependencies {
  paths = [for unit in local.wave.after : "${local.fleet}/${unit}"]
}

dependency "root_ca" {
  config_path = "${local.fleet}/root-ca"

  # Before the first apply. Never for an apply: nothing may be issued by a mock.
  mock_outputs_allowed_terraform_commands = ["init", "validate", "plan"]
  mock_outputs = {
    # In nobody's account: AWS lets nobody look at it, and a plan goes on without. A CA of our own account that is not
    # there would be taken for a mistake.
    certificate_authority_arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/00000000-0000-0000-0000-000000000000"
  }
}

dependency "eks" {
  config_path = "${get_terragrunt_dir()}/../eks"

  mock_outputs_allowed_terraform_commands = ["init", "validate", "plan"]
  mock_outputs = {
    # What it will be: an ARN of EKS is made of what is known before.
    cluster_arn = "arn:aws:eks:${local.cluster.region}:${local.cluster.account}:cluster/${local.cluster.name}"
  }
}

# Both roles have the same name in every account. A plan enters other roles than an apply, and neither sees a change in
# what the other has written.
generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "istiopca" {
      region          = "${local.cluster.region}"
      refresh_failure = "${get_env("MESH_CA_REFRESH_FAILURE", "error")}"

      acmpca {
        assume_role {
          role_arn = "arn:aws:iam::111122223333:role/${get_env("MESH_CA_ROLE", "mesh-ca-apply")}"
        }
      }

      kubernetes {
        eks_assume_role {
          role_name = "${get_env("MESH_CA_ROLE", "mesh-ca-apply")}"
        }
      }
    }
  EOT
}

inputs = {
  certificate_authority_arn = dependency.root_ca.outputs.certificate_authority_arn
  cluster_arn               = dependency.eks.outputs.cluster_arn
  cluster_name              = local.cluster.name
  organization              = "Example Platform"
  renew_before              = local.wave.renew_before
  renew_jitter              = local.wave.renew_jitter
}
