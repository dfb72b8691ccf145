package cardreader

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"posd/drivers/port"
)

// next gives the next frame, which the caller wipes. A frame that is cut off, too long or refused by split is
// ErrUnreadable, and wiped.
func next(ctx context.Context, p *port.Pause, c port.Conn, split bufio.SplitFunc) ([]byte, error) {
	b, err := p.Next(ctx, c, split)
	return b, unreadable(err)
}

// unreadable makes a bad swipe of what ends no connection.
func unreadable(err error) error {
	switch {
	case errors.Is(err, port.ErrCutOff):
		return fmt.Errorf("%w: %w; swipe again, look at the cable", ErrUnreadable, err)
	case errors.Is(err, port.ErrTooLong), errors.Is(err, port.ErrBadFrame):
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	default:
		return err
	}
}
