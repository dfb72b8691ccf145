package printer

import (
	"context"
	"fmt"

	"posd/drivers/port"
)

// send sends bytes in blocks, as far as the printer does not hold the line.
func (p *epson) send(ctx context.Context, b []byte) error {
	for len(b) > 0 {
		if err := p.free(ctx); err != nil {
			return err
		}
		n := min(len(b), blockSize)
		if err := p.conn.Write(ctx, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// free waits until the printer takes more: after XOFF its buffer is full, or it is offline, until XON (Epson, "Serial interface:
// XON/XOFF"). What holds it is asked meanwhile, for those who want to know: DLE EOT is answered in spite of a full buffer.
func (p *epson) free(ctx context.Context) error {
	if err := p.drain(ctx, glanceWait); err != nil {
		return err
	}
	holding, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	for p.stopped {
		err := p.pump(holding, confirmWait, func() bool { return !p.stopped })
		switch {
		case broken(err):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("wait for XON: %w", ctx.Err())
		case holding.Err() != nil:
			return fmt.Errorf("%w: XOFF, and no XON within %v", port.ErrStalled, holdLimit)
		case err == nil:
			return nil
		}
		if _, err := p.askHeld(holding); broken(err) {
			return err
		}
	}
	return nil
}
