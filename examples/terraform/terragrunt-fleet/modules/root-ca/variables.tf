variable "organization" {
  description = "The organization in the subjects of both CAs."
  type        = string
}
