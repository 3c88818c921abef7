variable "mesh" {
  description = "The name of the mesh, for the certificate's subject and the Secret's label."
  type        = string
  default     = "quickstart"
}

variable "certificate_authority_arn" {
  description = "The ARN of the CA in AWS Private CA that signs the mesh's intermediate."
  type        = string
}

variable "acmpca_endpoint" {
  description = "Where AWS Private CA answers, if not at AWS. The sandbox's own emulator, for instance."
  type        = string
  default     = null
}

variable "cluster_host" {
  description = "The URL of the Kubernetes API server."
  type        = string
}

variable "cluster_ca_certificate" {
  description = "The certificate (PEM) of the CA that vouches for the API server."
  type        = string
}

variable "cluster_token" {
  description = "The bearer token for the API server."
  type        = string
  sensitive   = true
}
