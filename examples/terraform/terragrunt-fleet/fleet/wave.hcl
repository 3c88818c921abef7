locals {
  after        = ["canary/mesh-1/mesh-ca"]
  renew_before = "30d"
  renew_jitter = "7d" # between 30 and 37 days before the end
}
