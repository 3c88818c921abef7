//go:build tools

// Package parts keeps etcd's command required in go.mod.
package parts

import _ "go.etcd.io/etcd/server/v3"
