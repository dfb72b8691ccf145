package printer

import (
	"context"
	"fmt"
	"time"
)

// ask asks for the status and remembers it for those who cannot wait for their turn. A printer that says nothing may be switched
// off: then it no longer holds the line, and not all of them say so by XON when they are switched on.
func (p *epson) ask(ctx context.Context) (Status, error) {
	s, err := p.askHeld(ctx)
	if err == nil && p.late {
		p.stopped = false
	}
	return s, err
}

// askHeld is ask for who waits for XON: one that holds the line may be too busy to answer.
func (p *epson) askHeld(ctx context.Context) (Status, error) {
	s, err := p.askAll(ctx)
	s.Mismatch = p.who.mismatch
	if err == nil {
		p.last.Store(&s)
	}
	return s, err
}

// askAll asks for the four status bytes. A printer that does not answer is offline, which is no error.
func (p *epson) askAll(ctx context.Context) (Status, error) {
	if !p.answers {
		return Status{Online: true}, nil
	}
	if err := p.catchUp(ctx); err != nil {
		return Status{}, err
	}
	for n := range p.replies {
		reply, err := p.question(ctx, n)
		if err != nil || reply == 0 {
			return Status{}, err
		}
		p.replies[n] = reply
	}
	p.asked = time.Now()
	return DecodeStatus(p.replies), nil
}

// Questions of DLE EOT, in the order of DecodeStatus.
const (
	online = 0
	paper  = 3
)

// question asks one of the status bytes. An answer of 0, which is none, comes from a printer that says nothing. While answers to
// earlier questions may still come, the last one that comes is the answer: they come in the order of their questions, and none
// says to which it belongs.
func (p *epson) question(ctx context.Context, n int) (byte, error) {
	p.told = 0
	if err := p.conn.Write(ctx, []byte{dleStatus[0], dleStatus[1], byte(n + 1)}); err != nil {
		return 0, fmt.Errorf("ask for status: %w", err)
	}
	err := p.pump(ctx, answerWait, func() bool { return p.told > 0 })
	if err == nil && p.late {
		err = p.hearOut(ctx)
	}
	switch {
	case err == nil:
		return p.status, nil
	case broken(err) || ctx.Err() != nil:
		return 0, fmt.Errorf("ask for status: %w", err)
	default:
		p.late = true
		return 0, nil
	}
}

// hearOut takes in status bytes until none has come for a moment, or for as long as a person would wait.
func (p *epson) hearOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	for heard := 0; heard < p.told; {
		heard = p.told
		if err := p.pump(ctx, drainWait, func() bool { return p.told > heard }); broken(err) {
			return err
		}
	}
	p.late = ctx.Err() != nil
	return nil
}

// catchUp takes in what came since the last question. A second answer to that belongs to an earlier one, and more of them may
// be on their way.
func (p *epson) catchUp(ctx context.Context) error {
	if err := p.drain(ctx, glanceWait); err != nil {
		return err
	}
	if p.late = p.late || p.told > 1; p.late {
		return p.drain(ctx, drainWait)
	}
	return nil
}

// drain takes in what comes within a time.
func (p *epson) drain(ctx context.Context, wait time.Duration) error {
	if err := p.pump(ctx, wait, func() bool { return false }); broken(err) {
		return err
	}
	return nil
}
