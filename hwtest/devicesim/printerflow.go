package devicesim

import (
	"context"
	"time"
)

// XON and XOFF, and how much room there is when they are sent: of a buffer's quarters.
const (
	xon       = 0x11
	xoff      = 0x13
	quarters  = 4
	stopAt    = 3
	goOnBelow = 1
)

// loseSome is what comes through of b.
func (p *Printer) loseSome(b []byte) []byte {
	if p.opt.Loses <= 0 {
		return b
	}
	var rest []byte
	for _, c := range b {
		if p.came++; p.came%p.opt.Loses == 0 {
			p.lost++
			continue
		}
		rest = append(rest, c)
	}
	return rest
}

// take puts bytes into the buffer, as far as it does not lose them.
func (p *Printer) take(b []byte) {
	if p.opt.Flow != FlowLines {
		fits := min(len(b), max(p.opt.Buffer-len(p.pending), 0))
		p.lost += len(b) - fits
		b = b[:fits]
	}
	p.pending = append(p.pending, b...)
}

// flow tells the host to stop, or to go on.
func (p *Printer) flow() {
	full := len(p.pending)
	switch {
	case p.opt.Flow != FlowXON && p.opt.Flow != FlowStuck:
	case !p.stop && full > p.opt.Buffer*stopAt/quarters:
		p.stop = true
		p.answer(xoff)
	case p.stop && (p.short || full < p.opt.Buffer*goOnBelow/quarters) && p.opt.Flow == FlowXON:
		p.stop = false
		p.answer(xon)
	}
}

// turn lets a printer with a speed print what it may by now, until ctx ends.
func (p *Printer) turn(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	begun, given := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		may := int(time.Since(begun).Seconds() * float64(p.opt.Speed))
		p.mu.Lock()
		p.due += may - given
		p.run()
		p.mu.Unlock()
		given = may
	}
}

// Lost is how many bytes came and were lost.
func (p *Printer) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}
