package payment

import (
	"context"
	"math"
	"slices"
	"sync"
)

// newcomer is the place of a new request in a lane: behind every reversal.
const newcomer = math.MaxInt64

// lane lets one request of a terminal through at a time (invariant I6). Who waits goes in the order of its place, so
// reversals go first, and in their own order; but each goes once before a newcomer that waits. A host that answers no
// reversal would keep a shop with many of them closed for ever.
type lane struct {
	mu      sync.Mutex
	busy    bool          // guarded by mu
	holder  int64         // guarded by mu; the place of who is in it
	waiting []*laneWaiter // guarded by mu; sorted by place
}

type laneWaiter struct {
	place  int64
	ready  chan struct{}
	passed map[int64]bool // of a newcomer: who went before it since it came, or was in the lane then
}

// enter waits for the lane. leave must be called once after a nil error. A nil lane is always free.
func (l *lane) enter(ctx context.Context, place int64) error {
	if l == nil {
		return ctx.Err()
	}
	w := l.join(place)
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		l.quit(w)
		return ctx.Err()
	}
}

func (l *lane) join(place int64) *laneWaiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &laneWaiter{place: place, ready: make(chan struct{}), passed: map[int64]bool{}}
	if !l.busy {
		l.busy, l.holder = true, place
		close(w.ready)
		return w
	}
	if l.holder != newcomer {
		w.passed[l.holder] = true
	}
	at := len(l.waiting)
	for at > 0 && l.waiting[at-1].place > place {
		at--
	}
	l.waiting = slices.Insert(l.waiting, at, w)
	return w
}

// quit gives up waiting; if the lane was handed over in the same moment it is passed on.
func (l *lane) quit(w *laneWaiter) {
	l.mu.Lock()
	i := slices.Index(l.waiting, w)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 {
		l.leave()
	}
}

func (l *lane) leave() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = false
		return
	}
	i := l.next()
	next := l.waiting[i]
	l.waiting = slices.Delete(l.waiting, i, i+1)
	for _, w := range l.waiting {
		if w.place == newcomer && next.place != newcomer {
			w.passed[next.place] = true
		}
	}
	l.holder = next.place
	close(next.ready)
}

// next is who goes next of those that wait, of which there is one. The caller holds mu.
func (l *lane) next() int {
	first := slices.IndexFunc(l.waiting, func(w *laneWaiter) bool { return w.place == newcomer })
	if first < 0 {
		return 0
	}
	return slices.IndexFunc(l.waiting, func(w *laneWaiter) bool { return !l.waiting[first].passed[w.place] })
}
