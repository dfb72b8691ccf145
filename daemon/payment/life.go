package payment

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"posd/daemon/journal"
)

// life is the goroutine of an open attempt, and who waits for it.
type life struct {
	key   Key
	rail  Rail          // of the tender that was asked; guarded by Desk.mu
	place int64         // in the lane: older lives first
	kick  chan struct{} // holds one token: stop waiting, try now
	gone  chan struct{} // closed when the goroutine has ended

	reversing atomic.Bool        // the goroutine waits to try a reversal again
	deadline  time.Time          // monotonic; when an unknown outcome is no longer asked for. Owned by the goroutine
	giveUp    context.CancelFunc // ends collecting; guarded by Desk.mu, nil when not collecting
	again     bool               // guarded by Desk.mu; somebody wants it while it may be ending
	waiters   int                // guarded by Desk.mu; requests that wait for the outcome
	hangUp    *time.Timer        // guarded by Desk.mu; runs while a till that has hung up may come back
}

// bear makes a life for an attempt that is about to begin.
func (d *Desk) bear(k Key) *life {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrived++
	l := &life{key: k, place: d.arrived, kick: make(chan struct{}, 1), gone: make(chan struct{})}
	d.lives[k] = l
	return l
}

// bury ends a life that has no goroutine any more.
func (d *Desk) bury(l *life) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(l)
	if l.hangUp != nil {
		l.hangUp.Stop()
	}
	close(l.gone)
}

// live runs a life; Run waits for it. A life that somebody wanted again while it was ending goes on.
func (d *Desk) live(l *life, path func(ctx context.Context)) {
	d.mu.Lock()
	ctx := d.ctx
	d.mu.Unlock()
	d.running.Go(func() {
		defer d.bury(l)
		for path(ctx); d.wantedAgain(l); {
			d.chase(ctx, l)
		}
	})
}

func (d *Desk) wantedAgain(l *life) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	again := l.again && d.ctx.Err() == nil
	l.again = false
	if !again {
		d.forget(l)
	}
	return again
}

// forget makes room for another life of the same attempt. The caller holds mu.
func (d *Desk) forget(l *life) {
	if d.lives[l.key] == l {
		delete(d.lives, l.key)
	}
}

// wake tells a life not to wait any longer.
func (l *life) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// collectAndPay is the path of an attempt whose customer is still to show card or code.
func (d *Desk) collectAndPay(ctx context.Context, l *life, r Request, tenders []Tender) {
	in, t, err := d.collect(ctx, l, r, tenders)
	if err != nil {
		d.giveUp(ctx, r.Key, err)
		return
	}
	leave, err := d.enter(ctx, t, newcomer)
	if err != nil {
		wipe(in)
		return
	}
	a, err := d.send(ctx, r, t, in)
	if err != nil {
		leave()
		wipe(in)
		d.giveUp(ctx, r.Key, err)
		return
	}
	d.ride(l, t)
	d.authorize(ctx, a, t, in)
	leave()
	d.chase(ctx, l)
}

// ride notes which rail a life is on.
func (d *Desk) ride(l *life, t Tender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.rail = d.railOf(t)
}

// giveUp ends an attempt of which nothing was sent.
func (d *Desk) giveUp(ctx context.Context, k Key, why error) {
	d.log.Info("attempt given up before anything was sent", "sale", k.Sale, "attempt", k.Attempt, "err", why)
	if ctx.Err() != nil {
		return // recovery will find it
	}
	_, _ = d.commit(ctx, k, event{stop: ReasonCancelled}, Policy{}) // commit has logged why
}

type collected struct {
	in  Input
	t   Tender
	err error
}

// collect waits for card or code, on every tender at once. The first one wins; the others' input is wiped.
func (d *Desk) collect(ctx context.Context, l *life, r Request, tenders []Tender) (Input, Tender, error) {
	ctx, cancel := context.WithTimeout(ctx, d.rules.CollectWithin)
	defer cancel()
	d.mu.Lock()
	l.giveUp = cancel
	d.mu.Unlock()
	results := make(chan collected, len(tenders))
	for _, t := range tenders {
		d.running.Go(func() {
			in, err := t.Collect(ctx, r)
			results <- collected{in, t, err}
		})
	}
	var won collected
	for range tenders {
		c := <-results
		if c.err == nil && won.t == nil {
			won = c
			cancel()
			continue
		}
		wipe(c.in)
		if won.t == nil {
			won.err = errors.Join(won.err, c.err)
		}
	}
	d.mu.Lock()
	l.giveUp = nil
	d.mu.Unlock()
	if won.t == nil {
		return nil, nil, won.err
	}
	return won.in, won.t, nil
}

// send makes the attempt sent: its numbers, and all that its reversal needs, are on disk when it returns. With the
// tender at hand at once it is created in the same transaction.
func (d *Desk) send(ctx context.Context, r Request, t Tender, in Input) (a Attempt, err error) {
	release, err := d.codes.claim(in, r.Key)
	if err != nil {
		return a, err
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		a, err = d.sendIn(tx, r, t, in)
		return err
	})
	if err != nil {
		release()
		return a, err
	}
	d.log.Info("attempt is about to be sent", "sale", a.Sale, "attempt", a.Attempt, "payment", a.ShortID,
		"rail", string(a.Rail), "kind", string(a.Kind), "trace", a.Numbers.Trace.String(), "order", a.Numbers.Order)
	return a, nil
}

func (d *Desk) sendIn(tx *journal.Tx, r Request, t Tender, in Input) (a Attempt, err error) {
	pol := t.Policy()
	if err := d.gateIn(tx, pol.Terminal); err != nil {
		return a, err
	}
	if _, err := loadAttempt(tx, r.Key); errors.Is(err, errNotFound) {
		if err := d.createIn(tx, r); err != nil {
			return a, err
		}
	}
	n, err := d.book.numbers(tx, pol.Terminal)
	if err != nil {
		return a, err
	}
	plan, err := t.Plan(r, in, n)
	if err != nil {
		return a, err
	}
	if err := d.book.putSealed(tx, r.Key, n, plan.Sealed); err != nil {
		return a, err
	}
	body := &sent{
		Rail: d.railOf(t), Numbers: n, Data: plan.Data, Instrument: plan.Instrument,
		Deadline: plan.Deadline, FirstAsk: plan.FirstAsk,
	}
	if err := appendFacts(tx, Fact{Kind: factSent, Key: r.Key, Sent: body, Messages: plan.Messages}); err != nil {
		return a, err
	}
	return loadAttempt(tx, r.Key)
}

// authorize asks for the money, once, and journals what came of it.
func (d *Desk) authorize(ctx context.Context, a Attempt, t Tender, in Input) {
	d.busy.Add(1)
	defer d.busy.Done()
	defer wipe(in)
	pol := t.Policy()
	a, err := d.book.opened(ctx, a)
	if err != nil {
		d.log.Error("sealed data could not be opened", "sale", a.Sale, "attempt", a.Attempt, "err", err)
	}
	defer clear(a.Sealed)
	call, cancel := withLimit(ctx, pol.Call)
	defer cancel()
	ans := t.Authorize(call, a, in)
	if _, err := d.commit(ctx, a.Key, event{answer: &ans, first: true}, pol); err == nil && conclusive(ans) {
		d.wakeReversals(d.railOf(t))
	}
}

func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// chase goes on with an attempt until nothing is owed any more. It is the path of recovery, too.
func (d *Desk) chase(ctx context.Context, l *life) {
	for ctx.Err() == nil {
		a, err := d.book.Attempt(ctx, l.key)
		if err != nil {
			return
		}
		t := d.tenderOf(a)
		if t == nil {
			d.log.Error("attempt is owed on a rail that is not configured", "sale", a.Sale, "attempt", a.Attempt, "rail", string(a.Rail))
			return
		}
		if !d.step(ctx, l, a, t) {
			return
		}
	}
}

// step does the next thing that an open attempt needs, when it is due. false: nothing is left to do, or the journal
// takes nothing; Run comes back to it then.
func (d *Desk) step(ctx context.Context, l *life, a Attempt, t Tender) bool {
	switch {
	case a.State == Sent && slices.Contains(t.Policy().Repeats, a.Kind):
		return d.pause(ctx, l, d.until(a.NextAsk), false) && d.repeat(ctx, l, a, t)
	case a.State == Sent:
		return d.ask(ctx, l, a, t)
	case a.State == Reversing:
		l.reversing.Store(true)
		hold := a.Undo.NotBefore.After(d.now())
		return d.pause(ctx, l, d.until(a.Undo.NextTry), hold) && d.try(ctx, l, t)
	case a.awaitsAck():
		return d.awaitAck(ctx, l, a, t)
	default:
		return false
	}
}

// until is how long it is to a wall time; a clock that jumped back makes nobody wait longer than the longest wait.
func (d *Desk) until(at time.Time) time.Duration {
	return min(max(0, at.Sub(d.now())), d.rules.BackoffMax)
}

// pause waits; a kick ends it early unless hold. false when posd stops.
func (d *Desk) pause(ctx context.Context, l *life, wait time.Duration, hold bool) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	kick := l.kick
	if hold {
		kick = nil
	}
	select {
	case <-timer.C:
	case <-kick:
	case <-ctx.Done():
		return false
	}
	return true
}

// repeat sends a refund again under the same number.
func (d *Desk) repeat(ctx context.Context, l *life, a Attempt, t Tender) bool {
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
		l.deadline = time.Now().Add(min(max(0, a.Deadline.Sub(d.now())), maxDeadline))
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

// maxDeadline bounds how long a wallet may stay undecided, whatever the clock says.
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
	a, err := d.book.Attempt(ctx, l.key) // it may have moved while we waited
	if err != nil {
		return false
	}
	if a, err = d.book.opened(ctx, a); err != nil {
		d.log.Error("sealed data could not be opened", "sale", a.Sale, "attempt", a.Attempt, "err", err)
	}
	defer clear(a.Sealed)
	if d.book.j.Blocked() != nil {
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

// awaitAck undoes an approved attempt that the till does not acknowledge in time (confirm mode).
func (d *Desk) awaitAck(ctx context.Context, l *life, a Attempt, t Tender) bool {
	wait := min(max(0, a.DecidedAt.Add(d.rules.ConfirmWithin).Sub(d.now())), d.rules.ConfirmWithin)
	if !d.pause(ctx, l, wait, false) {
		return false
	}
	if d.now().Before(a.DecidedAt.Add(d.rules.ConfirmWithin)) {
		return true // kicked: look again whether it was acknowledged
	}
	_, err := d.commit(ctx, a.Key, event{stop: ReasonUnwanted}, t.Policy())
	return err == nil
}

// conclusive tells that the host has answered, one way or the other.
func conclusive(ans Answer) bool { return ans.Outcome == Approved || ans.Outcome == Declined }

// wakeReversals lets the waiting reversals of a rail try at once.
func (d *Desk) wakeReversals(rail Rail) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lives {
		if l.reversing.Load() && l.rail == rail {
			l.wake()
		}
	}
}
