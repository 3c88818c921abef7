provider "helm" {
  kubernetes = {
    host                   = module.eks.cluster_endpoint
    cluster_ca_certificate = base64decode(module.eks.cluster_certificate_authority_data)
    exec = {
      # The AWS CLI is for Helm; istiopca makes its own token.
      api_version = "client.authentication.k8s.io/v1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", module.eks.cluster_name, "--region", var.region]
    }
  }
}

locals {
  istio_charts = "https://istio-release.storage.googleapis.com/charts"

  # Of the release, so that the CA waits for the namespace and for its rights in it.
  istio_namespace = helm_release.mesh_ca_access.namespace
}

resource "helm_release" "mesh_ca_access" {
  name             = "mesh-ca-access"
  namespace        = "istio-system"
  create_namespace = true
  chart            = "${path.module}/charts/mesh-ca-access"
}

resource "helm_release" "istio_base" {
  name       = "istio-base"
  namespace  = local.istio_namespace
  repository = local.istio_charts
  chart      = "base"
  version    = var.istio_version
}

resource "helm_release" "istiod" {
  name       = "istiod"
  namespace  = local.istio_namespace
  repository = local.istio_charts
  chart      = "istiod"
  version    = var.istio_version

  values = [yamlencode({
    # Without it a running istiod does not take a change of the roots.
    env = { ISTIO_MULTIROOT_MESH = "true" }
  })]

  # An istiod that starts without the Secret makes a root of its own, and never looks for the Secret again.
  depends_on = [helm_release.istio_base, module.mesh_ca]
}

resource "helm_release" "istio_ingress" {
  name             = "istio-ingress"
  namespace        = "istio-ingress"
  create_namespace = true
  repository       = local.istio_charts
  chart            = "gateway"
  version          = var.istio_version

  depends_on = [helm_release.istiod]
}
