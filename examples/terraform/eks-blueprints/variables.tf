variable "name" {
  description = "Name of the cluster, and of all around it."
  type        = string
  default     = "mesh-1"
}

variable "region" {
  description = "Where the cluster is."
  type        = string
  default     = "eu-west-1"
}

variable "certificate_authority_arn" {
  description = "ARN of the CA in AWS Private CA that signs the mesh's intermediate."
  type        = string
}

variable "istio_version" {
  description = "Version of Istio's charts."
  type        = string
  default     = "1.27.1"
}
