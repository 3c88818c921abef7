terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/root-ca"
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "aws" {
      region = "eu-west-1"
    }
  EOT
}

inputs = {
  organization = "Example Platform"
}
