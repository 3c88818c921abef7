output "certificate_authority_arn" {
  description = "ARN of the CA that signs the meshes' intermediates, once it can."
  value       = local.certificate_authority_arn
}
