package link_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583"
	"posd/iso8583/link"
)

// host is the other end of a link's connections: each dial gives a new pipe, and its far end comes out of ends.
type host struct {
	t     testing.TB
	d     *iso8583.Dialect
	ends  chan net.Conn
	mu    sync.Mutex
	dials int   // guarded by mu
	fail  error // guarded by mu; what a dial answers

	late chan []byte
	link *link.Link
}

func newHost(t *testing.T, change ...func(o *link.Options)) *host {
	t.Helper()
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, d: d, ends: make(chan net.Conn, 8), late: make(chan []byte, 8)}
	o := link.Options{Dialect: d, Dial: h.dial, Late: func(p []byte) { h.late <- p }}
	for _, c := range change {
		c(&o)
	}
	h.link = link.New(o)
	t.Cleanup(func() {
		if err := h.link.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// outstanding lets n exchanges be under way at a time.
func outstanding(n int) func(*link.Options) { return func(o *link.Options) { o.Outstanding = n } }

func (h *host) dial(context.Context) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials++
	if h.fail != nil {
		return nil, h.fail
	}
	near, far := net.Pipe()
	h.ends <- far
	return near, nil
}

func (h *host) dialled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dials
}

// message packs an MTI with the trace number; terminal and processing code are always the same.
func (h *host) message(mti, trace string) []byte {
	h.t.Helper()
	m := &iso8583.Message{MTI: mti}
	m.Set(3, "000000")
	m.Set(11, trace)
	m.Set(41, "10000001")
	packed, err := h.d.Pack(nil, m)
	if err != nil {
		h.t.Fatal(err)
	}
	return packed
}

func (h *host) key(packed []byte) string {
	m, _, err := h.d.Unpack(packed)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.d.MatchKey(m)
}

// take reads one frame from the link.
func (h *host) take(c net.Conn) []byte {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		h.t.Error(err)
		return nil
	}
	body := make([]byte, int(head[0])<<8|int(head[1]))
	if _, err := io.ReadFull(c, body); err != nil {
		h.t.Error(err)
	}
	return body
}

func (h *host) give(c net.Conn, packed []byte) {
	if _, err := c.Write(h.stream(packed)); err != nil {
		h.t.Error(err)
	}
}

// stream is messages as they stand on the line.
func (h *host) stream(messages ...[]byte) (all []byte) {
	h.t.Helper()
	for _, packed := range messages {
		var err error
		if all, err = h.d.AppendFrame(all, packed); err != nil {
			h.t.Fatal(err)
		}
	}
	return all
}

type result struct {
	reply []byte
	err   error
}

// exchange runs one exchange beside the test, which plays the host.
func (h *host) exchange(limit time.Duration, packed []byte) <-chan result {
	out := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		reply, err := h.link.Exchange(ctx, packed, h.key(packed))
		out <- result{reply, err}
	}()
	return out
}

func mustArrive(t *testing.T, r result, want []byte) {
	t.Helper()
	if r.err != nil || string(r.reply) != string(want) {
		t.Fatalf("got %X, %v, want %X", r.reply, r.err, want)
	}
}

func mustBeUnknown(t *testing.T, r result) {
	t.Helper()
	if r.err == nil || errors.Is(r.err, link.ErrNotSent) {
		t.Fatalf("got %X, %v, want an error that does not claim it was not sent", r.reply, r.err)
	}
}

func mustBeUnsent(t *testing.T, r result) {
	t.Helper()
	if !errors.Is(r.err, link.ErrNotSent) {
		t.Fatalf("got %X, %v, want ErrNotSent", r.reply, r.err)
	}
}

func TestExchangeGivesTheAnswerAndKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var c net.Conn
		for i, trace := range []string{"000001", "000002", "000003"} {
			got := h.exchange(time.Minute, h.message("0200", trace))
			if i == 0 {
				c = <-h.ends
			}
			h.take(c)
			h.give(c, h.message("0210", trace))
			mustArrive(t, <-got, h.message("0210", trace))
		}
		if h.dialled() != 1 {
			t.Errorf("dialled %d times, want once", h.dialled())
		}
	})
}

func TestLateAnswerOfASaleNeverAnswersItsReversal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		sale := h.exchange(10*time.Second, h.message("0200", "000007"))
		c := <-h.ends
		h.take(c)
		mustBeUnknown(t, <-sale)

		reversal := h.exchange(time.Minute, h.message("0400", "000007"))
		h.take(c)
		h.give(c, h.message("0210", "000007")) // same terminal, same trace number
		if got := <-h.late; string(got) != string(h.message("0210", "000007")) {
			t.Errorf("late: got %X", got)
		}
		synctest.Wait()
		select {
		case r := <-reversal:
			t.Fatalf("the reversal was answered by the sale's answer: %X, %v", r.reply, r.err)
		default:
		}
		h.give(c, h.message("0410", "000007"))
		mustArrive(t, <-reversal, h.message("0410", "000007"))
	})
}

func TestAnswersFindTheirOwnExchangeInAnyOrderAndChunking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, outstanding(2))
		first := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		second := h.exchange(time.Minute, h.message("0200", "000002"))
		h.take(c)

		for _, b := range h.stream(nil, h.message("0210", "000002"), h.message("0210", "000001")) { // the empty one is a poll
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		mustArrive(t, <-second, h.message("0210", "000002"))
		mustArrive(t, <-first, h.message("0210", "000001"))
	})
}

func TestSecondAnswerAndNoiseGoToLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		h.give(c, []byte("no message at all"))
		h.give(c, h.message("0210", "000001"))
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-got, h.message("0210", "000001"))
		if string(<-h.late) != "no message at all" || string(<-h.late) != string(h.message("0210", "000001")) {
			t.Error("noise and the second answer did not both go to Late")
		}
	})
}

func TestFailedDialWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.fail = errors.New("connection refused")
		r := <-h.exchange(time.Minute, h.message("0200", "000001"))
		mustBeUnsent(t, r)
		if !strings.Contains(r.err.Error(), "connection refused") {
			t.Errorf("got %v, want the reason in it", r.err)
		}
		if err := h.link.Up(t.Context()); !errors.Is(err, link.ErrNotSent) {
			t.Errorf("Up: got %v", err)
		}
	})
}

func TestConnectionThatEndsAfterTheWriteMayHaveArrived(t *testing.T) {
	for name, end := range map[string]func(h *host, c net.Conn){
		"before the answer": func(h *host, c net.Conn) { h.take(c); _ = c.Close() },
		"within the answer": func(h *host, c net.Conn) { h.take(c); _, _ = c.Write([]byte{0, 40, 0x60}); _ = c.Close() },
		"within the write":  func(_ *host, c net.Conn) { _, _ = c.Read(make([]byte, 5)); _ = c.Close() },
		"with noise":        func(h *host, c net.Conn) { h.take(c); _, _ = c.Write([]byte{0xFF, 0xFF, 1, 2}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				got := h.exchange(time.Minute, h.message("0200", "000001"))
				end(h, <-h.ends)
				mustBeUnknown(t, <-got)

				again := h.exchange(time.Minute, h.message("0400", "000001"))
				c := <-h.ends // dialled anew
				h.take(c)
				h.give(c, h.message("0410", "000001"))
				mustArrive(t, <-again, h.message("0410", "000001"))
			})
		})
	}
}

func TestConnectionClosedByTheHostIsDialledAnewBeforeWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		if err := h.link.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = (<-h.ends).Close()
		synctest.Wait()
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-got, h.message("0210", "000001"))
		if h.dialled() != 2 {
			t.Errorf("dialled %d times, want 2", h.dialled())
		}
	})
}
