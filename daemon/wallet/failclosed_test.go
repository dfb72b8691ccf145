package wallet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"posd/daemon/wallet"
)

// fault is a journal that is blocked from some moment on.
type fault struct{ err atomic.Pointer[error] }

var errCommit = errors.New("commit: simulated write error")

func (f *fault) strike() { f.err.Store(&errCommit) }

func (f *fault) blocked() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// A commit fails when a gateway has been reached, and over TLS in the middle of the handshake as well.
func TestAGatewayThatIsReachedAfterAFailedCommitGetsNothing(t *testing.T) {
	for _, when := range []string{"http, dialled", "https, dialled", "https, shaking hands"} {
		t.Run(when, func(t *testing.T) {
			var asked atomic.Int32
			var f fault
			gateway := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			start := gateway.StartTLS
			if when == "http, dialled" {
				start = gateway.Start
			}
			if when == "https, shaking hands" {
				gateway.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { f.strike(); return nil, nil }}
			}
			start()
			defer gateway.Close()
			dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if when != "https, shaking hands" {
					f.strike()
				}
				return c, err
			}
			post := poster(t, wallet.NewTransport(wallet.FailClosed(dial, f.blocked), trusting(gateway)))
			_, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order"))
			if !errors.Is(err, errCommit) || asked.Load() != 0 {
				t.Errorf("got %v, and the gateway was asked %d times", err, asked.Load())
			}
		})
	}
}

// A request that waits for its own connection takes one that another gives back meanwhile.
func TestAnIdleConnectionIsNotUsedAfterAFailedCommit(t *testing.T) {
	var asked atomic.Int32
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte("paid"))
	}))
	defer gateway.Close()
	var f fault
	post := poster(t, wallet.NewTransport(wallet.FailClosed(new(net.Dialer).DialContext, f.blocked), trusting(gateway)))
	if got, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order")); err != nil || string(got) != "paid" {
		t.Fatalf("while all is well: %q, %v", got, err)
	}
	f.strike()
	for range 2 { // by the connection that is kept, and by a new one
		if _, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order")); !errors.Is(err, errCommit) || asked.Load() != 1 {
			t.Errorf("got %v, and the gateway was asked %d times, want once", err, asked.Load())
		}
	}
}

// A journal that is blocked says nothing of a gateway: its second host is not turned to.
func TestABlockedJournalTurnsToNoOtherHost(t *testing.T) {
	var first, second atomic.Int32
	count := func(n *atomic.Int32) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	}
	main, backup := count(&first), count(&second)
	defer main.Close()
	defer backup.Close()
	var f fault
	post, err := wallet.NewPoster(wallet.NewTransport(wallet.FailClosed(new(net.Dialer).DialContext, f.blocked), nil), backup.URL)
	if err != nil {
		t.Fatal(err)
	}
	f.strike()
	if _, err := post.Post(t.Context(), main.URL, "text/plain", nil); !errors.Is(err, errCommit) {
		t.Errorf("while the journal is blocked: %v", err)
	}
	f.err.Store(nil)
	if _, err := post.Post(t.Context(), main.URL, "text/plain", nil); err != nil || first.Load() != 1 || second.Load() != 0 {
		t.Errorf("afterwards: %v; the first host was asked %d times, the second %d", err, first.Load(), second.Load())
	}
}

// trusting is the client's side of a test server's TLS; nil if that has none.
func trusting(s *httptest.Server) *tls.Config {
	if s.Certificate() == nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{RootCAs: roots}
}

func poster(t *testing.T, rt http.RoundTripper) *wallet.Poster {
	t.Helper()
	p, err := wallet.NewPoster(rt, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
