package wallet_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
	"posd/daemon/wallet/wechat"
	"posd/hwtest/walletsim"
)

const secretBody = "auth_code=281675652589992104"

func newPoster(t *testing.T, rt http.RoundTripper, backup string) *wallet.Poster {
	t.Helper()
	p, err := wallet.NewPoster(rt, backup)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// post posts one body to a real listener.
func post(t *testing.T, rt http.RoundTripper, to string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := newPoster(t, rt, "").Post(ctx, to, "text/plain", []byte(secretBody))
	if err != nil && (strings.Contains(err.Error(), "auth_code") || strings.Contains(err.Error(), "127.0.0.1:0/")) {
		t.Errorf("the error holds the request: %v", err)
	}
	return answer, err
}

func TestNotSentOnlyWithProof(t *testing.T) {
	tlsServer := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // it complains about us
	tlsServer.StartTLS()
	defer tlsServer.Close()
	cut := listen(t, func(c net.Conn) { _ = c.Close() })
	mute := listen(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_ = c.Close()
	})
	for name, c := range map[string]struct {
		to      string
		notSent bool
	}{
		"nobody listens":              {"http://" + shut, true},
		"certificate of a stranger":   {tlsServer.URL, true},
		"no TLS at the other end":     {"https://" + mute, true},
		"closed after connecting":     {"http://" + cut, false},
		"closed after the request":    {"http://" + mute, false},
		"address that is no address":  {"http://\x00", true},
		"answered, status not 200":    {strings.Replace(tlsServer.URL, "https", "http", 1), false},
		"a protocol that is not HTTP": {"ftp://" + mute, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := wallet.NewTransport(nil, nil)
			defer tr.CloseIdleConnections()
			if _, err := post(t, tr, c.to); err == nil || errors.Is(err, wallet.ErrNotSent) != c.notSent {
				t.Errorf("got %v, not sent: want %v", err, c.notSent)
			}
		})
	}
}

// listen serves connections one after the other.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestAnEndedContextSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newPoster(t, http.DefaultTransport, "").Post(ctx, "http://127.0.0.1:1", "text/plain", nil)
	if !errors.Is(err, wallet.ErrNotSent) {
		t.Errorf("got %v", err)
	}
}

// TestAPostIsSentOnce: neither a redirect nor a connection that dies while idle makes the transport send again.
func TestAPostIsSentOnce(t *testing.T) {
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.URL.Path == "/redirect":
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		case requests.Load() > 1:
			panic(http.ErrAbortHandler)
		}
	}))
	defer srv.Close()
	tr := wallet.NewTransport(nil, nil)
	defer tr.CloseIdleConnections()
	if _, err := post(t, tr, srv.URL+"/first"); err != nil {
		t.Fatal(err)
	}
	if _, err := post(t, tr, srv.URL+"/dies"); err == nil || errors.Is(err, wallet.ErrNotSent) {
		t.Errorf("a connection that dies: %v", err)
	}
	if _, err := post(t, tr, srv.URL+"/redirect"); !errors.Is(err, wallet.ErrAnswer) {
		t.Errorf("a redirect: %v", err)
	}
	if requests.Load() != 3 {
		t.Errorf("%d requests, want 3", requests.Load())
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 2 * sign.MaxBody / 1024 {
			_, _ = w.Write(make([]byte, 1024))
		}
	}))
	defer srv.Close()
	tr := wallet.NewTransport(nil, nil)
	defer tr.CloseIdleConnections()
	if _, err := post(t, tr, srv.URL); !errors.Is(err, wallet.ErrAnswer) {
		t.Errorf("got %v", err)
	}
}

// TestFaultsOnARealListener: what the faults do to real connections is what Transport does in memory.
func TestFaultsOnARealListener(t *testing.T) {
	for name, c := range map[string]struct {
		rule walletsim.Rule
		want payment.Outcome
	}{
		"none":  {walletsim.Rule{Fault: walletsim.DelayAnswer}, payment.Approved},
		"reset": {walletsim.Rule{Fault: walletsim.Reset, Commit: true}, payment.Unknown},
		"half":  {walletsim.Rule{Fault: walletsim.Half}, payment.Unknown},
		"html":  {walletsim.Rule{Fault: walletsim.HTML}, payment.Unknown},
		"5xx":   {walletsim.Rule{Fault: walletsim.ServerError}, payment.Unknown},
	} {
		for _, rail := range everyKind {
			t.Run(name+" "+rail, func(t *testing.T) {
				s := newRealShop(t, rail)
				defer s.close()
				c.rule.Call = walletsim.CallPay
				s.rules(c.rule)
				a, in := s.sale(1999)
				if ans := s.authorize(a, in); ans.Outcome != c.want {
					t.Errorf("pay: %+v", ans)
				}
			})
		}
	}
}

// newRealShop is a shop whose requests go over TCP.
func newRealShop(t *testing.T, name string) *shop {
	t.Helper()
	s := newShop(t, name)
	srv := httptest.NewServer(s.g.Handler())
	t.Cleanup(srv.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	tr := wallet.NewTransport(dial, nil)
	t.Cleanup(tr.CloseIdleConnections)
	s.w = s.newWallet(tr)
	return s
}

// TestWeChatReversesWithAClientCertificate: without one the gateway refuses, unsigned, and nothing is believed.
func TestWeChatReversesWithAClientCertificate(t *testing.T) {
	for _, shown := range []bool{false, true} {
		s := newShop(t, "wechat", func(o *walletsim.Options) { o.WeChat.RequireCert = true })
		srv := httptest.NewUnstartedServer(s.g.Handler())
		client := clientCert(t)
		srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: x509.NewCertPool()}
		srv.TLS.ClientCAs.AddCert(client.Leaf)
		srv.StartTLS()
		conf := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"}
		conf.RootCAs.AddCert(srv.Certificate())
		if shown {
			conf.Certificates = []tls.Certificate{client}
		}
		tr := wallet.NewTransport(nil, conf)
		p, err := wechat.New(wechat.Options{
			URL: srv.URL, AppID: "wx0000000000000001", MchID: "1900000001", APIKey: apiKey, Transport: tr,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := p.Do(t.Context(), wallet.Call{Op: wallet.OpCancel, Order: "X1", Amount: 1, Currency: "CNY"})
		if !r.Reached || r.Signed != shown || shown && r.Class != wallet.ClassReversed {
			t.Errorf("certificate shown %v: %+v", shown, r)
		}
		tr.CloseIdleConnections()
		srv.Close()
		s.close()
	}
}

// clientCert is a merchant's certificate that signs itself.
func clientCert(t *testing.T) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &keys()[0].PublicKey, keys()[0])
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: keys()[0], Leaf: leaf}
}

func TestYuanIsReadWithoutFloatingPoint(t *testing.T) {
	for text, want := range map[string]payment.Cents{
		"0.01": 1, "19.99": 1999, "100": 10000, "1.5": 150, "100000000.00": 10000000000,
	} {
		if got, err := wallet.ParseYuan(text); err != nil || got != want {
			t.Errorf("%s = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1.00", "1.234", "1e3", "１.00", "99999999999999999999"} {
		if got, err := wallet.ParseYuan(text); err == nil {
			t.Errorf("%q = %d", text, got)
		}
	}
	if got := wallet.Yuan(1905); got != "19.05" {
		t.Errorf("got %s", got)
	}
}

func TestACodeThatAGatewayRepeatsIsTakenOut(t *testing.T) {
	code := payment.NewSecret([]byte("281675652589992104"))
	got := wallet.Shown(map[string]string{"sub_msg": "bad code 281675652589992104!", "buyer": "x"}, code, []string{"sub_msg"})
	if len(got) != 1 || got["sub_msg"] != "bad code (code)!" {
		t.Errorf("got %q", got)
	}
	if long := wallet.Clean(strings.Repeat("中", 200), code); len(long) > 256 || strings.ContainsRune(long, '\uFFFD') {
		t.Errorf("got %d bytes", len(long))
	}
}
