# Due first, a week and more before the rest.
locals {
  after        = []
  renew_before = "45d"
  renew_jitter = "1d"
}
