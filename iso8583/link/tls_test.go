package link_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/iso8583/link"
)

// authority signs certificates that live for this test only.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	own := a.template("Test Authority")
	own.IsCA, own.KeyUsage = true, x509.KeyUsageCertSign
	a.cert = a.sign(own, own, key)
	return a
}

func (a *authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func (a *authority) sign(c, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed
}

// issue gives a certificate for a host or a client.
func (a *authority) issue(name string, change ...func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := a.template(name)
	c.DNSNames = []string{name}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, f := range change {
		f(c)
	}
	signed := a.sign(c, a.cert, key)
	return tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: key, Leaf: signed}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// serve is a host on loopback that takes TLS as configured, or talks plainly, and hangs up when the other side does.
func serve(t *testing.T, config *tls.Config) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = c.Close() }()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				if config != nil {
					c = tls.Server(c, config)
				}
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	return l.Addr().String()
}

const hostName = "host.example"

// secured is a host that shows a certificate, and what a till that knows the authority has.
func secured(a *authority, shown tls.Certificate) (host, till *tls.Config) {
	return &tls.Config{Certificates: []tls.Certificate{shown}}, &tls.Config{RootCAs: a.pool(), ServerName: hostName}
}

func pinned(t *testing.T, till *tls.Config, certs ...*x509.Certificate) {
	t.Helper()
	var texts []string
	for _, c := range certs {
		texts = append(texts, link.PinOf(c))
	}
	pins, err := link.ParsePins(texts)
	if err != nil {
		t.Fatal(err)
	}
	till.VerifyConnection = pins.Verify
}

// handshake dials and gives what came of it.
func handshake(t *testing.T, host, till *tls.Config) error {
	t.Helper()
	c, err := link.Dialer((&net.Dialer{}).DialContext, serve(t, host), till, time.Minute)(t.Context())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if tc, ok := c.(*tls.Conn); !ok || !tc.ConnectionState().HandshakeComplete {
		t.Errorf("got %T without a handshake", c)
	}
	return nil
}

func TestHostWithTheRightCertificateIsTaken(t *testing.T) {
	a := newAuthority(t)
	own := a.issue(hostName)
	for name, change := range map[string]func(host, till *tls.Config){
		"TLS 1.3":              func(_, _ *tls.Config) {},
		"TLS 1.2":              func(host, _ *tls.Config) { host.MaxVersion = tls.VersionTLS12 },
		"pin of its key":       func(_, till *tls.Config) { pinned(t, till, a.issue("other").Leaf, own.Leaf) },
		"pin of the authority": func(_, till *tls.Config) { pinned(t, till, a.cert) },
		"its certificate as root": func(_, till *tls.Config) {
			till.RootCAs = x509.NewCertPool()
			till.RootCAs.AddCert(own.Leaf)
		},
		"it wants ours": func(host, till *tls.Config) {
			host.ClientAuth, host.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
			till.Certificates = []tls.Certificate{a.issue("till-1")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			host, till := secured(a, own)
			change(host, till)
			if err := handshake(t, host, till); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNameOfTheAddressIsSaidAndExpected(t *testing.T) {
	a := newAuthority(t)
	local := a.issue("127.0.0.1", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} })
	host, till := secured(a, local)
	till.ServerName = ""
	if err := handshake(t, host, till); err != nil {
		t.Error(err)
	}
	var said string
	host, till = secured(a, a.issue(hostName))
	host.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		said = hello.ServerName
		return nil, nil
	}
	if err := handshake(t, host, till); err != nil || said != hostName {
		t.Errorf("got %v and SNI %q, want %s", err, said, hostName)
	}
}

func TestHostThatProvesNothingIsRefusedWithReasonAndRemedy(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	old := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	client := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	for _, tc := range []struct {
		name   string
		shown  tls.Certificate
		change func(host, till *tls.Config)
		want   []string
	}{
		{"expired", a.issue(hostName, old), nil, []string{`"CN=host.example" is valid from `, "this till's clock says", "set the clock"}},
		{"wrong clock", a.issue(hostName), func(_, till *tls.Config) {
			till.Time = func() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) }
		}, []string{"this till's clock says 2001-01-01 00:00", "set the clock"}},
		{"wrong name", a.issue("other.example"), nil, []string{`is for "other.example", not for "host.example"`, "server_name"}},
		{"no name", a.issue("x", func(c *x509.Certificate) { c.DNSNames = nil }), nil, []string{`is for no name at all, not for "host.example"`}},
		{"unknown authority", stranger.issue(hostName), nil, []string{"no known authority", `subject "CN=host.example"`, "SHA-256 fingerprint ", "ca_file"}},
		{"wrong pin", a.issue(hostName), func(_, till *tls.Config) { pinned(t, till, stranger.cert) }, []string{"its own is sha256/", "compare it"}},
		{"for another use", a.issue(hostName, client), nil, []string{"cannot be used", "ask the acquirer"}},
		{"TLS 1.1 only", a.issue(hostName), func(host, _ *tls.Config) { host.MinVersion, host.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, []string{"no TLS 1.2 or newer"}},
		{"TLS 1.1 only, and the till would", a.issue(hostName), func(host, till *tls.Config) {
			host.MinVersion, host.MaxVersion, till.MinVersion = tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS10
		}, []string{"no TLS 1.2 or newer"}},
		{"wants our certificate", a.issue(hostName), func(host, _ *tls.Config) {
			host.ClientAuth, host.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, []string{"wants a certificate", "cert_file"}},
		{"does not know our authority", a.issue(hostName), func(host, till *tls.Config) {
			host.ClientAuth, host.ClientCAs, host.MaxVersion = tls.RequireAndVerifyClientCert, a.pool(), tls.VersionTLS12
			till.Certificates = []tls.Certificate{stranger.issue("till-1")}
		}, []string{"does not accept this till's certificate", "cert_file"}},
		{"no cipher in common", a.issue(hostName), func(host, till *tls.Config) {
			host.MaxVersion, host.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			till.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
		}, []string{"no way to encrypt in common"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			host, till := secured(a, tc.shown)
			if tc.change != nil {
				tc.change(host, till)
			}
			mustExplain(t, handshake(t, host, till), tc.want...)
		})
	}
}

func mustExplain(t *testing.T, err error, want ...string) {
	t.Helper()
	var explained *link.TLSError
	if !errors.As(err, &explained) || explained.What == "" || explained.Remedy == "" || explained.Unwrap() == nil {
		t.Fatalf("got %v, want it explained", err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want %q in it", err, w)
		}
	}
}

// A pin that is not in the verified chain proves nothing, though the host sends that certificate along.
func TestPinOfACertificateThatVouchesForNothingIsNoProof(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	shown := a.issue(hostName)
	shown.Certificate = append(shown.Certificate, other.cert.Raw)
	host, till := secured(a, shown)
	pinned(t, till, other.cert)
	mustExplain(t, handshake(t, host, till), "pinned")
	if err := (link.Pins{}).Verify(tls.ConnectionState{}); err == nil {
		t.Error("no pins allow a host")
	}
}

func TestPlainHostWhereTLSIsWantedAndTheReverse(t *testing.T) {
	a := newAuthority(t)
	_, till := secured(a, a.issue(hostName))

	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() { // ends with the listener
		for said := "no TLS here"; ; said = "" {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, said)
			_ = c.Close()
		}
	}()
	dial := link.Dialer((&net.Dialer{}).DialContext, l.Addr().String(), till, time.Minute)
	_, err = dial(t.Context())
	mustExplain(t, err, "does not answer in TLS", "port")
	_, err = dial(t.Context())
	mustExplain(t, err, "hung up within the handshake")

	h := newHost(t)
	got := h.exchange(time.Minute, h.message("0800", "000001"))
	c := <-h.ends
	h.take(c)
	if _, err := c.Write([]byte{21, 3, 1, 0, 2, 2, 70}); err != nil { // alert, fatal, protocol version
		t.Fatal(err)
	}
	r := <-got
	mustBeUnknown(t, r)
	mustExplain(t, r.err, "set enabled = true in [acquirer.tls]")
}

// In TLS 1.3 a client learns after its handshake that the host wants a certificate: with the first thing it reads.
func TestCertificateThatIsWantedAfterTheHandshakeIsExplainedToo(t *testing.T) {
	a := newAuthority(t)
	host, till := secured(a, a.issue(hostName))
	host.ClientAuth, host.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
	h := newHost(t, func(o *link.Options) {
		o.Dial = link.Dialer((&net.Dialer{}).DialContext, serve(t, host), till, time.Minute)
	})
	if err := h.link.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); h.link.Status().Up; {
		if time.Now().After(limit) {
			t.Fatal("the connection lives on")
		}
		time.Sleep(time.Millisecond)
	}
	if got := h.link.Status().LastError; !strings.Contains(got, "wants a certificate of this till; set cert_file") {
		t.Errorf("got %q", got)
	}
}

func TestPinsAreReadStrictly(t *testing.T) {
	good := link.PinOf(newAuthority(t).cert)
	if pins, err := link.ParsePins([]string{good, good}); err != nil || len(pins) != 2 {
		t.Errorf("got %v, %v", pins, err)
	}
	for _, bad := range []string{"", good[1:], "sha1/" + good[7:], good[:50], good + "=", strings.Replace(good, "sha256/", "", 1), "sha256/" + strings.Repeat("*", 44)} {
		if _, err := link.ParsePins([]string{good, bad}); err == nil || !strings.Contains(err.Error(), "pin 2 ") {
			t.Errorf("%q: got %v, want pin 2 named", bad, err)
		}
	}
}
