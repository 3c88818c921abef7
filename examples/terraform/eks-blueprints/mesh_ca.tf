provider "istiopca" {
  region = var.region

  assume_role {
    role_arn = local.mesh_ca_role_arn
  }
}

module "mesh_ca" {
  source = "./modules/mesh-ca"

  cluster_arn               = module.eks.cluster_arn
  cluster_name              = module.eks.cluster_name
  namespace                 = local.istio_namespace
  certificate_authority_arn = var.certificate_authority_arn
}
