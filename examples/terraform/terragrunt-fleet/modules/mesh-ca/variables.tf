variable "certificate_authority_arn" {
  description = "ARN of the CA that signs."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the EKS cluster."
  type        = string
}

variable "cluster_name" {
  description = "Its name, for the subject."
  type        = string
}

variable "organization" {
  description = "The organization in the subject."
  type        = string
}

variable "renew_before" {
  description = "How long before the end the certificate is renewed: the longer, the earlier the wave."
  type        = string
}

variable "renew_jitter" {
  description = "Over how long the renewals of a wave are spread."
  type        = string
}
