variable "cluster_arn" {
  description = "The output `cluster_arn` of the EKS module."
  type        = string
}

variable "cluster_name" {
  description = "The output `cluster_name` of the EKS module, for the subject."
  type        = string
}

variable "namespace" {
  description = "The namespace of istiod, which must be there."
  type        = string
  default     = "istio-system"
}

variable "certificate_authority_arn" {
  description = "ARN of the CA in AWS Private CA that signs."
  type        = string
}

variable "validity" {
  description = "How long each certificate is valid. It is renewed in the last third."
  type        = string
  default     = "90d"
}

variable "organization" {
  description = "The organizations in the subject."
  type        = list(string)
  default     = []
}
