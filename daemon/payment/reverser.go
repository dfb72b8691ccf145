package payment

import (
	"context"
	"errors"
	"slices"
	"time"
)

// chase goes on with an attempt until nothing is owed any more. It is the path of recovery, too. A step that fails is
// taken again after a while: only a blocked journal ends the chase early, and Run comes back to it then.
func (d *Desk) chase(ctx context.Context, l *life) {
	for failed := 0; ctx.Err() == nil; {
		a, err := d.book.Attempt(ctx, l.key)
		if err == nil && !a.owed() {
			return
		}
		t := d.tenderOf(a)
		if err == nil && t == nil {
			d.log.Error("attempt is owed on a rail that is not configured", "sale", a.Sale, "attempt", a.Attempt, "rail", string(a.Rail))
			return
		}
		if err == nil && d.step(ctx, l, a, t) {
			failed = 0
			continue
		}
		if Explain(err) != nil || d.book.j.Blocked() != nil || !d.pause(ctx, l, backoff(l.key, failed, d.rules), true) {
			return
		}
		failed++
	}
}

// owed tells whether posd has still to do something about an attempt that was sent.
func (a Attempt) owed() bool { return a.State == Sent || a.State == Reversing || a.awaitsAck() }

// step does the next thing that an open attempt needs, when it is due. false: posd stops, or the journal takes nothing.
func (d *Desk) step(ctx context.Context, l *life, a Attempt, t Tender) bool {
	switch {
	case a.State == Sent && slices.Contains(t.Policy().Repeats, a.Kind):
		return d.awaitRepeat(ctx, l, a, t) && d.repeat(ctx, l, t)
	case a.State == Sent:
		return d.ask(ctx, l, a, t)
	case a.State == Reversing:
		return d.tryInTurn(ctx, l, a, t)
	case a.awaitsAck():
		return d.awaitAck(ctx, l, a, t)
	default:
		return false
	}
}

// until is how long it is to a wall time; a clock that jumped back makes nobody wait longer than the longest wait, which is
// that of a gateway's queries where the back-off is set shorter.
func (d *Desk) until(at time.Time) time.Duration {
	return min(max(0, at.Sub(d.now())), max(d.rules.BackoffMax, longestAsk))
}

// longestAsk is longer than any gateway wants between two queries.
const longestAsk = time.Minute

// untilTry is how long it is to the next try of a reversal; after a clock that jumped back as long as was meant, whatever
// the longest back-off is: the host's own rule may ask for more.
func (d *Desk) untilTry(u UndoRecord) time.Duration {
	last := u.LastTry
	if last.IsZero() {
		last = u.Since
	}
	return min(max(0, u.NextTry.Sub(d.now())), u.NextTry.Sub(last))
}

// tryInTurn tries a reversal when it is due, after the older ones of its terminal.
func (d *Desk) tryInTurn(ctx context.Context, l *life, a Attempt, t Tender) bool {
	hold := d.reverses(l, t, a.Undo)
	woken, ok := d.doze(ctx, l, d.untilTry(a.Undo), hold)
	if !ok {
		return false
	}
	if try, ok := d.comesDue(ctx, l, woken); !try || !ok {
		return ok
	}
	defer d.hasTurned(l)
	return d.awaitOlder(ctx, l) && d.try(ctx, l, t)
}

// awaitRepeat waits until a refund is to be sent again. After a refusal that is doubted an earlier copy gets all its time:
// nothing ends that wait early.
func (d *Desk) awaitRepeat(ctx context.Context, l *life, a Attempt, t Tender) bool {
	if a.Doubts > 0 {
		return d.pause(ctx, l, min(max(0, a.NextAsk.Sub(d.now())), t.Policy().InFlightMax), true)
	}
	return d.pause(ctx, l, d.until(a.NextAsk), false)
}

// pause waits; a kick ends it early unless hold. false when posd stops.
func (d *Desk) pause(ctx context.Context, l *life, wait time.Duration, hold bool) bool {
	_, ok := d.doze(ctx, l, wait, hold)
	return ok
}

// doze is pause, and tells whether it was a kick that ended it.
func (d *Desk) doze(ctx context.Context, l *life, wait time.Duration, hold bool) (woken, ok bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	kick := l.kick
	if hold {
		kick = nil
	}
	select {
	case <-timer.C:
	case <-kick:
		woken = true
	case <-ctx.Done():
		return false, false
	}
	return woken, true
}

// repeat sends a refund again under the same number.
func (d *Desk) repeat(ctx context.Context, l *life, t Tender) bool {
	return d.exchange(ctx, l, t, func(ctx context.Context, a Attempt) (event, bool) {
		if a.State != Sent {
			return event{}, false
		}
		call, cancel := withLimit(ctx, t.Policy().Call)
		defer cancel()
		ans := t.Authorize(call, a, nil)
		return event{answer: &ans}, conclusive(ans)
	})
}

// ask queries an attempt of unknown outcome. At its deadline the last query and the reversal go back to back.
func (d *Desk) ask(ctx context.Context, l *life, a Attempt, t Tender) bool {
	if l.deadline.IsZero() {
		l.deadline = time.Now().Add(min(max(0, a.Deadline.Sub(d.now())), maxDeadline+jitter(l.key, 0, time.Minute)))
	}
	left := time.Until(l.deadline)
	if !d.pause(ctx, l, max(0, min(d.until(a.NextAsk), left)), false) {
		return false
	}
	return d.exchange(ctx, l, t, func(ctx context.Context, a Attempt) (event, bool) {
		if a.State != Sent {
			return event{}, false
		}
		last := time.Until(l.deadline) <= 0
		call, cancel := withLimit(ctx, t.Policy().AskCall)
		defer cancel()
		ans := t.Ask(call, a)
		return event{answer: &ans, last: last}, conclusive(ans)
	})
}

// maxDeadline bounds how long a wallet may stay undecided, whatever the clock says. A jitter of up to a minute is added: a
// clock that was set back brings all of them here.
const maxDeadline = 10 * time.Minute

// try sends the reversal once.
func (d *Desk) try(ctx context.Context, l *life, t Tender) bool {
	return d.exchange(ctx, l, t, func(ctx context.Context, a Attempt) (event, bool) {
		if a.State != Reversing {
			return event{}, false
		}
		call, cancel := withLimit(ctx, t.Policy().ReverseCall)
		defer cancel()
		u := t.Reverse(call, a)
		return event{undo: &u}, u.Outcome == Confirmed
	})
}

// exchange has one exchange with a host, alone on its terminal, and journals what came of it. One that ended an attempt
// shows that the host answers, and wakes the reversals that wait; since it ended one, they cannot wake each other for ever.
func (d *Desk) exchange(ctx context.Context, l *life, t Tender, do func(context.Context, Attempt) (event, bool)) bool {
	leave, err := d.enter(ctx, t, l.place)
	if err != nil {
		return false
	}
	defer leave()
	l.served()
	a, err := d.book.Attempt(ctx, l.key) // it may have moved while we waited
	if err != nil {
		return false
	}
	if a, err = d.book.opened(ctx, a); err != nil {
		d.log.Error("sealed data could not be opened", "sale", a.Sale, "attempt", a.Attempt, "err", err)
	}
	defer clear(a.Sealed)
	if d.book.j.Blocked() != nil || err != nil && !errors.Is(err, errSealed) { // not lost, only not read: later
		return false
	}
	ev, conclusive := do(ctx, a)
	if ev == (event{}) {
		return true
	}
	if ctx.Err() != nil && !conclusive {
		return false // posd stops: nothing was learnt, and recovery asks again
	}
	if _, err := d.commit(ctx, a.Key, ev, t.Policy()); err != nil {
		return false
	}
	if conclusive {
		d.wakeReversals(a.Rail)
	}
	return true
}

// awaitsAck tells whether confirm mode still holds the attempt: approved, and neither acknowledged nor undone.
func (a Attempt) awaitsAck() bool {
	return a.State == ApprovedState && a.Confirm && !a.Acked && !a.Voided && a.Refunded == 0
}

// awaitAck undoes an approved attempt that the till does not acknowledge in time (confirm mode). It waits by monotonic
// time: a clock that is set back keeps nobody's money.
func (d *Desk) awaitAck(ctx context.Context, l *life, a Attempt, t Tender) bool {
	if l.ackBy.IsZero() {
		left := a.DecidedAt.Add(d.rules.ConfirmWithin).Sub(d.now())
		l.ackBy = time.Now().Add(min(max(0, left), d.rules.ConfirmWithin))
	}
	if !d.pause(ctx, l, max(0, time.Until(l.ackBy)), false) {
		return false
	}
	if time.Now().Before(l.ackBy) {
		return true // kicked: look again whether it was acknowledged
	}
	_, err := d.commit(ctx, a.Key, event{lapsed: true}, t.Policy())
	l.ackBy = time.Now().Add(min(backoff(l.key, l.kept, d.rules), probeEvery)) // a void that runs may keep it for now
	l.kept++
	return err == nil
}

// conclusive tells that the host has answered, one way or the other.
func conclusive(ans Answer) bool { return ans.Outcome == Approved || ans.Outcome == Declined }

// wakeReversals lets the waiting reversals of a rail try at once.
func (d *Desk) wakeReversals(rail Rail) {
	d.mu.Lock()
	defer d.mu.Unlock()
	onLane := false
	for _, l := range d.inOrder() {
		if l.reversing.Load() && l.rail == rail {
			onLane = onLane || l.round.onLane
			l.wake()
		}
	}
	if onLane {
		d.callRound()
	}
}
