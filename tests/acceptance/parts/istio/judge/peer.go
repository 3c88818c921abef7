package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// presented is what a peer sees of somebody in a handshake.
type presented struct {
	leaf          *x509.Certificate
	intermediates *x509.CertPool
}

var errNothing = errors.New("nothing is presented")

// parse reads a chain whose first certificate is the leaf.
func parse(chain string) (*presented, error) {
	first, rest := pem.Decode([]byte(chain))
	if first == nil {
		return nil, errNothing
	}
	leaf, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, err
	}
	others := x509.NewCertPool()
	others.AppendCertsFromPEM(rest)
	return &presented{leaf, others}, nil
}

// verify is a peer that trusts roots and nothing else.
func (p *presented) verify(roots []byte, options x509.VerifyOptions) error {
	options.Roots = x509.NewCertPool()
	options.Roots.AppendCertsFromPEM(roots)
	options.Intermediates = p.intermediates
	_, err := p.leaf.Verify(options)
	return err
}

// verify is a peer of the workload, once as its client and once as its server.
func (w *workload) verify(roots string) roles {
	presented, err := parse(w.Chain)
	if err != nil {
		return roles{verdictOf(err), verdictOf(err)}
	}
	as := func(usage x509.ExtKeyUsage) verdict {
		return verdictOf(presented.verify([]byte(roots), x509.VerifyOptions{
			KeyUsages: []x509.ExtKeyUsage{usage},
		}))
	}
	return roles{Server: as(x509.ExtKeyUsageServerAuth), Client: as(x509.ExtKeyUsageClientAuth)}
}
