//go:build tools

// Package parts keeps OpenTofu's command required in go.mod.
package parts

import _ "github.com/opentofu/opentofu/cmd/tofu"
