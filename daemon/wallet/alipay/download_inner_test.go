package alipay

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

// certKeys are the merchant's, the gateway's and the root's; key generation is slow under the race detector.
var certKeys = sync.OnceValue(func() (out [3]*rsa.PrivateKey) {
	for i := range out {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = key
	}
	return out
})

// papers issues certificates under one root.
type papers struct {
	t    *testing.T
	root *x509.Certificate
}

func newPapers(t *testing.T) *papers {
	t.Helper()
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, &certKeys()[2].PublicKey, certKeys()[2])
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &papers{t, root}
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// of is a certificate of a holder for a key; it ends in life.
func (p *papers) of(holder string, serial int64, life time.Duration) string {
	p.t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: holder}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, p.root, &certKeys()[1].PublicKey, certKeys()[2])
	if err != nil {
		p.t.Fatal(err)
	}
	return pemOf(der)
}

func nameOf(t *testing.T, text string) string {
	t.Helper()
	list, err := sign.ParseCertificates([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sign.CertSN(list[0])
}

// till is a provider in certificate mode that knows one certificate, and a gateway that signs with another.
type till struct {
	t       *testing.T
	p       *Provider
	g       *walletsim.Gateway
	fetches int // how often the gateway was asked for a certificate
}

func newTill(t *testing.T, p *papers, signs, gives string) *till {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"app.crt": p.of("Shop", 2, time.Hour), "root.crt": pemOf(p.root.Raw), "known.crt": p.of("Alipay", 3, time.Hour)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certs := filepath.Join(dir, "certs")
	if err := os.Mkdir(certs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "known.crt"), filepath.Join(certs, "known.crt")); err != nil {
		t.Fatal(err)
	}
	s := &Settings{AppCertFile: filepath.Join(dir, "app.crt"), RootCertFile: filepath.Join(dir, "root.crt"), GatewayCerts: certs}
	c, err := s.certificates(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	out := &till{t: t}
	out.g, err = walletsim.New(walletsim.Options{
		Alipay: walletsim.Alipay{
			AppID: "1", SellerID: "2088", MerchantKey: &certKeys()[0].PublicKey, GatewayKey: certKeys()[1],
			AppCertSN: c.AppSN, RootCertSN: c.RootSN, GatewayCertSN: nameOf(t, signs), GatewayCert: gives,
		},
		Now: time.Now,
		Fault: func(r walletsim.Request) (walletsim.Rule, bool) {
			if r.Call == walletsim.CallCertificate {
				out.fetches++
			}
			return walletsim.Rule{}, false
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	out.p, err = New(Options{
		URL: "http://gateway.test/gateway.do", AppID: "1", SellerID: "2088", Key: certKeys()[0], Certificates: c,
		Transport: walletsim.NewTransport(out.g.Handler()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// asks tells whether the answer to a query is believed.
func (l *till) asks() bool {
	return l.p.Do(l.t.Context(), wallet.Call{Op: wallet.OpQuery, Order: "X", Amount: 1, Currency: "CNY"}).Signed
}

func (l *till) rules(f walletsim.Rule) {
	l.t.Helper()
	if err := l.g.SetRules(f); err != nil {
		l.t.Fatal(err)
	}
}

func TestACertificateIsFetchedOnceAndKept(t *testing.T) {
	certKeys()
	synctest.Test(t, func(t *testing.T) {
		p := newPapers(t)
		later := p.of("Alipay", 4, time.Hour)
		l := newTill(t, p, later, later)
		for range 3 {
			if !l.asks() {
				t.Error("an answer that the fetched certificate vouches for is not believed")
			}
		}
		if l.fetches != 1 || len(l.p.Concerns()) != 0 {
			t.Errorf("%d fetches, concerns %+v", l.fetches, l.p.Concerns())
		}
	})
}

func TestWhatIsNotAlipaysCertificateIsRefusedAndSaid(t *testing.T) {
	certKeys()
	synctest.Test(t, func(t *testing.T) {
		p := newPapers(t)
		later := p.of("Alipay", 4, time.Hour)
		for name, c := range map[string]struct{ signs, gives, why string }{
			"no certificate":       {later, "", "gives none"},
			"no PEM":               {later, "hello", "no certificate"},
			"another one":          {later, p.of("Alipay", 5, time.Hour), "another one"},
			"a merchant's":         {p.of("Shop", 6, time.Hour), p.of("Shop", 6, time.Hour), "holder"},
			"one that has expired": {p.of("Alipay", 7, -time.Hour), p.of("Alipay", 7, -time.Hour), "root_cert_file"},
		} {
			l := newTill(t, p, c.signs, c.gives)
			if l.asks() {
				t.Errorf("%s: the answer is believed", name)
			}
			got := l.p.Concerns()
			if len(got) != 1 || !strings.Contains(got[0].Detail, nameOf(t, c.signs)) || !strings.Contains(got[0].Detail, c.why) {
				t.Errorf("%s: concerns %+v, want one that says %q", name, got, c.why)
			}
		}
	})
}

func TestTheAnswerThatBringsACertificateIsVerifiedToo(t *testing.T) {
	certKeys()
	for _, f := range []walletsim.Fault{walletsim.BadSignature, walletsim.Unsigned, walletsim.HTML, walletsim.Reset, walletsim.OldKey} {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPapers(t)
				later := p.of("Alipay", 4, time.Hour)
				l := newTill(t, p, later, later)
				l.rules(walletsim.Rule{Call: walletsim.CallCertificate, Fault: f})
				if l.asks() || len(l.p.Concerns()) != 1 {
					t.Errorf("believed, or no concern: %+v", l.p.Concerns())
				}
			})
		})
	}
}

func TestACertificateIsAskedForOnceAMinute(t *testing.T) {
	certKeys()
	synctest.Test(t, func(t *testing.T) {
		p := newPapers(t)
		later := p.of("Alipay", 4, time.Hour)
		l := newTill(t, p, later, later)
		l.rules(walletsim.Rule{Call: walletsim.CallCertificate, Fault: walletsim.Reset})
		for range 59 {
			l.asks()
			time.Sleep(time.Second)
		}
		if fitting := l.p.shelf.unknown; len(fitting) != 1 {
			t.Errorf("missing %v", fitting)
		}
		l.rules(walletsim.Rule{Call: walletsim.CallCertificate, Nth: 2, Fault: walletsim.Reset}) // counts anew: the first works
		if l.asks() {
			t.Error("it was asked for twice within a minute")
		}
		time.Sleep(time.Second)
		if !l.asks() || len(l.p.Concerns()) != 0 {
			t.Errorf("after a minute it is not fetched; concerns %+v", l.p.Concerns())
		}
	})
}

func TestWhoMakesNamesUpIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		taken := 0
		for i := range 100 {
			if sn := fmt.Sprintf("%032x", i); s.take(sn) {
				taken++
				s.keep(sn, nil, os.ErrNotExist)
			}
		}
		if taken != maxUnknown {
			t.Errorf("%d certificates asked for, want %d", taken, maxUnknown)
		}
		time.Sleep(time.Hour)
		if !s.take(fmt.Sprintf("%032x", 100)) || len(s.unknown) != 1 {
			t.Errorf("an hour later: %v", s.unknown)
		}
	})
}
