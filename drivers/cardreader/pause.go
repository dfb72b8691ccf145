package cardreader

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"posd/drivers/port"
)

// pause finds frames that stopped half-way: what came before a long pause is never joined with what comes after it.
// It is owned by the caller of next.
type pause struct {
	patience time.Duration
	waiting  int       // bytes of a frame without its end
	since    time.Time // when the last of them came
	stale    bool      // the frame at hand is such a rest
}

// next gives the next frame, which the caller wipes. A frame that is cut off, too long or refused by split is
// ErrUnreadable, and wiped.
func (p *pause) next(ctx context.Context, c port.Conn, split bufio.SplitFunc) ([]byte, error) {
	b, err := c.Next(ctx, p.patiently(split))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case p.stale:
		p.stale = false
		clear(b)
		return nil, fmt.Errorf("%w: cut off: %d bytes without their end; swipe again, look at the cable", ErrUnreadable, len(b))
	default:
		return b, nil
	}
}

// unreadable makes a bad swipe of what ends no connection.
func unreadable(err error) error {
	if errors.Is(err, port.ErrTooLong) || errors.Is(err, port.ErrBadFrame) {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

// patiently is split, but what came before a long pause is a frame of its own, marked as stale.
func (p *pause) patiently(split bufio.SplitFunc) bufio.SplitFunc {
	return func(data []byte, atEOF bool) (int, []byte, error) {
		now := time.Now()
		if n := p.waiting; n > 0 && n < len(data) && now.Sub(p.since) > p.patience {
			p.waiting, p.stale = 0, true
			return n, data[:n], nil
		}
		n, frame, err := split(data, atEOF)
		p.waiting = 0
		if n == 0 && err == nil {
			p.waiting, p.since = len(data), now
		}
		return n, frame, err
	}
}
