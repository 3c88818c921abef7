# What every unit has in common. Which providers it has is said by its kind, in units/.

terragrunt_version_constraint = ">= 1.0.0"

remote_state {
  backend = "s3"
  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }
  config = {
    bucket       = "example-platform-state"
    key          = "mesh/${path_relative_to_include()}/terraform.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

errors {
  retry "passing" {
    # Terragrunt's own rules do not know istiopca, whose errors say in such words what may pass: a cluster that is being
    # made, a connection that was refused or cut. Line breaks are blanks here.
    retryable_errors = concat(get_default_retryable_errors(), [
      "provider istiopca: .*tcp.*timeout",
      "provider istiopca: .*connection (refused|reset by peer)",
      "provider istiopca: .*context deadline exceeded",
    ])
    max_attempts       = 5
    sleep_interval_sec = 30
  }
}
