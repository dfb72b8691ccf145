package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"posd/drivers/port"
)

// Player plays the device's part of a trace: it answers what the host writes as the recorded device did.
type Player struct {
	Trace *Trace
	// Tolerant takes what the host writes in any order, plays the answers that belong to it, and overhears the rest.
	// Otherwise the host must write what the recorded one wrote, in order, however it is cut into writes.
	Tolerant bool
	// Speed scales the pauses: 1 as recorded, 2 twice as fast; 0 plays without any.
	Speed float64
}

// ErrOther says that the host wrote something else than the recorded one did. The error names the line of the trace.
var ErrOther = errors.New("the host writes something else than was recorded")

// maxHeard limits what a tolerant player keeps of a host's writes.
const maxHeard = 1 << 20

// Serve plays the trace once and returns nil when it was followed to its end. It does not close line, but when ctx ends.
func (p Player) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	if p.Tolerant {
		return p.tolerant(ctx, line)
	}
	last := time.Duration(0)
	for _, s := range p.Trace.Steps {
		var err error
		switch s.Dir {
		case FromDevice:
			if err = p.pause(ctx, s.At-last); err == nil {
				_, err = line.Write(s.Data)
			}
		case ToDevice:
			err = expect(line, s.Data)
		case Trouble:
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		last = s.At
	}
	return nil
}

// expect reads what the host must write. The error shows no bytes: they may be anything.
func expect(line io.Reader, want []byte) error {
	got := make([]byte, len(want))
	if n, err := io.ReadFull(line, got); err != nil {
		return fmt.Errorf("the host wrote %d of %d bytes: %w", n, len(want), err)
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("%w: byte %d of %d", ErrOther, i, len(want))
		}
	}
	return nil
}

func (p Player) pause(ctx context.Context, d time.Duration) error {
	if p.Speed <= 0 || d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(time.Duration(float64(d) / p.Speed))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// exchange is what the host wrote, and what the device then said.
type exchange struct {
	write   Step
	answers []Step
	played  bool
}

// exchanges cuts a trace at the host's writes; the first one has no write.
func (p Player) exchanges() []exchange {
	all := []exchange{{}}
	for _, s := range p.Trace.Steps {
		switch s.Dir {
		case ToDevice:
			all = append(all, exchange{write: s})
		case FromDevice:
			last := &all[len(all)-1]
			last.answers = append(last.answers, s)
		case Trouble:
		}
	}
	return all
}

func (p Player) tolerant(ctx context.Context, line io.ReadWriter) error {
	all := p.exchanges()
	if err := p.answer(ctx, line, &all[0]); err != nil {
		return err
	}
	var heard []byte
	chunk := make([]byte, 4<<10)
	for left := len(all) - 1; left > 0; {
		n, err := line.Read(chunk)
		heard = append(heard, chunk[:n]...)
		for x := find(all, &heard); x != nil; x = find(all, &heard) {
			if err := p.answer(ctx, line, x); err != nil {
				return err
			}
			left--
		}
		if err != nil && left > 0 {
			return fmt.Errorf("%d of %d exchanges were not asked for: %w", left, len(all)-1, err)
		}
		if len(heard) > maxHeard {
			heard = append(heard[:0], heard[len(heard)-maxHeard/2:]...)
		}
	}
	return nil
}

// find gives the exchange whose write stands first in what was heard, and cuts it off there.
func find(all []exchange, heard *[]byte) *exchange {
	var found *exchange
	first := 0
	for i := 1; i < len(all); i++ {
		at := bytes.Index(*heard, all[i].write.Data)
		if !all[i].played && at >= 0 && (found == nil || at < first) {
			found, first = &all[i], at
		}
	}
	if found != nil {
		*heard = (*heard)[first+len(found.write.Data):]
	}
	return found
}

func (p Player) answer(ctx context.Context, line io.Writer, x *exchange) error {
	x.played = true
	last := x.write.At
	for _, s := range x.answers {
		if err := p.pause(ctx, s.At-last); err != nil {
			return err
		}
		if _, err := line.Write(s.Data); err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		last = s.At
	}
	return nil
}

// Open plays the trace behind a port in memory: a HID where the header says so. The channel gives how it ended, once;
// the port then is unplugged.
func (p Player) Open(ctx context.Context) (port.Conn, <-chan error, error) {
	info, isHID, err := p.Trace.HID()
	if err != nil {
		return nil, nil, err
	}
	host, device := net.Pipe()
	var c port.Conn
	if isHID {
		c = port.NewHID(host, nil, info, 0)
	} else {
		c = port.NewConn(host, 0)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- p.Serve(ctx, device)
		_ = device.Close()
	}()
	return c, ended, nil
}
