//go:build tools

// Package parts keeps kube-apiserver, kube-controller-manager and kubectl required in go.mod.
package parts

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
