output "renew_at" {
  description = "From when on the certificate is renewed."
  value       = istiopca_cacerts_secret.mesh.renew_at
}

output "path_not_after" {
  description = "Until when the whole path is valid."
  value       = istiopca_cacerts_secret.mesh.path_not_after
}

output "issue_reason" {
  description = "Why the certificate was last issued."
  value       = istiopca_cacerts_secret.mesh.issue_reason
}
