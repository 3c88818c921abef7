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
  kubernetes {
    config_path    = pathexpand("~/.kube/config")
    config_context = "mesh-1"
  }
}

resource "istiopca_cacerts_secret" "mesh" {
  namespace = var.namespace

  intermediate {
    certificate_authority_arn = var.certificate_authority_arn

    subject {
      common_name  = "istio-intermediate.mesh-1"
      organization = ["Example Platform"]
    }
  }
}

# Outside of the checks: what stands inside of one is read again in an apply, so that no plan is empty.
data "istiopca_cacerts" "live" {
  namespace = var.namespace

  # A plan that changes the Secret leaves the look to the apply, once it is written.
  depends_on = [istiopca_cacerts_secret.mesh]
}

data "istiopca_certificate_authority" "issuer" {
  arn = var.certificate_authority_arn
}

# What is live, in every plan: also in one that changes nothing, and in one that nobody applies.
check "mesh_ca_is_what_the_state_says" {
  assert {
    condition     = data.istiopca_cacerts.live.certificate_sha256 == istiopca_cacerts_secret.mesh.certificate_sha256
    error_message = "The live Secret does not hold the certificate that the state says. Its files were written by: ${join(", ", data.istiopca_cacerts.live.written_by)}."
  }

  assert {
    condition     = data.istiopca_cacerts.live.sound || !data.istiopca_cacerts.live.exists
    error_message = join("\n", concat(["Something is wrong with the mesh's CA."], data.istiopca_cacerts.live.findings))
  }

  assert {
    condition     = alltrue([for istiod in data.istiopca_cacerts.live.istiods : istiod.uses_this_ca != false])
    error_message = "These pods use another CA than the Secret's, and must be restarted: ${join(", ", [for istiod in data.istiopca_cacerts.live.istiods : istiod.pod if istiod.uses_this_ca == false])}."
  }
}

# Whether the next renewal could be issued, long before it is due.
check "mesh_ca_can_be_renewed" {
  assert {
    condition     = data.istiopca_certificate_authority.issuer.can_issue
    error_message = join("\n", concat(["The CA could not renew the mesh's."], data.istiopca_certificate_authority.issuer.cannot_issue_because))
  }
}
