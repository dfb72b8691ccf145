package cardreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"posd/drivers/port"
)

// lineGap is how soon a reader goes on that sends each track in a line of its own. Nobody swipes twice so fast.
const lineGap = 300 * time.Millisecond

// swipes puts the lines of a reader together. ID TECH's readers and others put CR behind every track unless they are told
// otherwise, and send track 3 with the start sentinel of track 2 (VersaKey user manual, appendix A). It is owned by the caller of
// next.
type swipes struct {
	conn  port.Conn
	pause port.Pause
	ahead []byte // a line of the next swipe; nil mostly
	told  bool   // the last swipe gave a card: its track 3 may still come
}

// next gives the next swipe, which the caller wipes: tracks 2 and 3 behind a track 1 that came alone.
func (s *swipes) next(ctx context.Context) ([]byte, error) {
	swipe, err := s.first(ctx)
	if err != nil || !alone(swipe) {
		return swipe, err
	}
	for _, sentinel := range []byte(sentinels[1:]) {
		more, err := s.more(ctx)
		switch {
		case err != nil:
			clear(swipe)
			return nil, err
		case more == nil:
			return swipe, nil
		case !further(more):
			s.ahead = more
			return swipe, nil
		case more[0] == sentinels[1]:
			more[0] = sentinel
		}
		swipe = join(swipe, more)
	}
	return swipe, nil
}

// first gives the first line of the next swipe. A track 3 that comes right behind a card is its own: no swipe begins with one.
func (s *swipes) first(ctx context.Context) ([]byte, error) {
	for s.told {
		line, err := s.more(ctx)
		if err != nil || line != nil && line[0] != sentinels[2] {
			s.told = false
			return line, err
		}
		s.told = line != nil
		clear(line)
	}
	if line := s.ahead; line != nil {
		s.ahead = nil
		return line, nil
	}
	return next(ctx, &s.pause, s.conn, splitSwipe)
}

// more gives the line that comes at once behind another one; nil if none does. An error is one of that line: one of the connection
// comes again with the next swipe.
func (s *swipes) more(ctx context.Context) ([]byte, error) {
	for had := 0; ; had = s.pause.Waiting() {
		wait, cancel := context.WithTimeout(ctx, lineGap)
		line, err := next(wait, &s.pause, s.conn, splitSwipe)
		cancel()
		switch {
		case err == nil || errors.Is(err, ErrUnreadable):
			return line, err
		case !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
			return nil, nil //nolint:nilerr // the line before it is whole; the error comes again
		case s.pause.Waiting() > had:
			continue // a line has begun
		case had > 0:
			return nil, fmt.Errorf("%w: the track after the first one stops half-way; swipe again, look at the cable", ErrUnreadable)
		}
		return nil, nil
	}
}

// alone tells whether a line is track 1 and nothing else but its check character.
func alone(line []byte) bool {
	end := bytes.IndexByte(line, '?')
	return line[0] == sentinels[0] && end >= 0 && len(line)-1-end <= 1
}

// further tells whether a line begins with track 2 or 3.
func further(line []byte) bool { return bytes.IndexByte([]byte(sentinels[1:]), line[0]) >= 0 }

// join puts two lines together and wipes them.
func join(a, b []byte) []byte {
	whole := slices.Concat(a, b)
	clear(a)
	clear(b)
	return whole
}
