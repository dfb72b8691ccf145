package link_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583/link"
)

func TestDialerReachesALoopbackHost(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := link.Dialer((&net.Dialer{}).DialContext, l.Addr().String(), nil, time.Minute)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestDialerBelievesAKnownAuthorityOnly(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	known := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	known.ServerName = "example.com"
	dial := (&net.Dialer{}).DialContext
	c, err := link.Dialer(dial, srv.Listener.Addr().String(), known, time.Minute)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tc, ok := c.(*tls.Conn); !ok || !tc.ConnectionState().HandshakeComplete {
		t.Errorf("got %T without a handshake", c)
	}
	_ = c.Close()
	stranger := &tls.Config{ServerName: "example.com", RootCAs: x509.NewCertPool()}
	if c, err := link.Dialer(dial, srv.Listener.Addr().String(), stranger, time.Minute)(t.Context()); err == nil {
		_ = c.Close()
		t.Error("a host with a certificate of an unknown authority is believed")
	}
}

func TestDialerGivesUpAHandshakeThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		dial := func(context.Context, string, string) (net.Conn, error) { return near, nil }
		go func() { _, _ = io.Copy(io.Discard, far) }() // a host that only listens; ends with near
		start := time.Now()
		_, err := link.Dialer(dial, "host.example:5000", &tls.Config{ServerName: "host.example"}, 5*time.Second)(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
