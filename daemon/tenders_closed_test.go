package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/journal"
)

// written counts what goes out through the doors to host and gateways.
type written struct {
	net.Conn

	bytes *int
}

func (w written) Write(b []byte) (int, error) { *w.bytes += len(b); return len(b), nil }

func TestNeitherHostNorGatewayIsWrittenToAfterAFailedCommit(t *testing.T) {
	fault := error(nil)
	j, err := journal.Open(t.Context(), journal.Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, Memory: true, BeforeCommit: func() error { return fault },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	sent := 0
	dial := func(context.Context, string, string) (net.Conn, error) { return written{near, &sent}, nil }
	h := &house{cfg: &config.Config{}, w: world{Now: time.Now, Dial: dial}, journal: j}
	line, err := h.hostLine()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := line.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("echo")); err != nil || sent != 4 {
		t.Fatalf("%d bytes went out (%v)", sent, err)
	}

	fault = errors.New("input/output error")
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("CREATE TABLE t (a)") }); err == nil || j.Blocked() == nil {
		t.Fatalf("the journal is not blocked (%v)", err)
	}
	if _, err := conn.Write([]byte("0200")); err == nil || sent != 4 {
		t.Errorf("a line that was open took it: %d bytes (%v)", sent, err)
	}
	if _, err := line.Dial(t.Context()); err == nil {
		t.Error("a line is opened")
	}
	way, err := h.transport(&config.Gateway{URL: "http://127.0.0.1:1"}, "", config.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := way.RoundTrip((&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}).WithContext(t.Context()))
	if err == nil {
		_ = answer.Body.Close()
	}
	if err == nil || sent != 4 {
		t.Errorf("a gateway was written to: %d bytes (%v)", sent, err)
	}
}
