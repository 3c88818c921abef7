output "secret" {
  description = "The Secret, as namespace/name."
  value       = "${istiopca_cacerts_secret.mesh.namespace}/${istiopca_cacerts_secret.mesh.name}"
}

output "issue_reason" {
  description = "Why the certificate was last issued."
  value       = istiopca_cacerts_secret.mesh.issue_reason
}

output "certificate_path" {
  description = "The intermediate, its issuers and the root, in PEM and in this order."
  value       = "${istiopca_cacerts_secret.mesh.issued_certificate}${istiopca_cacerts_secret.mesh.issued_certificate_chain}"
}

output "dates" {
  description = "Since when and until when the certificate is valid, when the first on its path ends, and when it is renewed."
  value = {
    not_before     = istiopca_cacerts_secret.mesh.not_before
    not_after      = istiopca_cacerts_secret.mesh.not_after
    path_not_after = istiopca_cacerts_secret.mesh.path_not_after
    renew_at       = istiopca_cacerts_secret.mesh.renew_at
  }
}

output "serial_number" {
  description = "The certificate's serial number, in hex."
  value       = istiopca_cacerts_secret.mesh.serial_number
}

output "fingerprints" {
  description = "SHA-256 of the certificate, of its public key, of its issuer's certificate, and of the root."
  value = {
    certificate = istiopca_cacerts_secret.mesh.certificate_sha256
    public_key  = istiopca_cacerts_secret.mesh.public_key_sha256
    issuer      = istiopca_cacerts_secret.mesh.issuer_certificate_sha256
    root        = istiopca_cacerts_secret.mesh.root_sha256
  }
}
