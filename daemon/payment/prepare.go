package payment

import (
	"context"
	"errors"
	"time"
)

// prepared is what a request needs before it is created or sent.
type prepared struct {
	err     error
	tenders []Tender // of a request that awaits its customer: those that could take money now

	// Of one that awaits nobody: who is asked for it and with what. It has the terminal, until leave.
	payer Tender
	in    Input
	leave func()
}

// drop gives back what is not wanted any more.
func (p prepared) drop() {
	if p.leave != nil {
		p.leave()
	}
	wipe(p.in)
}

// start begins an attempt that has a life. It is prepared beside the request: where that takes longer than the till is
// patient, the attempt is created, and the life goes on with it. The attempt is zero where the journal tells how it stands.
// With an error the life has not begun.
func (d *Desk) start(ctx context.Context, l *life, r Request) (Attempt, error) {
	apart, stop := d.apart(l)
	beside := r
	beside.Code = r.Code.clone()
	ready := make(chan prepared, 1)
	d.running.Go(func() {
		defer beside.Code.Wipe()
		ready <- d.prepare(apart, beside)
	})
	var late <-chan time.Time
	if r.Patience > 0 {
		timer := time.NewTimer(r.Patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case p := <-ready:
		stop()
		return d.startReady(ctx, l, r, p)
	case <-late:
	case <-ctx.Done():
	}
	err := ctx.Err()
	if err == nil {
		err = d.startLate(ctx, l, r, waiting{ready, stop})
	}
	if err != nil {
		d.abandon(ready, stop)
	}
	return Attempt{}, err
}

// apart gives a ctx that ends with the lives, or when the till cancels, and not with a request.
func (d *Desk) apart(l *life) (context.Context, context.CancelFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	apart, stop := context.WithCancel(d.ctx)
	l.giveUp = stop
	return apart, stop
}

// abandon ends a preparation that nobody wants any more.
func (d *Desk) abandon(ready <-chan prepared, stop func()) {
	stop()
	d.running.Go(func() {
		p := <-ready
		p.drop()
	})
}

// prepare waits for the terminal, and for the host.
func (d *Desk) prepare(ctx context.Context, r Request) prepared {
	began := time.Now()
	tenders, err := d.ready(ctx, r)
	if err != nil || r.awaits() {
		return prepared{tenders: tenders, err: err}
	}
	return d.hold(ctx, r, tenders[0], began)
}

// hold takes the terminal for a request that awaits nobody, and whose gate was passed since a moment.
func (d *Desk) hold(ctx context.Context, r Request, t Tender, since time.Time) (p prepared) {
	if p.in, p.err = t.Collect(ctx, r); p.err != nil {
		return p
	}
	if p.payer, p.err = d.borrow(ctx, t, r, p.in); p.err != nil {
		return p
	}
	if p.leave, p.err = d.enterToPay(ctx, p.payer, since); p.err != nil {
		wipe(p.in)
	}
	return p
}

// startReady goes on with what is prepared while the till still waits.
func (d *Desk) startReady(ctx context.Context, l *life, r Request, p prepared) (Attempt, error) {
	if d.isStopped(l) {
		p.drop()
		return Attempt{}, &Problem{
			Code: "attempt_over", Status: 409, Detail: "attempt " + r.Key.String() + " was cancelled before it began", Remedy: "use a new attempt id",
		}
	}
	if p.err != nil {
		return Attempt{}, p.err
	}
	if !r.awaits() {
		return d.sendAtOnce(ctx, l, r, p)
	}
	if err := d.takeCounter(l, p.tenders); err != nil {
		return Attempt{}, err
	}
	if err := d.create(ctx, r); err != nil {
		return Attempt{}, err
	}
	d.live(l, func(ctx context.Context) { d.collectAndPay(ctx, l, r, p.tenders) })
	return Attempt{}, nil
}

// sendAtOnce is for an attempt that need not wait for anybody: created and sent are one commit.
func (d *Desk) sendAtOnce(ctx context.Context, l *life, r Request, p prepared) (Attempt, error) {
	if !d.isOpen() {
		p.drop()
		return Attempt{}, d.notReady()
	}
	a, err := d.send(ctx, r, p.payer, p.in)
	if err != nil {
		p.drop()
		return Attempt{}, err
	}
	d.ride(l, p.payer)
	d.live(l, func(ctx context.Context) { d.see(ctx, l, a, p) })
	return a, nil
}

// waiting is a preparation that goes on.
type waiting struct {
	ready <-chan prepared
	stop  func()
}

// startLate creates an attempt whose preparation goes on; its life waits for that.
func (d *Desk) startLate(ctx context.Context, l *life, r Request, w waiting) error {
	if r.awaits() {
		if err := d.takeCounter(l, d.tenders(r.Rail)); err != nil {
			return err
		}
	}
	d.mayStop(l, w.stop)
	if err := d.create(ctx, r); err != nil {
		return err
	}
	d.live(l, func(ctx context.Context) {
		defer w.stop()
		p := <-w.ready
		switch {
		case p.err != nil:
			d.endUnsent(ctx, l, p.err)
		case r.awaits():
			d.asksAt(l, p.tenders) // of those that were asked for above some may not be able
			d.collectAndPay(ctx, l, r, p.tenders)
		default:
			d.carryOut(ctx, l, r, p)
		}
	})
	return nil
}

// mayStop lets a till that cancels or hangs up end what a life waits for.
func (d *Desk) mayStop(l *life, stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.collects, l.giveUp = true, stop
}

// carryOut sends what was collected for an attempt that is created, and sees it to its end.
func (d *Desk) carryOut(ctx context.Context, l *life, r Request, p prepared) {
	d.leaveCounter(l)
	if !d.isOpen() { // posd stops: what it sent now would be cut off. Recovery ends it
		p.drop()
		return
	}
	if d.isStopped(l) { // while the terminal was busy
		p.drop()
		d.giveUp(ctx, r.Key, event{stop: ReasonCancelled})
		return
	}
	a, err := d.send(ctx, r, p.payer, p.in)
	if err != nil {
		p.drop()
		d.giveUp(ctx, r.Key, event{unsendable: err})
		return
	}
	d.ride(l, p.payer)
	d.see(ctx, l, a, p)
}

// see asks for the money of an attempt that is sent, and goes on with what comes of that.
func (d *Desk) see(ctx context.Context, l *life, a Attempt, p prepared) {
	d.authorize(ctx, l, a, p.payer, p.in)
	p.leave()
	d.chase(ctx, l)
}

// endUnsent ends an attempt of which nothing was sent: nobody wants it any more, or the tender cannot, and the till hears
// why.
func (d *Desk) endUnsent(ctx context.Context, l *life, err error) {
	d.leaveCounter(l) // before the till hears of it
	d.log.Info("nothing was collected", "sale", l.key.Sale, "attempt", l.key.Attempt, "err", err)
	ev := event{stop: ReasonCancelled}
	over := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || d.isStopped(l)
	if Explain(err) != nil && !over {
		ev = event{unsendable: err}
	}
	d.giveUp(ctx, l.key, ev)
}
