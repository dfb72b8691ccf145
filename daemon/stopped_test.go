package main

import (
	"context"
	"log/slog"
	"testing"
)

// A service manager that is told to stop what it has just started takes an error for a failure, and starts it again.
func TestAPosdThatIsStoppedWhileItStartsEndsWell(t *testing.T) {
	s := newStore(t, plan{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w := realWorld(slog.New(slog.DiscardHandler))
	w.Open = s.bench.Open
	if err := run(ctx, s.cfg, w); err != nil {
		t.Errorf("it ends with: %v", err)
	}
}
