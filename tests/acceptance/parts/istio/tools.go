//go:build tools

// Package parts keeps istiod required in go.mod.
package parts

import (
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
