variable "certificate_authority_arn" {
  description = "The CA in AWS Private CA that issues the mesh's."
  type        = string
}

variable "namespace" {
  description = "Where istiod runs."
  type        = string
  default     = "istio-system"
}
