package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/iso8583/link"
)

// concern finds what the health says under a code.
func (s *store) concern(code string) (payment.Concern, bool) {
	_, all := s.till.health()
	i := slices.IndexFunc(all, func(c payment.Concern) bool { return c.Code == code })
	if i < 0 {
		return payment.Concern{}, false
	}
	return all[i], true
}

// deadAddress is one of this machine where nobody listens. A port that was free a moment ago may be somebody's by now; this
// one the system gives to nobody.
const deadAddress = "127.0.0.1:1"

func TestCardsGoToTheBackupHostAndHealthTells(t *testing.T) {
	s := newStore(t, plan{})
	live := `address = "` + s.cfg.Acquirer.Address + `"`
	s.change(live, `address = "`+deadAddress+`"`+"\nbackup_"+live)
	s.start()
	s.till.open("S-1", 1999)
	s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	s.holds(1999, 0)
	if c, ok := s.concern("acquirer_backup"); !ok || !strings.Contains(c.Detail, "backup host") || c.Remedy == "" {
		t.Errorf("health says %+v, want the backup host in it", c)
	}
}

func TestHostThatIsNotReachedIsInTheHealth(t *testing.T) {
	s := newStore(t, plan{})
	s.change(s.cfg.Acquirer.Address, deadAddress)
	s.start()
	if _, ok := s.concern("acquirer_offline"); ok {
		t.Error("a line that nobody needed yet is a concern")
	}
	s.till.open("S-1", 1999)
	s.refused(s.till.pay("S-1", "a", saleBy("card")), 503, "acquirer_offline")
	if c, ok := s.concern("acquirer_offline"); !ok || !strings.Contains(c.Detail, "refused") {
		t.Errorf("health says %+v, want why the host is not reached", c)
	}
}

func TestAHostThatHangsUpAtOnceIsInTheHealth(t *testing.T) {
	s := newStore(t, plan{})
	ln := listen(t)
	defer func() { _ = ln.Close() }()
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			_ = c.Close()
		}
	}()
	s.change(s.cfg.Acquirer.Address, ln.Addr().String())
	s.start()
	s.till.open("S-1", 1999)
	s.refused(s.till.pay("S-1", "a", saleBy("card")), 503, "acquirer_offline")
	if c, ok := s.concern("acquirer_offline"); !ok || !strings.Contains(c.Remedy, "TLS") {
		t.Errorf("health says %+v, want what a host mostly wants that hangs up", c)
	}
}

func TestASignOnThatTheHostRefusesIsInTheHealthUntilOneIsTaken(t *testing.T) {
	s := openStore(t, plan{})
	s.rules(hostsim.Rule{Kind: "sign-on", Times: 1, Do: hostsim.Decline, Code: "03"})
	s.till.open("S-1", 1999)
	s.refused(s.till.pay("S-1", "a", saleBy("card")), 503, "sign_on_refused")
	status, _ := s.till.health()
	if c, ok := s.concern("sign_on_refused"); status != "degraded" || !ok || !strings.Contains(c.Detail, "03") || c.Remedy == "" {
		t.Errorf("health is %q and says %+v, want degraded by the refusal", status, c)
	}
	s.want(s.till.payCard("S-1", "b", testCard(1)), "approved")
	if c, ok := s.concern("sign_on_refused"); ok {
		t.Errorf("signed on, health still says %+v", c)
	}
}

func TestCardsWhoseAnswersHaveAWrongMACAreInTheHealth(t *testing.T) {
	s := openStore(t, plan{})
	s.rules(hostsim.Rule{Kind: "sale", Times: 3, Do: hostsim.BadMAC})
	for n := range 3 {
		s.till.open(fmt.Sprint("S-", n), 1999)
		s.want(s.till.payCard(fmt.Sprint("S-", n), "a", testCard(1)), "reversed")
	}
	if c, ok := s.concern("acquirer_suspect"); !ok || !strings.Contains(c.Detail, "MAC") || !strings.Contains(c.Remedy, "tmk_file") {
		t.Errorf("health says %+v, want the MAC in it", c)
	}
	if text, _ := os.ReadFile(s.cfg.Log.File); strings.Count(string(text), `"level":"WARN","msg":"card payment without`) != 2 {
		t.Errorf("want a warning of the first, and one of the row:\n%s", s.log())
	}
}

// certificate makes one for this machine, signed by itself, that is its own authority.
func certificate(t *testing.T) (own tls.Certificate, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	if own, err = tls.X509KeyPair([]byte(certPEM), []byte(keyPEM)); err != nil {
		t.Fatal(err)
	}
	return own, certPEM, keyPEM
}

func TestSalesOverPinnedTLSWithAConnectionForEach(t *testing.T) {
	s := newStore(t, plan{})
	own, certPEM, keyPEM := certificate(t)
	s.write("host.pem", certPEM)
	s.write("till.pem", certPEM)
	s.write("till.key", keyPEM)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(certPEM))
	ln := tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots})
	s.serve(func(ctx context.Context) error { return s.host.Serve(ctx, ln) }, nil)
	s.change(s.cfg.Acquirer.Address, ln.Addr().String())
	s.change("[wallet]\n", "connection = \"each\"\n[acquirer.tls]\nenabled = true\nca_file = \"host.pem\"\ncert_file = \"till.pem\"\nkey_file = \"till.key\"\n"+
		"pins = [\""+link.PinOf(own.Leaf)+"\"]\n[wallet]\n")
	s.start()
	for _, sale := range []string{"S-1", "S-2"} {
		s.till.open(sale, 1000)
		s.want(s.till.payCard(sale, "a", testCard(1)), "approved")
	}
	s.holds(2000, 0)
}

func TestPinThatIsNotTheHostsStopsCards(t *testing.T) {
	s := newStore(t, plan{})
	own, certPEM, _ := certificate(t)
	other, _, _ := certificate(t)
	s.write("host.pem", certPEM)
	ln := tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{own}})
	s.serve(func(ctx context.Context) error { return s.host.Serve(ctx, ln) }, nil)
	s.change(s.cfg.Acquirer.Address, ln.Addr().String())
	s.change("[wallet]\n", "[acquirer.tls]\nenabled = true\nca_file = \"host.pem\"\npins = [\""+link.PinOf(other.Leaf)+"\"]\n[wallet]\n")
	s.start()
	s.till.open("S-1", 1000)
	said := s.refused(s.till.pay("S-1", "a", saleBy("card")), 503, "acquirer_offline")
	if !strings.Contains(said.Detail, link.PinOf(own.Leaf)) {
		t.Errorf("the till is told %q, want the key that the host has", said.Detail)
	}
}

func TestHostTLSNeedsFilesThatFit(t *testing.T) {
	s := newStore(t, plan{})
	_, certPEM, _ := certificate(t)
	_, _, keyPEM := certificate(t)
	s.write("host.pem", certPEM)
	s.write("till.key", keyPEM)
	s.change("[wallet]\n", "[acquirer.tls]\nenabled = true\nca_file = \"host.pem\"\ncert_file = \"host.pem\"\nkey_file = \"till.key\"\n[wallet]\n")
	if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "acquirer.tls.cert_file: ") {
		t.Errorf("a key of another certificate: %v", err)
	}
	if err := s.fails(); !regexp.MustCompile(`posd\.toml:\d+: acquirer\.tls\.cert_file: `).MatchString(err.Error()) {
		t.Errorf("posd itself says %v, want file, line and key", err)
	}
	if _, err := hostTLS(config.TLS{Enabled: true, Pins: []string{"x"}}, config.Secret{}); err == nil || !strings.Contains(err.Error(), "pins: pin 1") {
		t.Errorf("a pin that is none: %v", err)
	}
}
