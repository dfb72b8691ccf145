package payment

import (
	"context"
	"strings"
	"time"
)

// watches are the sales that somebody follows: a change of one does not wake those who wait for others.
type watches map[string]*watch

type watch struct {
	moved chan struct{} // closed when something of the sale was journaled
	eyes  int           // who watch
}

// tell wakes who follows the sales of these subjects.
func (ws watches) tell(subjects []string) {
	for _, s := range subjects {
		sale := saleOfSubject(s)
		if w := ws[sale]; w != nil {
			delete(ws, sale)
			close(w.moved)
		}
	}
}

// saleOfSubject makes the subject of a sale of that of one of its attempts.
func saleOfSubject(s string) string {
	parts := strings.SplitN(s, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// watch waits for the next change of a sale. stop must be called once.
func (b *Book) watch(k Key) (moved <-chan struct{}, stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sale := saleSubject(k.Client, k.Sale)
	w := b.watches[sale]
	if w == nil {
		w = &watch{moved: make(chan struct{})}
		b.watches[sale] = w
	}
	w.eyes++
	return w.moved, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.eyes--; w.eyes == 0 && b.watches[sale] == w {
			delete(b.watches, sale)
		}
	}
}

// follow looks at an attempt, and again after every change of its sale, until look is content, over fires (nil never
// does), or ctx ends.
func (b *Book) follow(ctx context.Context, k Key, over <-chan time.Time, look func(Attempt) bool) (Attempt, error) {
	for {
		moved, stop := b.watch(k)
		a, err := b.Attempt(ctx, k)
		if err != nil || look(a) {
			stop()
			return a, err
		}
		select {
		case <-moved:
			stop()
		case <-over:
			stop()
			return a, nil
		case <-ctx.Done():
			stop()
			return a, ctx.Err()
		}
	}
}
