package port

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrCutOff says that a frame stopped half-way for too long. Its bytes were wiped, and the connection goes on.
var ErrCutOff = errors.New("cut off")

// Pause finds frames that stop half-way: what came before a long pause is never joined with what comes after it. Every frame
// of a connection is read by the same Pause, or it does not know what waits. It is owned by the caller of Next.
type Pause struct {
	// Patience is the pause that cuts a frame off. The time counts that passed between bytes, whoever called Next meanwhile.
	Patience time.Duration
	// Skips says that frames are lines: what comes after one that was too long, up to the next end or the next pause, is its
	// rest, and no frame.
	Skips bool

	waiting  int       // bytes of a frame without its end
	heard    time.Time // when the last byte came
	cut      bool      // the frame at hand is the beginning of one that was cut off
	skipping bool      // the rest of a frame that was too long comes next
}

// Next is that of c. When more bytes come after a frame that was cut off, the error wraps ErrCutOff, and the next call gives
// what came after it.
func (p *Pause) Next(ctx context.Context, c Conn, split bufio.SplitFunc) ([]byte, error) {
	b, err := c.Next(ctx, p.patiently(split))
	switch {
	case errors.Is(err, ErrTooLong), errors.Is(err, ErrBadFrame):
		p.waiting, p.skipping = 0, p.Skips // the bytes were dropped
		return nil, err
	case err != nil:
		return nil, err
	case p.cut:
		p.cut = false
		clear(b)
		return nil, fmt.Errorf("%w: %d bytes without their end", ErrCutOff, len(b))
	default:
		return b, nil
	}
}

// Waiting is how many bytes of a frame have come that has no end yet.
func (p *Pause) Waiting() int { return p.waiting }

// patiently is split, but what came before a long pause is a frame of its own, marked by cut.
func (p *Pause) patiently(split bufio.SplitFunc) bufio.SplitFunc {
	return func(data []byte, atEOF bool) (int, []byte, error) {
		if n := p.waiting; len(data) > n { // more bytes came
			paused := time.Since(p.heard) > p.Patience
			switch {
			case paused && n > 0 && !p.skipping:
				p.waiting, p.cut = 0, true
				return n, data[:n], nil
			case paused && n > 0:
				p.waiting, p.skipping = 0, false
				return n, nil, nil
			case paused:
				p.skipping = false
			}
			p.heard = time.Now()
		}
		n, frame, err := split(data, atEOF)
		p.waiting = 0
		switch {
		case n == 0 && err == nil:
			p.waiting = len(data)
		case p.skipping:
			p.skipping, frame = false, nil
		}
		return n, frame, err
	}
}
