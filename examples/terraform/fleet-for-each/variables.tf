variable "mesh" {
  description = "The name of the mesh: the organization in every subject, and a label on every Secret."
  type        = string
}

variable "clusters" {
  description = "The clusters, by keys that last: a key is an address in the state. Canaries renew earlier than the rest."
  type = map(object({
    arn          = string
    renew_before = optional(string, "30d")
  }))

  validation {
    condition     = alltrue([for cluster in var.clusters : can(regex("^arn:[^:]+:eks:[^:]+:[0-9]{12}:cluster/.+$", cluster.arn))])
    error_message = "Each cluster is named by its whole ARN, arn:aws:eks:REGION:ACCOUNT:cluster/NAME."
  }
}

variable "certificate_authority_arn" {
  description = "ARN of the CA that signs the intermediates, in the account that owns it."
  type        = string
}

variable "certificate_authority_role_arn" {
  description = "The role in that account: one that may look for a plan, one that may issue for an apply."
  type        = string
}

variable "cluster_role_name" {
  description = "The role in each cluster's own account, of the same name everywhere: one for a plan, one for an apply."
  type        = string
}

variable "region" {
  description = "Where AWS STS is asked for the roles. Clusters and CA have theirs in their ARNs."
  type        = string
}

variable "refresh_failure" {
  description = "What a plan does about a cluster that it cannot read: error, or warn for pull requests."
  type        = string
  default     = "error"
}
