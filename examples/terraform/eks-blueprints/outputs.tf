output "cluster_name" {
  description = "For `aws eks update-kubeconfig`."
  value       = module.eks.cluster_name
}

output "mesh_ca" {
  description = "When the mesh's CA certificate is renewed, and until when its path is valid."
  value = {
    renew_at       = module.mesh_ca.renew_at
    path_not_after = module.mesh_ca.path_not_after
  }
}
