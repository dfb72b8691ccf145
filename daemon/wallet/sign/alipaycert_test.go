package sign_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"posd/daemon/wallet/sign"
)

// named is a certificate that its key has signed itself.
func named(t *testing.T, key any, public any, serial int64) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{Country: []string{"CN"}, Organization: []string{"Test"}, OrganizationalUnit: []string{"Certification Authority"}, CommonName: "Test Root R1"},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// The name is over the issuer from CN to C, and the serial number in decimal, with nothing between.
func TestACertificateIsNamedByIssuerAndSerialNumber(t *testing.T) {
	list, err := sign.ParseCertificates(named(t, testKey(), &testKey().PublicKey, 0x1234))
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("CN=Test Root R1,OU=Certification Authority,O=Test,C=CN4660"))
	if got := sign.CertSN(list[0]); got != hex.EncodeToString(sum[:]) {
		t.Errorf("name %s", got)
	}
}

func TestOnlyRootsSignedWithRSANameTheBundle(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, second := named(t, testKey(), &testKey().PublicKey, 1), named(t, testKey(), &testKey().PublicKey, 2)
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("over a curve that nobody knows here")})
	bundle := string(first) + string(named(t, other, &other.PublicKey, 3)) + string(broken) + string(second)
	list, err := sign.ParseCertificates([]byte(bundle))
	if err != nil || len(list) != 3 {
		t.Fatalf("%d certificates, %v", len(list), err)
	}
	got, err := sign.RootCertSN(list)
	if err != nil || got != sign.CertSN(list[0])+"_"+sign.CertSN(list[2]) {
		t.Errorf("name %s, %v", got, err)
	}
	if _, err := sign.RootCertSN(list[1:2]); err == nil || strings.Contains(err.Error(), "_") {
		t.Errorf("a bundle without RSA: %v", err)
	}
	if _, err := sign.ParseCertificates([]byte("nothing")); err == nil {
		t.Error("nothing is a certificate")
	}
}
