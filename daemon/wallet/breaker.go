package wallet

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
)

// A gateway can answer and yet not know what it did: after several payments in a row whose outcome nobody knew, new ones at
// it are refused before their code is read, so that no more customers wait for a reversal. What is open there goes on. Any
// answer that makes sense opens it again. While nothing else is asked of it, a query of an order that never was does: every half
// minute (the desk's probe), and with the next payment, before that is refused.

// probeOrder is a number that no order has: ours have the till's prefix and a counter.
const probeOrder = "POSDPROBE"

// breaker counts unknown outcomes of payments in a row. It is guarded by its line's mu.
type breaker struct {
	unknown int
	last    string    // what the last of them came to
	asked   time.Time // when the gateway was last asked for probeOrder (monotonic)
}

// note takes an outcome into account.
func (b *breaker) note(c Call, r Result) {
	switch {
	case r.Signed && (r.Class != ClassUnknown || r.Absent):
		b.unknown = 0
	case c.Op == OpPay && !r.NotSent:
		b.unknown++
		b.last = strings.TrimSpace(r.Code + " " + r.Text)
	}
}

// suspect tells whether a line is not to be given new payments: after SuspectAfter unknown ones, until it makes sense again.
func (w *Wallet) suspect(ctx context.Context, l *line) bool {
	l.mu.Lock()
	tripped := l.breaker.unknown >= w.o.SuspectAfter
	due := tripped && time.Since(l.breaker.asked) >= w.o.SuspectProbe
	if due {
		l.breaker.asked = time.Now()
	}
	l.mu.Unlock()
	if !due {
		return tripped
	}
	call, cancel := context.WithTimeout(ctx, w.o.ProbeCall)
	defer cancel()
	l.do(call, Call{Op: OpQuery, Order: probeOrder, Amount: 1, Currency: l.terms.Currency})
	return l.tripped(w.o.SuspectAfter)
}

func (l *line) tripped(after int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.breaker.unknown >= after
}

// doubt is what the last unclear payment came to.
func (l *line) doubt() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Doubts tells whether a gateway is suspect: the desk looks every half minute then whether it makes sense again.
func (w *Wallet) Doubts() bool {
	return slices.ContainsFunc(w.sorted, func(l *line) bool { return l.tripped(w.o.SuspectAfter) })
}

func suspected(names string) error {
	return &payment.Problem{
		Code: "wallet_suspect", Status: http.StatusServiceUnavailable,
		Detail: "the last payments at " + names + " were not answered clearly, so no more are begun there",
		Remedy: "take a card, cash or another wallet; posd asks the gateway again by itself",
	}
}

// Concerns says which gateways are not given new payments, whose clock is not ours, and what their providers are concerned about.
func (w *Wallet) Concerns() (out []payment.Concern) {
	for _, l := range w.sorted {
		if l.tripped(w.o.SuspectAfter) {
			out = append(out, payment.Concern{
				Code:   "wallet_suspect",
				Detail: fmt.Sprintf("payments at %s are refused: the last %d were not answered clearly: %s", l.terms.Name, w.o.SuspectAfter, l.doubt()),
				Remedy: "posd asks again by itself every 30 s; look at the network, and at the gateway's notices if it lasts",
			})
		}
		out = append(out, l.clock()...)
		if p, ok := l.Provider.(Concerned); ok {
			out = append(out, p.Concerns()...)
		}
	}
	return out
}
