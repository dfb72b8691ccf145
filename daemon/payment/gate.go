package payment

import (
	"context"
	"time"

	"posd/daemon/journal"
)

// gate keeps a new request of a terminal back while reversals of that terminal are owed (rule 11): each gets a fresh
// try first; one that is still young after it blocks, an old one lets the shop go on. What is stuck never gates. The refusal is
// for a client.
func (d *Desk) gate(ctx context.Context, t Tender, client string) error {
	terminal := t.Policy().Terminal
	if terminal == "" {
		return nil
	}
	err := d.book.j.View(ctx, func(tx *journal.Tx) error { return d.closingGate(tx, terminal) })
	if err != nil {
		return err
	}
	owed, err := d.book.attempts(ctx, `terminal = ? AND state = 'reversing' ORDER BY seq`, terminal)
	if err != nil {
		return err
	}
	for _, a := range owed {
		if a, err = d.freshTry(ctx, a); err != nil {
			return err
		}
		if p := d.gateProblem(a, client); p != nil {
			return p
		}
	}
	return nil
}

// gateIn looks once more, in the transaction that makes an attempt sent.
func (d *Desk) gateIn(tx *journal.Tx, terminal, client string) error {
	if terminal == "" {
		return nil
	}
	if err := d.closingGate(tx, terminal); err != nil {
		return err
	}
	owed, err := queryAttempts(tx, `terminal = ? AND state = 'reversing' ORDER BY seq`, terminal)
	if err != nil {
		return err
	}
	for _, a := range owed {
		if p := d.gateProblem(a, client); p != nil {
			return p
		}
	}
	return nil
}

// gateProblem is nil if the attempt does not keep a new one of a client's back.
func (d *Desk) gateProblem(a Attempt, client string) error {
	if a.State != Reversing || !d.young(a) {
		return nil
	}
	name := a.Key.String() + " (" + a.ShortID + ")"
	if a.Client != client {
		name = anothers(a.ShortID)
	}
	return &Problem{
		Code: "reversal_pending", Status: 409, RetryAt: a.Undo.NextTry,
		Detail: "the reversal of " + name + " must reach the acquirer first",
		Remedy: "try again in a moment, or let the customer pay by wallet or cash",
	}
}

// young tells whether a reversal is within its first tries or minutes. A clock that jumped back makes nothing young.
func (d *Desk) young(a Attempt) bool {
	age := d.now().Sub(a.Undo.Since)
	return a.Undo.Tries < d.rules.GateTries || age >= 0 && age < d.rules.GateAge
}

// freshTry wakes a reversal and waits until it has been tried once more, or the host's own rule forbids a try now.
func (d *Desk) freshTry(ctx context.Context, a Attempt) (Attempt, error) {
	before := a.Undo.Tries
	held := a.Undo.NotBefore.After(d.now())
	d.kick(a.Key)
	if held {
		return a, nil
	}
	limit := time.NewTimer(freshTryLimit)
	defer limit.Stop()
	a, err := d.book.follow(ctx, a.Key, limit.C, func(a Attempt) bool { return a.State != Reversing || a.Undo.Tries > before })
	if err != nil && ctx.Err() != nil {
		return a, nil // who asked has gone; the gate looks at it as it stands
	}
	return a, err
}

// freshTryLimit is how long a new request waits for a reversal's try.
const freshTryLimit = 90 * time.Second

// kick wakes the life of an attempt, if it has one.
func (d *Desk) kick(k Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lives[k]
	if l == nil {
		return
	}
	if l.round.onLane && !l.round.waits() {
		d.callRound()
	}
	l.wake()
}
