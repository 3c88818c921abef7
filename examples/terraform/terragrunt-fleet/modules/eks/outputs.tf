output "cluster_arn" {
  description = "ARN of the cluster."
  value       = local.cluster_arn
}
