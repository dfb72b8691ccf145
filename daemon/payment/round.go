package payment

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// A terminal's reversals go in their order (invariant I6), whichever of them is due first. So when one is due all of them
// are tried, the oldest first: that is a round. One that the host keeps waiting is left out until its time has come.

// round is the part of a life that keeps its reversal in order; guarded by Desk.mu.
type round struct {
	onLane bool      // it is a reversal of the terminal
	free   time.Time // until when the host's rule forbids a try; monotonic, zero for never
	wanted int64     // the last round that it was to take part in
	tried  int64     // the last round in which it was tried

	at time.Time // when that was; monotonic
}

// rounds are the desk's; guarded by Desk.mu.
type rounds struct {
	last   int64
	again  bool          // another one is to begin when this one is over
	turned chan struct{} // closed and replaced when one was tried, or is gone
}

// waits tells whether a life is still to have its try of the round.
func (r round) waits() bool { return r.onLane && !r.held() && r.tried < r.wanted }

// held tells whether the host's rule forbids a try. It ends by itself: of two that are free at one instant either may be the
// first to run, and the older one is to go first.
func (r round) held() bool { return time.Now().Before(r.free) }

// reverses notes that a life waits to try its reversal, and tells whether the host's rule forbids a try for now.
func (d *Desk) reverses(l *life, t Tender, u UndoRecord) (held bool) {
	held = u.NotBefore.After(d.now())
	d.mu.Lock()
	defer d.mu.Unlock()
	l.reversing.Store(true)
	l.round.onLane, l.round.free = t.Policy().Terminal != "", time.Time{}
	if held {
		l.round.free = time.Now().Add(d.untilTry(u))
	}
	return held
}

// callRound begins a round, when the one that runs is over: else the oldest would be tried again and again, and the
// youngest never. The caller holds mu.
func (d *Desk) callRound() {
	for _, l := range d.lives {
		if l.round.waits() {
			d.rounds.again = true
			return
		}
	}
	d.beginRound()
}

// beginRound wakes the terminal's reversals to a round. The caller holds mu.
func (d *Desk) beginRound() {
	d.rounds.last++
	d.rounds.again = false
	for _, l := range d.inOrder() {
		if l.round.onLane && !l.round.held() {
			l.round.wanted = d.rounds.last
			l.wake()
		}
	}
}

// inOrder are the lives, the oldest first. The caller holds mu.
func (d *Desk) inOrder() []*life {
	return slices.SortedFunc(maps.Values(d.lives), func(a, b *life) int { return cmp.Compare(a.place, b.place) })
}

// turn wakes who waits for others of the round, and begins the next one after the last of them. The caller holds mu.
func (d *Desk) turn() {
	if d.rounds.again {
		d.callRound()
	}
	close(d.rounds.turned)
	d.rounds.turned = make(chan struct{})
}

// hasTurned notes that a life was tried.
func (d *Desk) hasTurned(l *life) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.round.tried, l.round.at = d.rounds.last, time.Now()
	d.turn()
}

// comesDue waits until a life that has dozed is to try. One that was woken is not, if it has had its try: go is false. One
// whose own time has come calls a round, unless it is to have its try in this one.
func (d *Desk) comesDue(ctx context.Context, l *life, woken bool) (try, ok bool) {
	if d.called(l, woken) {
		return true, true
	}
	if woken {
		return false, true
	}
	return true, d.awaitTurns(ctx, func() bool { return !l.round.waits() })
}

// called is comesDue without the wait.
func (d *Desk) called(l *life, woken bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.round.free = time.Time{}
	if l.round.onLane && !l.round.waits() && !woken {
		d.callRound()
	}
	return !l.round.onLane || l.round.waits()
}

// awaitOlder waits until every older reversal of the terminal has had its try of this round.
func (d *Desk) awaitOlder(ctx context.Context, l *life) bool {
	return d.awaitTurns(ctx, func() bool {
		for _, o := range d.lives {
			if l.round.onLane && o.place < l.place && o.round.waits() {
				return true
			}
		}
		return false
	})
}

// owesTry tells whether a reversal of the terminal is to have its try of the round, and had none since.
func (d *Desk) owesTry(since time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.owesTryNow(since)
}

// owesTryNow is owesTry for who holds mu.
func (d *Desk) owesTryNow(since time.Time) bool {
	for _, l := range d.lives {
		if l.round.waits() && l.round.at.Before(since) {
			return true
		}
	}
	return false
}

// awaitTurns waits as long as a condition holds, which others' turns end. One that does not come to its try keeps nobody
// for ever. false when posd stops.
func (d *Desk) awaitTurns(ctx context.Context, holds func() bool) bool {
	limit := time.NewTimer(freshTryLimit)
	defer limit.Stop()
	for {
		d.mu.Lock()
		waits, turned := holds(), d.rounds.turned
		d.mu.Unlock()
		if !waits {
			return true
		}
		select {
		case <-turned:
			limit.Reset(freshTryLimit)
		case <-limit.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}
