package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"time"

	"istio.io/istio/pkg/spiffe"
	"istio.io/istio/security/pkg/cmd"
	"istio.io/istio/security/pkg/pki/ca"
	"istio.io/istio/security/pkg/pki/util"
)

const (
	identity     = "spiffe://cluster.local/ns/foo/sa/bar"
	leafLifetime = 24 * time.Hour
	rsaBits      = 2048
)

// istiodNames are what every istiod of the namespace istio-system calls itself.
var istiodNames = []string{
	"istio-pilot.istio-system.svc", "istiod-remote.istio-system.svc", "istiod.istio-system.svc",
}

// roles are the two sides of a handshake.
type roles struct {
	Server verdict `json:"server"`
	Client verdict `json:"client"`
}

// judged is what one bundle comes to.
type judged struct {
	// Load is istiod's own checks of the files.
	Load verdict `json:"load"`
	// Start is what else must be right for istiod to get up.
	Start verdict `json:"start,omitempty"`
	// Sign is whether a workload gets a certificate.
	Sign verdict `json:"sign,omitempty"`
	// Workload is whether the peers of a workload accept its certificate.
	Peers *roles `json:"peers,omitempty"`
	// Istio is what Istio's own function for tests says of the same certificate.
	Istio verdict `json:"istio,omitempty"`
	// Serving is whether a workload accepts istiod itself.
	Serving verdict `json:"serving,omitempty"`
}

// istiod is one that was started with a bundle; no part of it is there when an earlier one failed.
type istiod struct {
	judged
	ca       *ca.IstioCA
	workload *workload
}

// workload is what istiod hands to a workload.
type workload struct {
	// Chain is the leaf and what istiod sends with it, but for the roots.
	Chain string `json:"chain"`
	Key   string `json:"key"`
	Roots string `json:"roots"`
}

func (m mounted) judge(leafKey string) (server istiod) {
	running, err := m.start()
	server.Load = verdictOf(err)
	if err != nil {
		return server
	}
	server.ca = running
	serving, err := serve15012(running)
	if err == nil {
		server.Serving = verdictOf(reach(serving, running.GetCAKeyCertBundle().GetRootCertPem()))
		err = clientRoots(running)
	}
	server.Start = verdictOf(err)
	leaf, err := sign(running, leafKey)
	server.Sign = verdictOf(err)
	if err != nil {
		return server
	}
	server.workload = leaf
	peers := leaf.verify(leaf.Roots)
	server.Peers = &peers
	server.Istio = verdictOf(util.VerifyCertificate([]byte(leaf.Key), []byte(leaf.Chain), []byte(leaf.Roots),
		&util.VerifyFields{
			Host:        identity,
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}))
	return server
}

// start is createIstioCA of pilot/pkg/bootstrap for files that a user has put there.
func (m mounted) start() (*ca.IstioCA, error) {
	files := m.bundle()
	if err := complete(files); err != nil {
		return nil, err
	}
	options, err := ca.NewPluggedCertIstioCAOptions(files, cmd.DefaultWorkloadCertTTL,
		cmd.DefaultMaxWorkloadCertTTL, rsaBits)
	if err != nil {
		return nil, err
	}
	running, err := ca.NewIstioCA(options)
	if err != nil {
		return nil, err
	}
	return running, nil
}

// serve15012 makes istiod's own certificate and loads it as istiod does: all of it must parse.
func serve15012(running *ca.IstioCA) ([]byte, error) {
	chain, key, err := ownCertificate(running)
	if err != nil {
		return nil, fmt.Errorf("failed generating istiod key cert %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("istiod loading x509 key pairs failed: %w", err)
	}
	for _, certificate := range pair.Certificate {
		if _, err := x509.ParseCertificates(certificate); err != nil {
			return nil, fmt.Errorf("x509 cert - ParseCertificates() error: %w", err)
		}
	}
	return chain, nil
}

// ownCertificate is GenKeyCert; where that would make an RSA key, which takes long, the same
// function signs for a key that was made before.
func ownCertificate(running *ca.IstioCA) (chain, key []byte, err error) {
	bundle := running.GetCAKeyCertBundle()
	_, signingKey, _, _ := bundle.GetAll()
	if _, err := util.GetEllipticCurve(signingKey); err == nil {
		return running.GenKeyCert(istiodNames, cmd.DefaultSelfSignedCACertTTL, false)
	}
	csr, key, err := rsaRequest()
	if err != nil {
		return nil, nil, err
	}
	// GenKeyCert is not asked to look at the longest lifetime; this CA has none that matters.
	unlimited, err := ca.NewIstioCA(&ca.IstioCAOptions{
		MaxCertTTL: cmd.DefaultSelfSignedCACertTTL, KeyCertBundle: bundle,
	})
	if err != nil {
		return nil, nil, err
	}
	signed, err := unlimited.SignWithCertChain(csr, ca.CertOpts{
		SubjectIDs: istiodNames, TTL: cmd.DefaultSelfSignedCACertTTL,
	})
	return []byte(strings.Join(signed, "")), key, err
}

// rsaRequest is a CSR for one key, made once.
func rsaRequest() (csr, key []byte, err error) {
	made, err := rsaMade()
	return made.csr, made.key, err
}

type certificateRequest struct{ csr, key []byte }

var rsaMade = sync.OnceValues(func() (made certificateRequest, err error) {
	made.csr, made.key, err = util.GenCSR(util.CertOptions{RSAKeySize: rsaBits})
	return made, err
})

// clientRoots is what istiod does with the roots to know its clients: every block must parse.
func clientRoots(running *ca.IstioCA) error {
	roots := running.GetCAKeyCertBundle().GetRootCertPem()
	if err := spiffe.NewPeerCertVerifier().AddMappingFromPEM("cluster.local", roots); err != nil {
		return fmt.Errorf("add root CAs into peerCertVerifier failed: %w", err)
	}
	return nil
}

// reach is an agent that connects to istiod by name.
func reach(chain, roots []byte) error {
	presented, err := parse(string(chain))
	if err != nil {
		return err
	}
	return presented.verify(roots, x509.VerifyOptions{DNSName: "istiod.istio-system.svc"})
}

// sign is CreateCertificate of security/pkg/server/ca: Sign, then the chain, certificate by
// certificate.
func sign(running *ca.IstioCA, leafKey string) (*workload, error) {
	csr, key, err := workloadRequest(leafKey)
	if err != nil {
		return nil, err
	}
	leaf, err := running.Sign(csr, ca.CertOpts{SubjectIDs: []string{identity}, TTL: leafLifetime})
	if err != nil {
		return nil, err
	}
	bundle := running.GetCAKeyCertBundle()
	var presented strings.Builder
	for _, part := range [][]byte{leaf, bundle.GetCertChainPem()} {
		for _, certificate := range util.PemCertBytestoString(part) {
			presented.WriteString(certificate + "\n")
		}
	}
	return &workload{
		Chain: presented.String(), Key: string(key), Roots: string(bundle.GetRootCertPem()),
	}, nil
}

func workloadRequest(leafKey string) (csr, key []byte, err error) {
	if leafKey == "rsa" {
		return rsaRequest()
	}
	return util.GenCSR(util.CertOptions{
		Host: identity, ECSigAlg: util.EcdsaSigAlg, ECCCurve: util.P256Curve, PKCS8Key: true,
	})
}
