package payment

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"posd/daemon/journal"
	"posd/daemon/step"
)

// How often a blocked journal is tried again, and, while reversals are owed, an unreachable host (rule 4: every 30 s at
// most). Both are no whole seconds, as most time-outs are: what one of those finds would else be looked at in the same
// instant, or not.
const (
	reopenEvery = 997 * time.Millisecond
	probeEvery  = 29711 * time.Millisecond
)

// probeWithin is how long a probe waits for the host. It ends before the next one is due, which else may not begin.
const probeWithin = probeEvery - 3*time.Second

// Run recovers what was open when posd last ended, then keeps the desk open until ctx ends: it reopens a blocked
// journal and probes hosts that owe answers. It waits for exchanges under way, for a while, and for every goroutine.
func (d *Desk) Run(ctx context.Context) error {
	var beside sync.WaitGroup        // what may wait for a host: a blocked journal does not wait for that
	var looking, probing atomic.Bool // at the hour, at the hosts: one at a time
	defer beside.Wait()
	defer d.close()
	err := d.recover(ctx)
	if err != nil {
		d.log.Error("open payments could not be read", "err", err)
	}
	recovered := err == nil
	reopen, probe := time.NewTicker(reopenEvery), time.NewTicker(probeEvery)
	defer reopen.Stop()
	defer probe.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reopen.C:
			recovered = d.goesOn(ctx, recovered)
		case <-probe.C:
			recovered = d.goesOn(ctx, recovered) // hosts are asked with a journal at hand
			if probing.CompareAndSwap(false, true) {
				beside.Go(func() {
					d.probe(ctx)
					probing.Store(false)
					if looking.CompareAndSwap(false, true) { // behind the probe: both want the terminal
						d.closeOnTime(ctx)
						d.endDay(ctx)
						looking.Store(false)
					}
				})
			}
		}
	}
}

// goesOn gets back what is blocked, or was not recovered; true when all is well.
func (d *Desk) goesOn(ctx context.Context, recovered bool) bool {
	return recovered && d.book.j.Blocked() == nil || d.reopen(ctx)
}

// reopen tries to get a blocked journal back. Until it succeeds no money moves, and the API says so.
func (d *Desk) reopen(ctx context.Context) bool {
	d.setOpen(false)
	d.endLives()
	if err := d.book.j.Reopen(ctx); err != nil {
		if d.damage.due(err.Error()) {
			d.log.Error("journal stays blocked", "err", err)
		}
		return false
	}
	d.damage = complaint{}
	d.slip(Sale{}, Attempt{}) // a commit that failed may be on disk all the same, and what was to follow it did not
	d.book.stir()
	return d.recover(ctx) == nil
}

// endLives stops every life and waits for it; what they learn now cannot be journaled, so it is unknown. The desk is
// ready for new lives then.
func (d *Desk) endLives() {
	d.mu.Lock()
	d.cancel()
	d.mu.Unlock()
	d.running.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx, d.cancel = context.WithCancel(context.Background())
}

// openAttempts are those that need a life. Those that await their confirmation have an index of their own: a start must
// not look at all that was ever approved.
const openAttempts = `state IN ('created', 'sent', 'reversing')
  OR state = 'approved' AND acked = 0 AND confirm = 1 ORDER BY seq`

// recover gives a life to every open attempt, in their order, and looks at the suspect pairs again.
func (d *Desk) recover(ctx context.Context) error {
	step.At("recovery begins")
	open, err := d.book.attempts(ctx, openAttempts)
	if err != nil {
		return err
	}
	risen, err := d.raise(ctx, open)
	if err != nil {
		for _, l := range risen { // Run recovers again: what has a life by then gets none
			d.bury(l)
		}
		return err
	}
	for _, l := range risen {
		d.liveApart(l)
	}
	if err := d.moveAllPairs(ctx); err != nil {
		return err
	}
	if err := d.recoverCloses(ctx); err != nil {
		return err
	}
	step.At("recovery ends")
	d.setOpen(true)
	if len(open) > 0 {
		d.log.Warn("open payments recovered", "count", len(open))
	}
	return nil
}

// raise tells each open attempt of the restart and makes the lives of those that need one. They begin when all are there:
// reversals must know of the older ones. With an error the lives so far come back.
func (d *Desk) raise(ctx context.Context, open []Attempt) (risen []*life, err error) {
	for _, a := range open {
		pol := Policy{}
		t := d.tenderOf(a)
		if t == nil && a.State != Created { // it stays as it is until somebody can ask or reverse
			d.log.Error("attempt is owed on a rail that is not configured", "sale", a.Sale, "attempt", a.Attempt, "rail", string(a.Rail))
			continue
		}
		if t != nil {
			pol = t.Policy()
		}
		if a, err = d.commit(ctx, a.Key, event{restart: true}, pol); err != nil {
			return risen, err
		}
		step.At("recovery moves")
		if l := d.rise(a); l != nil {
			risen = append(risen, l)
		}
	}
	return risen, nil
}

// apart is over how long the first steps after a start are spread.
const apart = 100 * time.Millisecond

// liveApart is live for what a start has found.
func (d *Desk) liveApart(l *life) {
	d.live(l, func(ctx context.Context) {
		if d.standsApart(ctx, l) {
			l.rest(ctx, l)
		}
	})
}

// standsApart keeps a life for a moment from what it is to do: a start finds many that are due, and a gateway should not be
// asked about all of them in one instant. The terminal's reversals have an order. false when posd stops.
func (d *Desk) standsApart(ctx context.Context, l *life) bool {
	d.mu.Lock()
	onLane := l.round.onLane
	d.mu.Unlock()
	if onLane {
		return true
	}
	woken, ok := d.doze(ctx, l, jitter(l.key, 0, apart), false)
	if woken {
		l.wake() // it was meant for the first step
	}
	return ok
}

// recoverCloses goes on with the close of a batch.
func (d *Desk) recoverCloses(ctx context.Context) error {
	var closing []Batch
	err := d.book.j.View(ctx, func(tx *journal.Tx) (err error) {
		closing, err = queryBatches(tx, `state = 'closing' ORDER BY seq`)
		return err
	})
	for _, b := range closing {
		if l := d.riseClose(ctx, b); l != nil {
			d.liveApart(l)
		}
	}
	return err
}

func (d *Desk) setOpen(open bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = open
	select {
	case <-d.recovered:
	default:
		if open {
			close(d.recovered)
		}
	}
}

// Recovered is closed when what was open at the start has been recovered.
func (d *Desk) Recovered() <-chan struct{} { return d.recovered }

// resume gives a life to an attempt that needs one and has none. One that may be ending is told to go on.
func (d *Desk) resume(a Attempt) {
	if l := d.rise(a); l != nil {
		d.live(l, func(ctx context.Context) { d.chase(ctx, l) })
	}
}

// rise makes the life that resume gives; nil if there is none to give.
func (d *Desk) rise(a Attempt) *life {
	if !a.State.Open() && !a.awaitsAck() || a.State == Created {
		return nil
	}
	l, born := d.bearOnce(a.Key)
	if !born {
		return nil
	}
	t := d.tenderOf(a)
	d.ride(l, t)
	if a.State == Reversing {
		d.reverses(l, t, a.Undo)
	}
	return l
}

// close ends the lives: those that wait for an answer about money get the grace.
func (d *Desk) close() {
	quiet := make(chan struct{})
	d.mu.Lock()
	d.open = false
	if d.asking == 0 {
		close(quiet)
	} else {
		d.quiet = quiet
	}
	d.mu.Unlock()
	timer := time.NewTimer(d.grace)
	defer timer.Stop()
	select {
	case <-quiet:
	case <-timer.C:
	}
	d.endLives()
}

// probe looks whether a host answers again, for the reversals that wait for it, and whether one makes sense again.
func (d *Desk) probe(ctx context.Context) {
	for _, t := range d.tenders(RailAny) {
		if w, ok := t.(Doubter); !d.owes(d.railOf(t)) && (!ok || !w.Doubts()) {
			continue
		}
		leave, err := d.enter(ctx, t, newcomer)
		if err != nil {
			return
		}
		call, cancel := withLimit(ctx, probeWithin)
		err = t.Ready(call)
		cancel()
		leave()
		if err == nil {
			d.wakeReversals(d.railOf(t))
		}
	}
}

// owes tells whether a reversal of the rail is waiting.
func (d *Desk) owes(rail Rail) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lives {
		if l.rail == rail && l.reversing.Load() {
			return true
		}
	}
	return false
}

// blocked is a *Problem while no money may move.
func (d *Desk) blocked() error {
	if err := d.book.j.Blocked(); err != nil {
		return blockedProblem(err)
	}
	return nil
}

// pairs gives the suspect pairs that a condition selects.
func (b *Book) pairs(ctx context.Context, where string, args ...any) (out []Pair, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		out, err = queryPairs(tx, where, args...)
		return err
	})
	return out, err
}
