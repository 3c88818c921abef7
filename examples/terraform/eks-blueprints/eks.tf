module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 21.0"

  name               = var.name
  kubernetes_version = "1.34"
  vpc_id             = module.vpc.vpc_id
  subnet_ids         = module.vpc.private_subnets

  endpoint_public_access = true

  # Whoever applies this stack installs Istio's charts, which takes an administrator. The CA is another role's.
  enable_cluster_creator_admin_permissions = true

  access_entries = {
    mesh-ca = {
      principal_arn     = aws_iam_role.mesh_ca.arn
      kubernetes_groups = ["mesh-ca-apply"]
    }
  }

  addons = {
    coredns                = {}
    eks-pod-identity-agent = { before_compute = true }
    kube-proxy             = {}
    vpc-cni                = { before_compute = true }
  }

  eks_managed_node_groups = {
    default = {
      instance_types = ["m6i.large"]
      min_size       = 2
      max_size       = 5
      desired_size   = 2
    }
  }

  node_security_group_additional_rules = {
    istiod_webhooks = {
      description                   = "The API server asks istiod about pods and about Istio's objects"
      from_port                     = 15017
      to_port                       = 15017
      source_cluster_security_group = true
    }
  }
}
