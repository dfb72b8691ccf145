package wallet_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// drawn is a log of the gateway's that keeps which faults its calls had.
type drawn struct {
	slog.Handler

	mu     sync.Mutex
	faults map[walletsim.Fault]int // guarded by mu
}

func newDrawn() *drawn {
	return &drawn{Handler: slog.DiscardHandler, faults: map[walletsim.Fault]int{}}
}

func (*drawn) Enabled(context.Context, slog.Level) bool { return true }

// Handle takes note of the fault of a call.
func (d *drawn) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "fault" {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.faults[walletsim.Fault(a.Value.String())]++
		}
		return true
	})
	return nil
}

// never are the rows of httpFaults whose rule fits no call of posd's.
var never = []string{"by another amount", "by a header that posd does not send"}

// settles plays what posd's desk does with an attempt that is sent, with its pauses: it asks until the deadline is near or so
// often, and undoes what is not paid by then.
func (s *shop) settles(a *payment.Attempt, in payment.Input, asks int) string {
	ans := s.authorize(*a, in)
	for range asks {
		switch {
		case ans.Outcome == payment.Approved:
			return endPaid
		case ans.Outcome == payment.Declined, ans.Outcome == payment.NotSent:
			return endNotPaid
		}
		if ans.Hopeless {
			break
		}
		time.Sleep(ans.After)
		ans = s.ask(*a)
	}
	if ans.Outcome == payment.Approved {
		return endPaid
	}
	if s.undo(a, 100).Outcome == payment.Confirmed {
		return endUndone
	}
	return "never ends"
}

// TestEveryFaultInVirtualTimeEndsAsTheLedgerSays plays the table of faults with the pauses of a shop, and nothing by chance:
// it is the same on every machine.
func TestEveryFaultInVirtualTimeEndsAsTheLedgerSays(t *testing.T) {
	keys()
	all := newDrawn()
	for name, c := range httpFaults {
		for _, kind := range everyKind {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDrawn()
					s := newShop(t, kind, func(o *walletsim.Options) { o.Log = slog.New(d) })
					defer s.close()
					s.endsAsTheLedgerSays(c)
					for _, r := range c.rules {
						if d.faults[r.Fault] == 0 != slices.Contains(never, name) {
							t.Errorf("%s was drawn %d times", r.Fault, d.faults[r.Fault])
						}
						all.faults[r.Fault] += d.faults[r.Fault]
					}
				})
			})
		}
	}
	for _, f := range walletsim.Faults() {
		if all.faults[f] == 0 {
			t.Errorf("%s was never drawn", f)
		}
	}
}

// endsAsTheLedgerSays plays one row, and compares once nothing of it is under way any more.
func (s *shop) endsAsTheLedgerSays(c httpFault) {
	s.t.Helper()
	if slices.ContainsFunc(c.rules, func(r walletsim.Rule) bool { return r.Fault == walletsim.Replay }) {
		first, in := s.sale(1999)
		s.authorize(first, in)
	}
	s.rules(c.rules...)
	a, in := s.sale(1999)
	end := s.settles(&a, in, asks(c.want))
	time.Sleep(3 * time.Minute)
	holds := int64(0)
	if end == endPaid {
		holds = int64(a.Amount)
	}
	if s.net(a) != holds || end == "never ends" || c.want != endEither && end != c.want {
		s.t.Errorf("the sale ends %q, want %q; the gateway holds %d of %d", end, c.want, s.net(a), a.Amount)
	}
}
