package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

// authority is whose certificates the shop and Alipay have in certificate mode.
type authority struct {
	key              *rsa.PrivateKey
	root             *x509.Certificate
	rootPEM          string
	app, gate, later string // certificates
}

// alipayAuthority is made once: key generation is slow under the race detector.
var alipayAuthority = sync.OnceValues(func() (a authority, err error) {
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return a, err
	}
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root R1", Country: []string{"CN"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, &a.key.PublicKey, a.key)
	if err != nil {
		return a, err
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		return a, err
	}
	a.rootPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for serial, to := range map[int64]struct {
		out *string
		key *rsa.PrivateKey
	}{2: {&a.app, gatewayKeys()[0]}, 3: {&a.gate, gatewayKeys()[0]}, 4: {&a.later, gatewayKeys()[1]}} {
		if *to.out, err = a.issue(serial, to.key); err != nil {
			return a, err
		}
	}
	return a, nil
})

func (a authority) issue(serial int64, key *rsa.PrivateKey) (string, error) {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.root, &key.PublicKey, a.key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), err
}

func nameOf(t *testing.T, text string) string {
	t.Helper()
	list, err := sign.ParseCertificates([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sign.CertSN(list[0])
}

// certificateStore is a store in certificate mode, whose gateway signs with a certificate that is not in the shop's folder, and
// gives given to who asks for it.
func certificateStore(t *testing.T, signs, given string) *store {
	t.Helper()
	a, err := alipayAuthority()
	if err != nil {
		t.Fatal(err)
	}
	roots, err := sign.ParseCertificates([]byte(a.rootPEM))
	if err != nil {
		t.Fatal(err)
	}
	rootSN, err := sign.RootCertSN(roots)
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, plan{patience: "3s", alipay: walletsim.Alipay{
		AppCertSN: nameOf(t, a.app), RootCertSN: rootSN, GatewayCertSN: nameOf(t, signs), GatewayCert: given,
	}})
	if err := os.Mkdir(s.path("alipay"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("app.crt", a.app)
	s.write("root.crt", a.rootPEM)
	s.write("alipay/first.crt", a.gate)
	s.change(`gateway_public_key_file = "alipay.pub"`, `app_cert_file = "app.crt"
root_cert_file = "root.crt"
gateway_certs = "alipay"`)
	return s
}

// distrusts pays, and waits until posd undoes what it cannot believe; it names the certificate that it misses.
func (s *store) distrusts(signs, why string) {
	s.t.Helper()
	s.start()
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", by(s.code(walletsim.AlipayName)))
	s.eventually("an answer that nobody vouches for is not believed", func() bool {
		return s.till.get(pathOf("S-1", "a")).State == "reversing"
	})
	c, ok := s.concern("wallet_certificate")
	if !ok || !strings.Contains(c.Detail, nameOf(s.t, signs)) || !strings.Contains(c.Detail, why) || c.Remedy == "" {
		s.t.Errorf("concern %+v", c)
	}
}

// An answer that names a certificate of later, which the gateway does not give, is not believed until its file is there, and then
// without a restart.
func TestAlipaysCertificateModePaysAndTakesANewCertificateWhilePosdRuns(t *testing.T) {
	a, err := alipayAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := certificateStore(t, a.later, "")
	s.distrusts(a.later, "gives none")
	s.write("alipay/later.crt", a.later)
	s.eventually("it is reversed", func() bool { return s.till.get(pathOf("S-1", "a")).State == "reversed" })
	s.holds(0, 0)
	s.till.open("S-2", 2500)
	s.want(s.till.pay("S-2", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.holds(0, 2500)
	if c, ok := s.concern("wallet_certificate"); ok {
		t.Errorf("still a concern: %+v", c)
	}
}

func TestAlipaysNewCertificateIsFetchedFromTheGateway(t *testing.T) {
	a, err := alipayAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := certificateStore(t, a.later, a.later)
	s.start()
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.holds(0, 1999)
	if c, ok := s.concern("wallet_certificate"); ok {
		t.Errorf("a concern: %+v", c)
	}
}

func TestACertificateThatTheGatewayGivesAndThatStemsFromNobodyIsRefused(t *testing.T) {
	foreign := certificateOf(t, gatewayKeys()[1], 7)
	s := certificateStore(t, foreign, foreign)
	s.distrusts(foreign, "root_cert_file")
	if got := s.till.get(pathOf("S-1", "a")); got.State != "reversing" {
		t.Errorf("what nobody vouches for ended it: %+v", got)
	}
}

func TestAGatewayCertificateOfAnotherRootIsRefusedAtStart(t *testing.T) {
	a, err := alipayAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, plan{})
	if err := os.Mkdir(s.path("alipay"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("app.crt", a.app)
	s.write("root.crt", a.rootPEM)
	s.write("alipay/foreign.crt", certificateOf(t, gatewayKeys()[1], 7))
	s.change(`gateway_public_key_file = "alipay.pub"`, `app_cert_file = "app.crt"
root_cert_file = "root.crt"
gateway_certs = "alipay"`)
	if err := s.fails(); !strings.Contains(err.Error(), "root_cert_file") || !strings.Contains(err.Error(), "foreign.crt") {
		t.Errorf("refused with: %v", err)
	}
}
