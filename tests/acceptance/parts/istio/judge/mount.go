package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"

	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/security/pkg/pki/ca"
)

// mounted is a directory as istiod sees the Secret.
type mounted string

func mount(dir string, files map[string][]byte) (mounted, error) {
	place, err := os.MkdirTemp(dir, "cacerts-")
	if err != nil {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(place, name), content, 0o600); err != nil {
			return "", err
		}
	}
	return mounted(place), nil
}

func (m mounted) remove() {
	// The client removes what is left together with the directory above.
	_ = os.RemoveAll(string(m))
}

func (m mounted) file(name string) string { return filepath.Join(string(m), name) }

func (m mounted) has(name string) bool { return exists(m.file(name)) }

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// bundle names the files as pilot/pkg/bootstrap does, whose function is not exported: tls.crt wins,
// its chain is tls.crt and ca.crt, and only the other layout has a CRL.
func (m mounted) bundle() ca.SigningCAFileBundle {
	if m.has(ca.TLSSecretCACertFile) {
		cert, root := m.file(ca.TLSSecretCACertFile), m.file(ca.TLSSecretRootCertFile)
		return ca.SigningCAFileBundle{
			RootCertFile:    root,
			CertChainFiles:  []string{cert, root},
			SigningCertFile: cert,
			SigningKeyFile:  m.file(ca.TLSSecretCAPrivateKeyFile),
		}
	}
	files := ca.SigningCAFileBundle{
		RootCertFile:    m.file(ca.RootCertFile),
		CertChainFiles:  []string{m.file(ca.CertChainFile)},
		SigningCertFile: m.file(ca.CACertFile),
		SigningKeyFile:  m.file(ca.CAPrivateKeyFile),
	}
	if m.has(ca.CACRLFile) {
		files.CRLFile = m.file(ca.CACRLFile)
	}
	return files
}

var (
	errIncomplete = errors.New("failed to create an istiod CA: incomplete signing CA bundle detected")
	errSelfSigned = errors.New("no signing CA bundle: istiod becomes a CA of its own")
)

// complete is istiod's question before it loads anything; of the chain's files any one will do.
func complete(files ca.SigningCAFileBundle) error {
	chain := false
	for _, file := range files.CertChainFiles {
		chain = chain || exists(file)
	}
	key, cert, root := exists(files.SigningKeyFile), exists(files.SigningCertFile), exists(files.RootCertFile)
	switch {
	case key && cert && root && chain:
		return nil
	case key || cert || root || chain:
		return errIncomplete
	default:
		return errSelfSigned
	}
}

// reload is what a running istiod makes of the next bundle.
type reload struct {
	// Plain is without ISTIO_MULTIROOT_MESH.
	Plain verdict `json:"plain"`
	// Multiroot is with it, from 1.30 on.
	Multiroot verdict `json:"multiroot"`
	// Multiroot129 is with it, up to 1.29.
	Multiroot129 verdict `json:"multiroot_129"`
}

var (
	errOneRoot   = errors.New("Multi root is disabled, updating new ROOT-CA not supported")
	errOtherRoot = errors.New("Updating new ROOT-CA not supported")
)

// reloadInto does to a running CA what istiod's watcher does; it leaves the CA changed.
func (m mounted) reloadInto(running *ca.IstioCA) *reload {
	files := m.bundle()
	next, err := os.ReadFile(files.RootCertFile)
	if err != nil {
		unread := verdictOf(err)
		return &reload{unread, unread, unread}
	}
	bundle := running.GetCAKeyCertBundle()
	current := bundle.GetRootCertPem()
	updated := bundle.UpdateVerifiedKeyCertBundleFromFile(files.SigningCertFile,
		files.SigningKeyFile, files.CertChainFiles, files.RootCertFile, files.CRLFile)
	if updated == nil {
		_, updated = serve15012(running)
	}
	after := func(allowed bool, refusal error) verdict {
		if !allowed {
			return verdictOf(refusal)
		}
		return verdictOf(updated)
	}
	same := bytes.Equal(current, next)
	// Up to 1.29 one file had to contain the other.
	contiguous := bytes.Contains(current, next) || bytes.Contains(next, current)
	return &reload{
		Plain:        after(same, errOneRoot),
		Multiroot:    after(same || oneHoldsTheOther(current, next), errOtherRoot),
		Multiroot129: after(same || contiguous, errOtherRoot),
	}
}

// oneHoldsTheOther compares sets of certificates by their DER, as 1.30 and later do.
func oneHoldsTheOther(a, b []byte) bool {
	some, others := certificates(a), certificates(b)
	if some.IsEmpty() || others.IsEmpty() {
		return false
	}
	return some.SupersetOf(others) || others.SupersetOf(some)
}

func certificates(file []byte) sets.String {
	found := sets.New[string]()
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			found.Insert(string(block.Bytes))
		}
	}
	return found
}
