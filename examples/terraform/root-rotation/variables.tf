variable "stage" {
  description = "How far the change is: old, then trusted, signing, new. One apply each, in this order."
  type        = string
  default     = "old"

  validation {
    condition     = contains(["old", "trusted", "signing", "new"], var.stage)
    error_message = "The stages are old, trusted, signing and new."
  }
}

variable "old_certificate_authority_arn" {
  description = "ARN of the CA that signs now."
  type        = string
}

variable "old_root_pem" {
  description = "The root above it, in PEM."
  type        = string
}

variable "new_certificate_authority_arn" {
  description = "ARN of the CA that is to sign."
  type        = string
}

variable "new_root_pem" {
  description = "The root above that one, in PEM."
  type        = string
}
