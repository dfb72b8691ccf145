package main

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
)

func TestAPosdWhoseAPIHasStoppedEnds(t *testing.T) {
	s := openStore(t, plan{})
	s.stop()
	ready := make(chan net.Listener, 1)
	w := realWorld(slog.New(slog.DiscardHandler))
	w.Open = s.open
	w.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		ln, err := (&net.ListenConfig{}).Listen(ctx, network, "127.0.0.1:0")
		ready <- ln
		return ln, err
	}
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), s.cfg, w) }()
	if err := (<-ready).Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the API has stopped") {
		t.Errorf("it ended with %v", err)
	}
}
