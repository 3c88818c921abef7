terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28"
    }
  }
}

data "aws_partition" "current" {}

locals {
  templates = "arn:${data.aws_partition.current.partition}:acm-pca:::template"

  # By way of the certificate: before it is imported the CA cannot sign.
  certificate_authority_arn = aws_acmpca_certificate_authority_certificate.meshes.certificate_authority_arn
}

resource "aws_acmpca_certificate_authority" "root" {
  type = "ROOT"

  certificate_authority_configuration {
    key_algorithm     = "EC_secp384r1"
    signing_algorithm = "SHA384WITHECDSA"
    subject {
      common_name  = "${var.organization} Root"
      organization = var.organization
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_acmpca_certificate" "root" {
  certificate_authority_arn   = aws_acmpca_certificate_authority.root.arn
  certificate_signing_request = aws_acmpca_certificate_authority.root.certificate_signing_request
  signing_algorithm           = "SHA384WITHECDSA"
  template_arn                = "${local.templates}/RootCACertificate/V1"
  validity {
    type  = "YEARS"
    value = 20
  }
}

resource "aws_acmpca_certificate_authority_certificate" "root" {
  certificate_authority_arn = aws_acmpca_certificate_authority.root.arn
  certificate               = aws_acmpca_certificate.root.certificate
  certificate_chain         = aws_acmpca_certificate.root.certificate_chain
}

# The meshes' intermediates are signed by this one, so that the root can be kept disabled.
resource "aws_acmpca_certificate_authority" "meshes" {
  type = "SUBORDINATE"

  certificate_authority_configuration {
    key_algorithm     = "EC_prime256v1"
    signing_algorithm = "SHA256WITHECDSA"
    subject {
      common_name  = "${var.organization} Meshes"
      organization = var.organization
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_acmpca_certificate" "meshes" {
  certificate_authority_arn   = aws_acmpca_certificate_authority_certificate.root.certificate_authority_arn
  certificate_signing_request = aws_acmpca_certificate_authority.meshes.certificate_signing_request
  signing_algorithm           = "SHA384WITHECDSA"
  template_arn                = "${local.templates}/SubordinateCACertificate_PathLen1/V1" # one CA below it: istiod's
  validity {
    type  = "YEARS"
    value = 10
  }
}

resource "aws_acmpca_certificate_authority_certificate" "meshes" {
  certificate_authority_arn = aws_acmpca_certificate_authority.meshes.arn
  certificate               = aws_acmpca_certificate.meshes.certificate
  certificate_chain         = aws_acmpca_certificate.meshes.certificate_chain
}
