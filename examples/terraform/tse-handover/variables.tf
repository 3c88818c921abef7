variable "region" {
  description = "Region of the CA, and of clusters that say none."
  type        = string
}

variable "certificate_authority_arn" {
  description = "The CA in AWS Private CA that signs every intermediate."
  type        = string
}

variable "management_cluster_arn" {
  description = "The EKS cluster with TSE's management plane."
  type        = string
}

variable "clusters" {
  description = "The workload clusters by name. Former roots are those of what TSE has issued: they stay trusted until they are taken out of the list."
  type = map(object({
    arn              = string
    former_root_pems = optional(list(string), [])
  }))
}
