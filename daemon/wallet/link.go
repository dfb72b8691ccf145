package wallet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"posd/daemon/payment"
)

// line is a provider and what is believed about the link to it.
type line struct {
	Provider
	terms Terms

	mu   sync.Mutex
	seen time.Time     // when it last answered (monotonic); guarded by mu
	up   bool          // guarded by mu
	off  time.Duration // how far the gateway's clock is ahead of ours, when that is too far; guarded by mu
	breaker
}

// do is Provider.Do, and remembers whether the gateway answers.
func (l *line) do(ctx context.Context, c Call) Result {
	r := l.Do(ctx, c)
	if !r.Reached && errors.Is(ctx.Err(), context.Canceled) {
		return r // we hung up ourselves: that says nothing about the link
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up = r.Reached; r.Reached {
		l.seen = time.Now()
	}
	l.note(c, r)
	return r
}

// setOff notes how far the gateway's clock is ahead of ours, if that costs payments.
func (l *line) setOff(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = by
}

// clock is the concern that payments are reversed for the sake of their time.
func (l *line) clock() []payment.Concern {
	l.mu.Lock()
	defer l.mu.Unlock()
	var what string
	switch {
	case l.off > 0:
		what = fmt.Sprintf("this machine's clock is %s behind that of %s", l.off.Round(time.Minute), l.terms.Name)
	case l.off < 0:
		what = fmt.Sprintf("this machine's clock is %s ahead of that of %s", (-l.off).Round(time.Minute), l.terms.Name)
	default:
		return nil
	}
	return []payment.Concern{{
		Code: "clock_off", Detail: what + ": what is paid there is not believed, and is reversed",
		Remedy: "set the date, the time and the time zone of this machine; the next payment shows whether they are right",
	}}
}

// believed tells whether the link answered within the time given and has not failed since.
func (l *line) believed(within time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up && time.Since(l.seen) < within
}

// Ready tells whether at least one gateway answers and is not suspect, or one terminal. The customer is asked for a code only
// then: the merchant's side is never offline. A link that answered a moment ago is believed; else all are probed at once and
// the first counts.
func (w *Wallet) Ready(ctx context.Context) error {
	var sound []*line
	for _, l := range w.sorted {
		if !w.suspect(ctx, l) {
			sound = append(sound, l)
		}
	}
	for _, l := range sound {
		if l.believed(w.o.BelievedFor) {
			return nil
		}
	}
	if len(sound) > 0 && w.probe(ctx, sound) || w.terminalReady(ctx) {
		return nil
	}
	switch err := ctx.Err(); {
	case err != nil:
		return err
	case len(sound) == 0 && len(w.sorted) > 0:
		return suspected("the wallets' gateways")
	}
	return offline("no wallet gateway answers")
}

// probe asks gateways at once whether they are there; it has waited for all of its goroutines when it returns.
func (w *Wallet) probe(ctx context.Context, lines []*line) bool {
	ctx, cancel := context.WithTimeout(ctx, w.o.ProbeCall)
	defer cancel()
	answers := make(chan bool, len(lines))
	var wg sync.WaitGroup
	for _, l := range lines {
		wg.Go(func() { answers <- l.do(ctx, Call{Op: OpProbe}).Reached })
	}
	any := false
	for range lines {
		if <-answers {
			any = true
			cancel()
		}
	}
	wg.Wait()
	return any
}

// reach makes sure that one gateway answers, and makes sense.
func (w *Wallet) reach(ctx context.Context, l *line) error {
	if w.suspect(ctx, l) {
		return suspected(l.terms.Name)
	}
	if l.believed(w.o.BelievedFor) {
		return nil
	}
	probe, cancel := context.WithTimeout(ctx, w.o.ProbeCall)
	defer cancel()
	if l.do(probe, Call{Op: OpProbe}).Reached {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return offline("the gateway of " + l.terms.Name + " does not answer")
}

func offline(detail string) error {
	return &payment.Problem{
		Code:   "wallet_offline",
		Status: http.StatusServiceUnavailable,
		Detail: detail,
		Remedy: "take a card or cash, and check the network of this till",
	}
}
