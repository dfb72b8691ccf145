package link_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583/link"
)

func each(o *link.Options) { o.Each = true }

// mustBeClosed reads a far end to its end.
func mustBeClosed(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatalf("got %d bytes more, want a closed connection", n)
	}
}

func TestEachExchangeHasAConnectionOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each)
		for _, trace := range []string{"000001", "000002"} {
			got := h.exchange(time.Minute, h.message("0200", trace))
			c := <-h.ends
			h.take(c)
			h.give(c, h.message("0210", trace))
			mustArrive(t, <-got, h.message("0210", trace))
			mustBeClosed(t, c)
		}
		if h.dialled() != 2 {
			t.Errorf("dialled %d times, want 2", h.dialled())
		}
		if s := h.link.Status(); !s.Up || s.LastError != "" {
			t.Errorf("got %+v, want up and no error: hanging up is no loss", s)
		}
	})
}

func TestConnectionThatUpDialledServesTheNextExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each)
		for range 2 {
			if err := h.link.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-got, h.message("0210", "000001"))
		mustBeClosed(t, c)
		if h.dialled() != 1 {
			t.Errorf("dialled %d times, want once", h.dialled())
		}
	})
}

func TestConnectionThatNobodyUsesIsClosedAndTheNextDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each)
		if err := h.link.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		mustBeClosed(t, <-h.ends)
		if quiet := time.Since(start); quiet != 15*time.Second {
			t.Errorf("closed after %s, want 15s", quiet)
		}
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		time.Sleep(30 * time.Second) // a slow answer is no idleness
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-got, h.message("0210", "000001"))
	})
}

func TestExchangesBesideEachOtherHaveTheirOwnConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each, outstanding(2))
		first := h.exchange(time.Minute, h.message("0200", "000001"))
		a := <-h.ends
		h.take(a)
		second := h.exchange(time.Minute, h.message("0200", "000002"))
		b := <-h.ends
		h.take(b)
		third := h.exchange(time.Second, h.message("0200", "000003"))
		mustBeUnsent(t, <-third)
		h.give(a, h.message("0210", "000002")) // an answer on a connection that did not ask is nobody's
		if late := <-h.late; string(late) != string(h.message("0210", "000002")) {
			t.Errorf("late: got %X", late)
		}
		h.give(b, h.message("0210", "000002"))
		mustArrive(t, <-second, h.message("0210", "000002"))
		h.give(a, h.message("0210", "000001"))
		mustArrive(t, <-first, h.message("0210", "000001"))
	})
}

func TestTimeOutClosesTheConnectionOfItsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each)
		got := h.exchange(time.Second, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		mustBeUnknown(t, <-got)
		mustBeClosed(t, c)
	})
}

func TestDoubledAnswerInOnePieceIsKeptAsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, each)
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		answer := h.message("0210", "000001")
		both := h.stream(answer, answer)
		if _, err := c.Write(both); err != nil {
			t.Error(err)
		}
		mustArrive(t, <-got, answer)
		if late := <-h.late; string(late) != string(answer) {
			t.Errorf("late: got %X", late)
		}
	})
}

func TestExchangeWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		first := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		second := h.exchange(time.Minute, h.message("0200", "000002"))
		hasty := h.exchange(time.Second, h.message("0200", "000003"))
		mustBeUnsent(t, <-hasty)
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-first, h.message("0210", "000001"))
		if got := string(h.take(c)); got != string(h.message("0200", "000002")) {
			t.Errorf("got %X, want the second message and never the third", got)
		}
		h.give(c, h.message("0210", "000002"))
		mustArrive(t, <-second, h.message("0210", "000002"))
	})
}

func TestCallerWhoGivesUpDoesNotMakeTheHostSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		if err := h.link.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := <-h.ends
		for _, trace := range []string{"000001", "000002", "000003"} {
			ctx, cancel := context.WithCancel(t.Context())
			message := h.message("0800", trace)
			done := make(chan error, 1)
			go func() {
				_, err := h.link.Exchange(ctx, message, h.key(message))
				done <- err
			}()
			h.take(c)
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, link.ErrNotSent) {
				t.Errorf("got %v", err)
			}
		}
		if s := h.link.Status(); !s.Up || h.dialled() != 1 {
			t.Errorf("got %+v after %d dials, want the first connection", s, h.dialled())
		}
	})
}
