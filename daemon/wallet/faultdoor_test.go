package wallet_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
)

// authority signs certificates of a gateway and of merchants.
type authority struct {
	t    *testing.T
	root *x509.Certificate
	key  *rsa.PrivateKey
}

func newAuthority(t *testing.T, name string, key *rsa.PrivateKey) *authority {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, root, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.root)
	return p
}

// issue gives a certificate that ends in d, for this machine.
func (a *authority) issue(d time.Duration) tls.Certificate {
	a.t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(d),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.root, &keys()[0].PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: keys()[0]}
}

// doors are a gateway's TLS and posd's: what the gateway shows and whom it lets in, whom posd trusts and what it shows.
type doors struct {
	shown  tls.Certificate
	lets   *x509.CertPool // nil lets everybody in
	trusts *x509.CertPool
	own    tls.Certificate
}

// behind puts the shop's gateway behind TLS. turn chooses between what is right and what is wrong with it; connections that
// were open end.
func (s *shop) behind(good, bad doors) (turn func(wrong bool)) {
	s.t.Helper()
	var isWrong atomic.Bool
	s.server = httptest.NewUnstartedServer(s.g.Handler())
	s.server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := good
		if isWrong.Load() {
			now = bad
		}
		return &tls.Config{Certificates: []tls.Certificate{now.shown}, ClientCAs: now.lets, ClientAuth: tls.RequireAndVerifyClientCert}, nil
	}}
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // handshakes are to fail
	s.server.StartTLS()
	s.url = s.server.URL
	line := wallet.NewTransport(nil, &tls.Config{RootCAs: good.trusts, Certificates: []tls.Certificate{good.own}})
	s.t.Cleanup(line.CloseIdleConnections)
	s.w = s.newWallet(line)
	return func(wrong bool) {
		isWrong.Store(wrong)
		line.CloseIdleConnections()
	}
}

// TestADoorThatIsShutTakesNoMoney: what is wrong with TLS is found before a request leaves, but for a client certificate
// that is refused: under TLS 1.3 the request is on its way by then.
func TestADoorThatIsShutTakesNoMoney(t *testing.T) {
	ours, theirs := newAuthority(t, "ours", keys()[0]), newAuthority(t, "theirs", keys()[1])
	good := doors{shown: ours.issue(time.Hour), lets: ours.pool(), trusts: ours.pool(), own: ours.issue(time.Hour)}
	for name, c := range map[string]struct {
		change func(*doors)
		want   string
	}{
		"all is well":                       {func(*doors) {}, endPaid},
		"the certificate has expired":       {func(d *doors) { d.shown = ours.issue(-time.Hour) }, endNotPaid},
		"a stranger's authority":            {func(d *doors) { d.shown = theirs.issue(time.Hour) }, endNotPaid},
		"the client certificate is refused": {func(d *doors) { d.lets = theirs.pool() }, endUndone},
	} {
		for _, kind := range everyKind {
			t.Run(name+"/"+kind, func(t *testing.T) {
				bad := good
				c.change(&bad)
				s := newHTTPShop(t, kind)
				s.server.Close()
				turn := s.behind(good, bad)
				a, in := s.sale(1999)
				turn(true)
				s.agree(a, s.settle(&a, in, asks(c.want), func() { turn(false) }), c.want)
			})
		}
	}
}

// TestBehindADoorThatIsShutNoCodeIsRead: a payment is refused before the customer's code is read.
func TestBehindADoorThatIsShutNoCodeIsRead(t *testing.T) {
	ours, theirs := newAuthority(t, "ours", keys()[0]), newAuthority(t, "theirs", keys()[1])
	good := doors{shown: ours.issue(time.Hour), lets: ours.pool(), trusts: ours.pool(), own: ours.issue(time.Hour)}
	bad := good
	bad.shown = theirs.issue(time.Hour)
	for _, kind := range everyKind {
		t.Run(kind, func(t *testing.T) {
			s := newHTTPShop(t, kind)
			s.server.Close()
			s.behind(good, bad)(true)
			code, err := s.phone.Online()
			if err != nil {
				t.Fatal(err)
			}
			r := payment.Request{Kind: payment.KindSale, Amount: 100, Currency: "CNY", Code: payment.NewSecret([]byte(code))}
			_, err = s.w.Collect(t.Context(), r)
			wantProblem(t, err, "wallet_offline", http.StatusServiceUnavailable)
		})
	}
}

func TestAMainHostThatIsDownIsNoTroubleWithABackup(t *testing.T) {
	keys()
	for _, kind := range everyKind {
		t.Run(kind, func(t *testing.T) {
			s := newHTTPShop(t, kind)
			s.backup, s.url = s.url, "http://"+shut
			s.w = s.newWallet(wallet.NewTransport(nil, nil))
			a, in := s.sale(1999)
			s.agree(a, s.settle(&a, in, asks(endPaid), func() {}), endPaid)
		})
	}
}

func TestAGatewayWithoutAnAddressIsSentNothing(t *testing.T) {
	keys()
	names := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	for _, kind := range everyKind {
		t.Run(kind, func(t *testing.T) {
			s := newHTTPShop(t, kind)
			a, in := s.sale(1999)
			s.url = "http://gateway.invalid"
			s.w = s.newWallet(wallet.NewTransport((&net.Dialer{Resolver: names}).DialContext, nil))
			s.agree(a, s.settle(&a, in, asks(endNotPaid), func() {}), endNotPaid)
		})
	}
}

// shut is an address of this machine where nobody listens. A port that was free a moment ago may be somebody's by now; this
// one the system gives to nobody.
const shut = "127.0.0.1:1"
