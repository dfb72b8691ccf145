package journal

import (
	"context"
	"slices"
	"sync"
)

// turn lets one goroutine at a time at the file, in the order in which they come; but who shares a transaction that is
// still open goes before all others.
type turn struct {
	mu    sync.Mutex
	taken bool       // guarded by mu
	queue []*inQueue // guarded by mu; who waits, first come first
}

type inQueue struct {
	shares bool          // it may take part in a transaction that is open
	let    chan struct{} // closed when it has the turn
}

// enter waits for the turn. After a nil error leave or pass must be called once. ctx bounds the wait only.
func (t *turn) enter(ctx context.Context, shares bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := t.join(shares)
	select {
	case <-q.let:
		return nil
	case <-ctx.Done():
		if t.quit(q) {
			return ctx.Err()
		}
		return nil // let in at the same moment
	}
}

func (t *turn) join(shares bool) *inQueue {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := &inQueue{shares: shares, let: make(chan struct{})}
	if !t.taken {
		t.taken = true
		close(q.let)
		return q
	}
	t.queue = append(t.queue, q)
	return q
}

// quit tells whether q was still waiting; it does no longer.
func (t *turn) quit(q *inQueue) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.queue, q)
	if i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	}
	return i >= 0
}

// leave gives the turn to whoever came first.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.let(0) {
		t.taken = false
	}
}

// pass gives the turn to the first that shares. Without any it says no, and the caller keeps the turn.
func (t *turn) pass() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.let(slices.IndexFunc(t.queue, func(q *inQueue) bool { return q.shares }))
}

// let gives the turn to one in the queue, if there is one at that place. The caller holds mu.
func (t *turn) let(i int) bool {
	if i < 0 || i >= len(t.queue) {
		return false
	}
	close(t.queue[i].let)
	t.queue = slices.Delete(t.queue, i, i+1)
	return true
}
