output "renew_at" {
  description = "From when on each certificate is renewed."
  value       = { for key, mesh in istiopca_cacerts_secret.mesh : key => mesh.renew_at }
}

output "path_not_after" {
  description = "Until when each cluster's path is valid: what an alarm goes by."
  value       = { for key, mesh in istiopca_cacerts_secret.mesh : key => mesh.path_not_after }
}

output "next_renewal" {
  description = "The first of them all."
  value       = try(sort([for mesh in istiopca_cacerts_secret.mesh : mesh.renew_at])[0], null)
}

output "roots" {
  description = "SHA-256 of the roots that sign in the fleet. More than one is a fleet on its way to another root."
  value       = distinct([for mesh in istiopca_cacerts_secret.mesh : mesh.root_sha256])
}
