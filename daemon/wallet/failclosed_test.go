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

// A gateway that is being reached while a commit fails gets nothing, in the clear and over TLS alike: the commit fails
// when the dial has ended, which over TLS is before the handshake.
func TestAGatewayThatIsReachedAfterAFailedCommitGetsNothing(t *testing.T) {
	for name, begin := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			gateway := begin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			defer gateway.Close()
			var fault atomic.Pointer[error]
			failing := errors.New("commit: simulated write error")
			dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				fault.Store(&failing)
				return c, err
			}
			post := poster(t, wallet.FailClosed(wallet.NewTransport(dial, trusting(gateway)), func() error {
				if err := fault.Load(); err != nil {
					return *err
				}
				return nil
			}))
			_, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order"))
			if !errors.Is(err, wallet.ErrNotSent) || !errors.Is(err, failing) || asked.Load() != 0 {
				t.Errorf("got %v, and the gateway was asked %d times", err, asked.Load())
			}
		})
	}
}

func TestATransportThatFailsClosedSpeaksTLSAsBefore(t *testing.T) {
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("paid")) }))
	defer gateway.Close()
	well := func() error { return nil }
	post := poster(t, wallet.FailClosed(wallet.NewTransport(nil, trusting(gateway)), well))
	if got, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order")); err != nil || string(got) != "paid" {
		t.Errorf("got %q, %v", got, err)
	}
	post = poster(t, wallet.FailClosed(wallet.NewTransport(nil, nil), well))
	var stranger *tls.CertificateVerificationError
	if _, err := post.Post(t.Context(), gateway.URL, "text/plain", []byte("order")); !errors.Is(err, wallet.ErrNotSent) || !errors.As(err, &stranger) {
		t.Errorf("a certificate that nobody vouches for: %v", err)
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
