package acquirer_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

var (
	downDays = flag.Int("down.days", 1, "how many virtual days the host is down")
	downOwed = flag.Int("down.owed", 12, "how many reversals are due then")
)

// soon is how long after the return of its host a reversal may take.
const soon = 60 * time.Second

// outage is a till whose host takes money, answers nothing, and goes away.
type outage struct {
	*counter
	hangUp func() // cuts the line
	owed   []payment.Attempt
}

// newOutage makes the till and its debts: each is a payment that the host took without a word.
func newOutage(t *testing.T, s setup) *outage {
	b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "reversal", Do: hostsim.Silent})
	b.logger = slog.New(slog.DiscardHandler) // days of it
	o := &outage{hangUp: func() {}}
	host := b.serving
	b.serving = func(ctx context.Context, c net.Conn) {
		ctx, o.hangUp = context.WithCancel(ctx)
		host(ctx, c)
	}
	o.counter = openCounter(t, b)
	for i := range *downOwed {
		o.owe(fmt.Sprintf("S-%03d", i))
	}
	return o
}

// owe makes an attempt whose answer never comes. The gate lets it through after a while.
func (o *outage) owe(sale string) {
	o.t.Helper()
	ctx := o.t.Context()
	if _, err := o.desk.OpenSale(ctx, payment.NewSale{Client: "till", ID: sale, Amount: 100, Currency: "CNY"}); err != nil {
		o.t.Fatal(err)
	}
	r := cardRequest(sale, payment.KindSale)
	r.Key.Client = "till"
	for {
		_, err := o.desk.Pay(ctx, r)
		if err == nil {
			break
		}
		if p := payment.Explain(err); p == nil || p.Code != "reversal_pending" {
			o.t.Fatalf("%s: %v", sale, err)
		}
		time.Sleep(time.Minute)
	}
	for o.hub.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	o.hub.Deliver(card())
	for { // it has its turn behind the reversals
		time.Sleep(time.Second)
		switch a, err := o.desk.Attempt(ctx, r.Key); {
		case err != nil || a.State != payment.Sent && a.State != payment.Created && a.State != payment.Reversing:
			o.t.Fatalf("%s is %s (%v)", a.Key, a.State, err)
		case a.State == payment.Reversing:
			o.owed = append(o.owed, a)
			return
		}
	}
}

// goes takes the host away: the line breaks, and dialling fails.
func (o *outage) goes() {
	o.end()
	o.down.Store(true)
	o.hangUp()
	synctest.Wait()
	o.start()
}

// returns brings the host back, in its right mind.
func (o *outage) returns() time.Time {
	synctest.Wait()
	o.rules(o.t)
	o.down.Store(false)
	return time.Now()
}

// waits lets days go by; posd is started anew each day.
func (o *outage) waits(days int) {
	for d := range days {
		time.Sleep(24*time.Hour - time.Duration(d%7)*13*time.Minute)
		o.end()
		o.start()
	}
	time.Sleep(time.Duration(days%11) * time.Second) // not in step with anything
}

// alarmed fails the test unless a person was told of all that is owed.
func (o *outage) alarmed() {
	o.t.Helper()
	all, err := o.desk.Owed(o.t.Context(), "")
	if err != nil || len(all.Open) != len(o.owed) {
		o.t.Fatalf("%d are owed (%v), want %d", len(all.Open), err, len(o.owed))
	}
	for _, a := range all.Open {
		if !a.Undo.Alarmed || a.State != payment.Reversing {
			o.t.Errorf("%s is %s, alarmed %v", a.Key, a.State, a.Undo.Alarmed)
		}
	}
	if h := o.desk.Health(o.t.Context()); h.Status != "degraded" {
		o.t.Errorf("health is %s, want degraded", h.Status)
	}
}

// settled fails the test unless every reversal was confirmed soon, and in the order of the payments. It gives the time
// that the last one took.
func (o *outage) settled(since time.Time) (took time.Duration) {
	o.t.Helper()
	time.Sleep(soon - time.Since(since))
	for _, a := range o.owed {
		a, err := o.desk.Attempt(o.t.Context(), a.Key)
		if err != nil || a.State != payment.Reversed {
			o.t.Errorf("%s is %s after %v (%v), tries %d, %s", a.Key, a.State, soon, err, a.Undo.Tries, a.Undo.Code)
			continue
		}
		took = max(took, a.DecidedAt.Sub(since))
	}
	var want, got []string
	for _, a := range o.owed {
		want = append(want, a.Numbers.Trace.String())
	}
	for _, e := range o.host.Ledger() {
		if e.Kind == hostsim.KindReversal && e.Approved {
			got = append(got, e.Trace)
		}
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("the host reversed %v, want %v", got, want)
	}
	o.left(o.t, 0)
	return took
}

func TestAHostThatWasDownForDaysGetsEveryReversalSoonAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, dialects(t)["unionpay"])
		o.goes()
		o.waits(*downDays)
		o.alarmed()
		took := o.settled(o.returns())
		t.Logf("proof | host down %d virtual days, a restart on each | %d reversals due | all final within %.1f virtual seconds of its return, in order",
			*downDays, len(o.owed), took.Seconds())
	})
}
