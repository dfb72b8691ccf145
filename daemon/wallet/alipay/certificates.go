package alipay

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// certificates is certificate mode, from the files that its console gives: appCertPublicKey, alipayRootCert, and
// a folder with alipayCertPublicKey. What signs answers must stem from one of the roots.
func (s *Settings) certificates(now func() time.Time) (*Certificates, error) {
	app, err := certificatesIn(s.AppCertFile)
	if err != nil {
		return nil, fmt.Errorf("app_cert_file: %w", err)
	}
	roots, err := certificatesIn(s.RootCertFile)
	if err != nil {
		return nil, fmt.Errorf("root_cert_file: %w", err)
	}
	rootSN, err := sign.RootCertSN(roots)
	if err != nil {
		return nil, fmt.Errorf("root_cert_file: %w", err)
	}
	chain := &chain{roots: x509.NewCertPool(), now: now, holders: map[string]bool{}}
	for _, r := range roots {
		chain.roots.AddCert(r)
	}
	k := &wallet.KeyFolder{Dir: s.GatewayCerts, Setting: "wallet." + Name + ".gateway_certs", Pattern: "*.crt", Named: chain.filed}
	if err := k.Open(); err != nil {
		return nil, fmt.Errorf("gateway_certs: %w", err)
	}
	return &Certificates{AppSN: sign.CertSN(app[0]), RootSN: rootSN, GatewayKey: k.Key, Given: chain.given}, nil
}

func certificatesIn(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	list, err := sign.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// chain is whom certificates must stem from. It is safe for concurrent use.
type chain struct {
	roots *x509.CertPool
	now   func() time.Time

	mu      sync.Mutex
	holders map[string]bool // of the certificates in the shop's folder; guarded by mu
}

// filed reads a certificate in the shop's folder: a person vouches for its holder.
func (c *chain) filed(_ string, text []byte) (string, *rsa.PublicKey, error) {
	first, key, err := c.verified(text)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders[first.Subject.String()] = true
	return sign.CertSN(first), key, nil
}

// given reads a certificate that the gateway gave. That it stems from Alipay's root is not enough: those of all merchants do.
// Its holder must be that of one in the folder.
func (c *chain) given(text []byte) (string, *rsa.PublicKey, error) {
	first, key, err := c.verified(text)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holders[first.Subject.String()] {
		return "", nil, errors.New("its holder is another than that of the certificates in wallet.alipay.gateway_certs")
	}
	return sign.CertSN(first), key, nil
}

// verified reads a gateway's certificate and those between it and a root.
func (c *chain) verified(text []byte) (*x509.Certificate, *rsa.PublicKey, error) {
	list, err := sign.ParseCertificates(text)
	if err != nil {
		return nil, nil, err
	}
	between := x509.NewCertPool()
	for _, i := range list[1:] {
		between.AddCert(i)
	}
	_, err = list[0].Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: between, CurrentTime: c.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("it does not stem from wallet.alipay.root_cert_file: %w", err)
	}
	key, ok := list[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, nil, errors.New("its key is not RSA")
	}
	return list[0], key, nil
}
