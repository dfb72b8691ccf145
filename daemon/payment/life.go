package payment

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"posd/daemon/journal"
)

// life is the goroutine of an open attempt, and who waits for it.
type life struct {
	key   Key
	rail  Rail                         // of the tender that was asked; guarded by Desk.mu
	place int64                        // in the lane: older lives first
	born  time.Time                    // monotonic
	round round                        // guarded by Desk.mu
	kick  chan struct{}                // holds one token: stop waiting, try now
	gone  chan struct{}                // closed when the goroutine has ended
	rest  func(context.Context, *life) // goes on with it when somebody wants it again; set before it lives

	reversing atomic.Bool        // the goroutine waits to try a reversal again
	deadline  time.Time          // monotonic; when an unknown outcome is no longer asked for. Owned by the goroutine
	ackBy     time.Time          // monotonic; when an approved attempt lapses that is not acknowledged. Owned likewise
	kept      int                // how often something has kept it from that. Owned likewise
	collects  bool               // guarded by Desk.mu; card or code is still to come
	asking    []Tender           // guarded by Desk.mu; on whose devices its customer is to show that
	stopped   bool               // guarded by Desk.mu; collecting is to end
	giveUp    context.CancelFunc // ends collecting; guarded by Desk.mu, nil when nobody is asked
	asked     bool               // guarded by Desk.mu; the first exchange with the host goes on
	unwanted  bool               // guarded by Desk.mu; the till has cancelled while it did
	again     bool               // guarded by Desk.mu; somebody wants it while it may be ending
	waiters   int                // guarded by Desk.mu; requests that wait for the outcome
	hangUp    *time.Timer        // guarded by Desk.mu; runs while a till that has hung up may come back
}

// bear makes a life for an attempt that is about to begin.
func (d *Desk) bear(k Key) *life {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bearHeld(k)
}

// bearOnce makes a life unless the attempt has one: that one is told to go on, should it be ending.
func (d *Desk) bearOnce(k Key) (l *life, born bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lives[k]; l != nil {
		l.again = true
		l.wake()
		return l, false
	}
	return d.bearHeld(k), true
}

// bearHeld makes a life. The caller holds mu.
func (d *Desk) bearHeld(k Key) *life {
	d.arrived++
	l := &life{key: k, place: d.arrived, born: time.Now(), kick: make(chan struct{}, 1), gone: make(chan struct{}), rest: d.chase}
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
			l.rest(ctx, l)
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
	d.turn()
}

// wake tells a life not to wait any longer.
func (l *life) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// served takes a kick back that came before an exchange that begins now: that is what it wanted. Left there it would end
// the wait after it.
func (l *life) served() {
	select {
	case <-l.kick:
	default:
	}
}

// collectAndPay is the path of an attempt whose customer is still to show card or code.
func (d *Desk) collectAndPay(ctx context.Context, l *life, r Request, tenders []Tender) {
	in, t, err := d.collect(ctx, l, r, tenders)
	if err == nil {
		t, err = d.borrow(ctx, t, r, in)
	}
	if err != nil {
		d.endUnsent(ctx, l, err)
		return
	}
	leave, err := d.enterToPay(ctx, t, l.born)
	if err != nil {
		wipe(in)
		return
	}
	d.carryOut(ctx, l, r, prepared{payer: t, in: in, leave: leave})
}

// ride notes which rail a life is on.
func (d *Desk) ride(l *life, t Tender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.rail = d.railOf(t)
}

// giveUp ends an attempt of which nothing was sent.
func (d *Desk) giveUp(ctx context.Context, k Key, ev event) {
	if ctx.Err() != nil {
		return // recovery will find it
	}
	_, _ = d.commit(ctx, k, ev, Policy{}) // commit has logged why it failed
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
	if l.stopped {
		cancel()
	}
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
		if c.in != nil {
			d.log.Info("the other rail was first; this input is let go", "sale", r.Key.Sale, "attempt", r.Key.Attempt, "rail", string(d.railOf(c.t)))
			wipe(c.in)
			d.letGo(r.Key, d.railOf(c.t))
		}
		if won.t == nil {
			won.err = errors.Join(won.err, c.err)
		}
	}
	d.leaveCounter(l)
	if won.t == nil {
		return nil, nil, won.err
	}
	return won.in, won.t, nil
}

// stopLife ends collecting, also where it has not quite begun.
func (d *Desk) stopLife(l *life) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.stopped = true
	if l.giveUp != nil {
		l.giveUp()
	}
}

func (d *Desk) isOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

func (d *Desk) isStopped(l *life) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return l.stopped
}

// send makes the attempt sent: its numbers, and all that its reversal needs, are on disk when it returns. With the
// tender at hand at once it is created in the same transaction.
func (d *Desk) send(ctx context.Context, r Request, t Tender, in Input) (a Attempt, err error) {
	release, err := d.codes.claim(in, r.Key)
	if err != nil {
		return a, err
	}
	if r.Original != nil {
		orig, err := d.book.opened(ctx, *r.Original)
		if err != nil {
			d.log.Error("sealed data could not be opened", "sale", r.Key.Sale, "attempt", r.Original.Attempt, "err", err)
		}
		defer clear(orig.Sealed)
		r.Original = &orig
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		a, err = d.sendIn(tx, r, t, in)
		return err
	})
	if err != nil {
		release()
		return a, err
	}
	attrs := []any{"sale", a.Sale, "attempt", a.Attempt, "payment", a.ShortID, "kind", string(a.Kind), "order", a.Numbers.Order}
	d.log.Info("attempt is about to be sent", append(attrs, standing(a)...)...)
	return a, nil
}

func (d *Desk) sendIn(tx *journal.Tx, r Request, t Tender, in Input) (a Attempt, err error) {
	pol := t.Policy()
	if err := d.gateIn(tx, pol.Terminal, r.Key.Client); err != nil {
		return a, err
	}
	if err := d.fresh(tx, r); err != nil {
		return a, err
	}
	if err := roomInBatch(tx, pol, r.Kind); err != nil {
		return a, err
	}
	n, err := d.book.numbers(tx, pol.Terminal)
	if err != nil {
		return a, err
	}
	plan, err := t.Plan(r, in, n)
	if err != nil {
		return a, &unplannedError{err}
	}
	defer clear(plan.Sealed)
	if r.CardAgain && plan.Instrument != r.Original.Instrument {
		return a, &Problem{
			Code: "other_card", Status: 409, Detail: "this is not the card " + r.Original.Instrument + ", with which it was paid",
			Remedy: "begin a new attempt, and let the customer show that card",
		}
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

// unplannedError says that a tender cannot make a request at all; trying again does not help.
type unplannedError struct{ error }

func (e *unplannedError) Unwrap() error { return e.error }

// fresh makes sure that the attempt is created, and was not sent before.
func (d *Desk) fresh(tx *journal.Tx, r Request) error {
	a, err := loadAttempt(tx, r.Key)
	switch {
	case errors.Is(err, errNotFound):
		return d.createIn(tx, r)
	case err != nil:
		return err
	case a.State != Created:
		return &Problem{Code: "attempt_over", Status: 409, Detail: "attempt " + a.Attempt + " is " + a.Said(), Remedy: "use a new attempt id"}
	}
	return stillOpen(tx, r)
}

// authorize asks for the money, once, and journals what came of it. When a till cancels meanwhile, that decides what
// becomes of it: what has not left never will, and else it is reversed. A host gets the time for its answer all the same:
// a reversal that overtakes its request finds nothing to reverse.
func (d *Desk) authorize(ctx context.Context, l *life, a Attempt, t Tender, in Input) {
	d.asks(1)
	defer d.asks(-1)
	defer wipe(in)
	pol := t.Policy()
	a, err := d.book.opened(ctx, a)
	if err != nil {
		d.log.Error("sealed data could not be opened", "sale", a.Sale, "attempt", a.Attempt, "err", err)
	}
	defer clear(a.Sealed)
	call, cancel := withLimit(ctx, pol.Call)
	defer cancel()
	d.setAsks(l, true)
	ans := t.Authorize(call, a, in)
	ev := event{answer: &ans, first: true, stop: d.setAsks(l, true)}
	if _, err := d.commit(ctx, a.Key, ev, pol); err == nil && conclusive(ans) {
		d.wakeReversals(d.railOf(t))
	}
	if why := d.setAsks(l, false); ev.stop == "" && why != "" { // it came while the answer was being journaled
		_, _ = d.commit(ctx, a.Key, event{stop: why}, pol) // commit has logged why it failed
	}
}

// setAsks notes whether the first exchange goes on. It gives why the attempt is not wanted any more; "" if it is.
func (d *Desk) setAsks(l *life, on bool) Reason {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.asked = on
	if l.unwanted {
		return ReasonCancelled
	}
	return ""
}

// unwant marks an attempt whose first exchange goes on as one that is not wanted any more; false if none does.
func (d *Desk) unwant(k Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lives[k]
	if l == nil || !l.asked {
		return false
	}
	l.unwanted = true
	return true
}

// asks counts the lives that wait for an answer about money.
func (d *Desk) asks(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asking += n; d.asking == 0 && d.quiet != nil {
		close(d.quiet)
		d.quiet = nil
	}
}

func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}
