//go:build proof && linux

package proof

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

var speedCards = flag.Int("speed.cards", 300, "payments of one card terminal, one after the other")

// wire stands between posd and its host and takes the time from the end of a request to its answer.
type wire struct {
	ln   net.Listener
	host string

	mu    sync.Mutex
	asked time.Time       // guarded by mu, as what follows
	trips []time.Duration // from the end of a request to its answer
	open  []net.Conn      // what ends when the test does; posd would keep it
}

func newWire(t *testing.T, host string) *wire {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, host: host}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { w.carry(t.Context(), c) })
		}
	})
	t.Cleanup(func() { w.cut(); serving.Wait() })
	return w
}

// cut ends every connection, and takes no other.
func (w *wire) cut() {
	_ = w.ln.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

// carry joins a connection of posd's with one of the host's.
func (w *wire) carry(ctx context.Context, posd net.Conn) {
	defer posd.Close()
	host, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.host)
	if err != nil {
		return
	}
	defer host.Close()
	w.mu.Lock()
	w.open = append(w.open, posd, host)
	w.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { defer posd.Close(); w.pass(posd, host, w.answered) })
	w.pass(host, posd, func() { w.mu.Lock(); w.asked = time.Now(); w.mu.Unlock() })
	_ = host.Close()
	back.Wait()
}

func (w *wire) pass(to io.Writer, from io.Reader, note func()) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			note()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.asked.IsZero() {
		w.trips = append(w.trips, time.Since(w.asked))
		w.asked = time.Time{}
	}
}

// trip is what the host takes for an answer: the median.
func (w *wire) trip() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return median(w.trips)
}

// A code that the acquirer takes travels as a card does: over the terminal, one at a time. It needs nobody who swipes.
const acquirersWallet = `[wallet.unionpay]
enabled = true
[[wallet.route]]
provider = "unionpay"
prefixes = ["62"]
lengths = [19]
[payment]`

func TestOneTerminalTakesPaymentsOneAfterTheOther(t *testing.T) {
	s := closedShop(t, plan{bare: true, noWallet: true, timeOut: "30s"})
	w := newWire(t, s.host.address)
	s.quietly(t, s.host.address, w.ln.Addr().String(), "[payment]", acquirersWallet)
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := newCaller(s, tillToken, false)
	defer c.http.CloseIdleConnections()
	for i := range *speedCards {
		if a, err := c.openSale(t.Context(), fmt.Sprintf("S-%d", i), int64(100+i)); err != nil || a.refused() {
			t.Fatalf("open: %v %s", err, a.Raw)
		}
	}
	before := floorOf(t, s.path("journal"))
	cpu, start := used(t, s.posd.cmd.Process.Pid), time.Now()
	for i := range *speedCards {
		s.oneCode(t.Context(), t, c, i)
	}
	took := time.Since(start) / time.Duration(*speedCards)
	cpu = (used(t, s.posd.cmd.Process.Pid) - cpu) / time.Duration(*speedCards)
	after := floorOf(t, s.path("journal"))
	s.hostHolds(t)
	commit, sync := (before.commit+after.commit)/2, (before.sync+after.sync)/2
	least := w.trip() + 3*commit
	ratio := least.Seconds() / took.Seconds()
	t.Logf("proof | card rail, one terminal | %d payments by one till, one after the other | %.0f/s, %s each, %s of it posd's computing; floor: host %s + 3 durable commits of %s = %.0f/s; ratio %.2f (goal 0.60: %s; with bare writes of %s in place of commits %.2f)",
		*speedCards, 1/took.Seconds(), ms(took), ms(cpu), ms(w.trip()), ms(commit), 1/least.Seconds(), ratio, reached(ratio, 0.6),
		ms(sync), (w.trip()+3*sync).Seconds()/took.Seconds())
}

// leastWrites are how long the disk takes now: for a write with its sync, and for the least commit of a journal, of one
// event that nothing is derived from.
type leastWrites struct{ sync, commit time.Duration }

// floorOf measures them in a folder.
func floorOf(t *testing.T, dir string) leastWrites {
	t.Helper()
	const n = 200
	sync, err := syncs(t.Context(), dir, n)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), journal.Options{Path: filepath.Join(dir, "floor.db"), Now: time.Now, Owner: "proof"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, j)
	took := make([]time.Duration, 0, n)
	for range n {
		start := time.Now()
		err := j.Update(t.Context(), func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "sale/1", Kind: "noted", Body: strings.Repeat("x", 200)})
		})
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	return leastWrites{sync: sync, commit: median(took)}
}

// oneCode pays the i-th sale.
func (s *shop) oneCode(ctx context.Context, t *testing.T, c *caller, i int) {
	t.Helper()
	body := map[string]any{"rail": "wallet", "kind": "sale", "code": fmt.Sprintf("62%017d", 9_876_543_210_000+i)}
	a, err := c.begin(ctx, fmt.Sprintf("S-%d", i), "a", body, patience)
	if err != nil || a.State != payment.SaidApproved {
		t.Fatalf("pay: %v %s\n%s", err, a.Raw, tail(s.path("logs/posd.json")))
	}
}

// hostHolds fails the test unless the host has taken each payment once.
func (s *shop) hostHolds(t *testing.T) {
	t.Helper()
	entries, err := s.hostBook()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Kind == hostsim.KindQRSale && e.Net() > 0 {
			n++
		}
	}
	if n != *speedCards || len(entries) != n {
		t.Errorf("the host has %d payments of %d entries, want %d", n, len(entries), *speedCards)
	}
}
