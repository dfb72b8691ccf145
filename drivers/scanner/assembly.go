package scanner

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// assembly puts the parts of a code together. The zero value is empty.
type assembly struct {
	patience time.Duration
	data     []byte
	aim      string    // of the first part
	open     bool      // parts are missing
	rest     bool      // parts of a code that was given up may still come
	heard    time.Time // when the last part came, or a code was given up
}

// restQuiet is how long nothing must come after a code that was given up, until what comes is no rest of it. A rest may look
// like a whole code: nobody pays with one.
const restQuiet = 2 * time.Second

// limit bounds the wait for the next part, if one is missing.
func (a *assembly) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.open {
		return context.WithDeadline(ctx, a.heard.Add(a.patience))
	}
	return context.WithCancel(ctx)
}

// add takes the next part and gives the code when it is whole; the code is then the caller's. A part of another
// symbology belongs to another code: the two are never joined.
func (a *assembly) add(p part) ([]byte, error) {
	resting := a.resting()
	a.heard = time.Now()
	switch {
	case resting:
		return nil, a.pass(p.more)
	case a.open && p.aim != "" && p.aim != a.aim:
		n := a.giveUp(p.more)
		return nil, fmt.Errorf("%w: two codes mixed: another symbology after %d bytes", ErrRefused, n)
	case len(a.data)+len(p.data) > maxCode:
		a.giveUp(p.more)
		return nil, fmt.Errorf("%w: more than %d bytes", ErrRefused, maxCode)
	case !a.open:
		a.aim = p.aim
	}
	joined := slices.Concat(a.data, p.data) // never the old bytes, which are wiped
	clear(a.data)
	a.data, a.open = joined, p.more
	if p.more {
		return nil, nil
	}
	whole := a.data
	a.data = nil
	return whole, nil
}

// resting tells whether a part that comes now is the rest of a code that was given up.
func (a *assembly) resting() bool {
	a.rest = a.rest && time.Since(a.heard) <= restQuiet
	return a.rest
}

// pass lets a part of a rest go by. The last one is told: it may have been a code of its own, and is then to be shown again.
func (a *assembly) pass(more bool) error {
	if a.rest = more; more {
		return nil
	}
	return fmt.Errorf("%w: the rest of a code that was refused", ErrRefused)
}

// spoil gives up what a part belongs to that cannot be read. more says that it was not the last one.
func (a *assembly) spoil(more bool) { a.giveUp(a.open || a.resting() || more) }

// giveUp forgets and wipes what there is, and tells how much that was. rest says that parts of the same code may still come.
func (a *assembly) giveUp(rest bool) int {
	n := len(a.data)
	clear(a.data)
	a.data, a.open, a.rest, a.heard = nil, false, rest, time.Now()
	return n
}
