variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "vpc_id" {
  description = "The VPC that it is in."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in two zones at least."
  type        = list(string)
}

variable "mesh_ca_plan_role" {
  description = "ARN of the role that plans the mesh CA."
  type        = string
}

variable "mesh_ca_apply_role" {
  description = "ARN of the role that applies it."
  type        = string
}
