# The role of the CA's provider, and all that it may do. In the cluster it is in the group mesh-ca-apply.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  mesh_ca_role_arn = aws_iam_role.mesh_ca.arn
}

resource "aws_iam_role" "mesh_ca" {
  name               = "${var.name}-mesh-ca"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_iam_role_policy" "mesh_ca" {
  role   = aws_iam_role.mesh_ca.id
  policy = data.aws_iam_policy_document.mesh_ca.json
}

data "aws_iam_policy_document" "mesh_ca" {
  statement {
    actions = ["eks:DescribeCluster"]
    # Not the module's output: the cluster waits for this role.
    resources = [
      "arn:${data.aws_partition.current.partition}:eks:${var.region}:${data.aws_caller_identity.current.account_id}:cluster/${var.name}",
    ]
  }

  statement {
    actions = [
      "acm-pca:DescribeCertificateAuthority",
      "acm-pca:GetCertificateAuthorityCertificate",
      "acm-pca:GetCertificate",
    ]
    resources = [var.certificate_authority_arn]
  }

  statement {
    actions   = ["acm-pca:IssueCertificate"]
    resources = [var.certificate_authority_arn]
    condition {
      test     = "StringEquals"
      variable = "acm-pca:TemplateArn"
      values   = ["arn:${data.aws_partition.current.partition}:acm-pca:::template/SubordinateCACertificate_PathLen0/V1"]
    }
  }
}
