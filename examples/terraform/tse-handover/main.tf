# The management plane of Tetrate Service Express, and one workload cluster: who writes the mesh's CA changes hands before
# anything is written.
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
  region = var.region
}

# Issues no intermediate CAs for workload clusters any more.
resource "istiopca_tse_handover" "management" {
  plane           = "management"
  eks_cluster_arn = var.management_cluster_arn
}

# Writes no `cacerts` any more.
resource "istiopca_tse_handover" "mesh" {
  for_each = var.clusters

  plane           = "control"
  eks_cluster_arn = each.value.arn
  depends_on      = [istiopca_tse_handover.management]
}

resource "istiopca_cacerts_secret" "mesh" {
  for_each = var.clusters

  eks_cluster_arn      = each.value.arn
  on_existing          = "adopt" # of what the control plane wrote
  additional_root_pems = each.value.former_root_pems
  depends_on           = [istiopca_tse_handover.mesh]

  intermediate {
    certificate_authority_arn = var.certificate_authority_arn
    validity                  = "90d"

    subject {
      common_name  = "istio-ca.${each.key}"
      organization = ["Example"]
    }
  }
}
