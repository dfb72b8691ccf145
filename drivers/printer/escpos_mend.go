package printer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Zeros end a command that was cut off: a printer takes them for what is missing of its parameters, a length of one byte is at most
// 255, and of a longer one they make the high byte zero. By itself a zero means nothing.
const (
	mended     = 512  // end any command but one that has its length and lacks more data
	mendedLong = 4096 // end pictures, strips and QR codes of this driver as well; at 9600 baud they take four seconds
)

// mend ends a command that was cut off, so that the printer does not take the next slip for its parameters. What it takes for data
// is a question too: where that is not answered more is missing. again: it may have much to print yet.
func (p *epson) mend(ctx context.Context, again bool) error {
	if !p.torn {
		return nil
	}
	wait := probeWait
	if again {
		wait = confirmWait
	}
	heard, err := p.rouse(ctx, mended, wait)
	if err == nil && !heard {
		if _, err = p.rouse(ctx, mendedLong, confirmWait); err == nil {
			err = p.fallSilent(ctx)
		}
	}
	if broken(err) || ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	p.torn = false
	return nil
}

// rouse sends so many zeros, and a question. It tells whether the printer says anything that it says only of what it has executed.
func (p *epson) rouse(ctx context.Context, zeros int, wait time.Duration) (heard bool, err error) {
	question := gsFence
	switch p.confirm {
	case "none":
		question = nil
	case "process":
		question = p.process("ping")
	}
	p.done, p.fences = "", 0
	// One that does not know the question takes it for text, which ESC @ clears.
	if err := p.send(ctx, slices.Concat(make([]byte, zeros), p.fresh(), question, p.fresh())); err != nil || question == nil {
		return true, err
	}
	err = p.pump(ctx, wait, func() bool { return p.done != "" || p.fences > 0 })
	if err == nil || broken(err) || ctx.Err() != nil {
		return true, err
	}
	return false, nil
}
