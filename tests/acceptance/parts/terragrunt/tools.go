//go:build tools

// Package parts keeps Terragrunt's command line required in go.mod.
package parts

import _ "github.com/gruntwork-io/terragrunt"
