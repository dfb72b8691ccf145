package payment

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowCard is a terminal whose reversal of attempt "old" takes half a minute from a moment on, and whose customers take their
// time for attempt "new".
type slowCard struct {
	*script

	from atomic.Pointer[time.Time]
}

func (c *slowCard) slowFrom(t time.Time) { c.from.Store(&t) }

func (c *slowCard) Collect(ctx context.Context, r Request) (Input, error) {
	if r.Key.Attempt == "new" {
		time.Sleep(time.Until(c.from.Load().Add(time.Second)))
	}
	return c.script.Collect(ctx, r)
}

func (c *slowCard) Reverse(ctx context.Context, a Attempt) Undo {
	defer c.note("reversed", a)
	c.note("reverse", a)
	switch {
	case a.Attempt == "held" && a.Undo.Doubts == 0:
		return Undo{Outcome: InDoubt, Code: "25"}
	case a.Attempt == "old" && !time.Now().Before(*c.from.Load()):
		time.Sleep(30 * time.Second)
	}
	return Undo{Code: "96"}
}

func TestANewPaymentWaitsForAReversalThatComesDueWhileAnOlderOneHasTheTerminal(t *testing.T) {
	pol := cardPolicy
	pol.InFlightMax = 2 * time.Minute
	card := &slowCard{script: &script{pol: pol, answers: []Answer{{}, {}, yes(300)}}}
	withTenders(t, card, nil, Rules{GateTries: 1, GateAge: time.Nanosecond}, func(b *bench) {
		card.slowFrom(time.Now().Add(time.Hour))
		for _, name := range []string{"old", "held"} {
			b.open(name, 100)
			b.said(request(name, name, RailCard), SaidReversing)
		}
		held, err := b.desk.Attempt(b.ctx, Key{"till", "held", "held"})
		if err != nil || !held.Undo.NotBefore.After(b.now()) {
			t.Fatalf("it is not held: %+v (%v)", held.Undo, err)
		}
		card.slowFrom(time.Now().Add(held.Undo.NotBefore.Sub(b.now())))
		time.Sleep(time.Until(card.from.Load().Add(-5 * time.Second)))
		card.mu.Lock()
		card.asked = nil
		card.mu.Unlock()
		b.open("new", 300)
		b.said(request("new", "new", RailCard), SaidApproved)
		card.mu.Lock()
		defer card.mu.Unlock()
		again, sent := slices.Index(card.asked, "reverse held"), slices.Index(card.asked, "authorize new")
		if again < 0 || sent < again {
			t.Errorf("the terminal did: %s", strings.Join(card.asked, ", "))
		}
	})
}
