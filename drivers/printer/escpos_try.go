package printer

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// maxHeard is how many process ids are remembered: more than two windows have blocks.
const maxHeard = 64

var _ Continuer = (*epson)(nil)

// Print prints a document that nobody keeps.
func (p *epson) Print(ctx context.Context, d Document) (Result, error) {
	return p.PrintTry(ctx, d, Try{})
}

// PrintTry prints in blocks, each with its fence, and goes on behind those of an earlier call.
func (p *epson) PrintTry(ctx context.Context, d Document, t Try) (Result, error) {
	if err := p.take(ctx); err != nil {
		return Result{}, err
	}
	defer p.give()
	if err := p.ready(ctx, t.Begun > 0); err != nil {
		return Result{}, err
	}
	if t.Tag == "" {
		p.jobs++
		t.Tag = fmt.Sprint("job ", p.jobs)
	}
	job := encode(d, look{columns: p.columns, cut: p.cut, face: newFace(p.wide, p.profile.CodePages), profile: p.profile, utf8: p.utf8(), tells: p.tells.Load()})
	if err := p.deliver(ctx, job, t); err != nil {
		return Result{}, &UnconfirmedError{Cause: err}
	}
	p.judge()
	how := map[string]Confirmation{"process": ByProcessID, "fence": ByFence}[p.confirm]
	return Result{Confirmed: how, Missing: job.missing, Drawn: job.drawn}, nil
}

// deliver brings onto paper what of a job is not there yet.
func (p *epson) deliver(ctx context.Context, j job, t Try) error {
	blocks := j.cut(t.Tag)
	from, err := p.behind(ctx, blocks, t)
	if err == nil && from < len(blocks) {
		err = p.sendBlocks(ctx, j, blocks[from:], t)
	}
	if err != nil && !errors.Is(err, ErrCannotSay) {
		p.late, p.torn = true, true
	}
	return err
}

// behind is the first block that is to be sent. Where an earlier try has sent some, all of them must be on paper.
func (p *epson) behind(ctx context.Context, blocks []block, t Try) (int, error) {
	if t.Begun == 0 {
		return 0, nil
	}
	from := len(blocks)
	if i := slices.IndexFunc(blocks, func(b block) bool { return b.window > t.Begun }); i >= 0 {
		from = i
	}
	if from == 0 || p.confirm == "none" {
		return 0, ErrCannotSay
	}
	done := func() bool { return slices.Contains(p.heard, blocks[from-1].id) }
	if done() {
		return from, nil
	}
	p.done, p.fences = "", 0
	// What the printer still has to say of before comes before the answer to this.
	if err := p.send(ctx, p.fence("last")); err != nil {
		return 0, err
	}
	err := p.confirmed(ctx, func() bool { return p.done == "last" || p.confirm == "fence" && p.fences > 0 || done() })
	switch {
	case done():
		return from, nil
	case err == nil: // it speaks, and has lost what it was sent
		if err := p.settle(ctx); err != nil {
			return 0, err
		}
		return 0, ErrCannotSay
	case errors.Is(err, ErrQuiet):
		return 0, fmt.Errorf("%w: %w", ErrCannotSay, ErrQuiet)
	default:
		return 0, err
	}
}

// settle waits until a printer that confirms by fences has printed what it has of before, as far as it has not lost that.
func (p *epson) settle(ctx context.Context) error {
	if p.confirm != "fence" {
		return nil
	}
	return p.fallSilent(ctx)
}

// fallSilent waits until a printer answers no more fences: one is like another, and those of before would be taken for those of the
// next try. While it is without paper it prints nothing, and is waited for.
func (p *epson) fallSilent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	for {
		heard := p.fences
		err := p.pump(ctx, settleWait, func() bool { return p.fences > heard })
		if broken(err) || ctx.Err() != nil {
			return err
		}
		s, asked := p.ask(ctx)
		if asked != nil {
			return asked
		}
		if err != nil && (s.Err() == nil || errors.Is(s.Err(), ErrOffline)) {
			return nil
		}
	}
}

// sendBlocks sends blocks and waits for the last of them. A window leaves when it is noted, and when all but the one
// before it are on paper.
func (p *epson) sendBlocks(ctx context.Context, j job, blocks []block, t Try) error {
	p.fences = 0
	begun := max(t.Begun, 1)
	var out []byte
	if blocks[0].start > 0 {
		out = append(out, j.bytes[:j.head]...)
	}
	for i, b := range blocks {
		if i > 0 && b.window != blocks[i-1].window {
			if err := p.send(ctx, out); err != nil {
				return err
			}
			out = out[:0]
		}
		if b.window > begun {
			if err := p.nextWindow(ctx, blocks, b.window, t); err != nil {
				return err
			}
			begun = b.window
		}
		out = append(append(out, j.bytes[b.start:b.end]...), p.fence(b.id)...)
	}
	if err := p.send(ctx, out); err != nil {
		return err
	}
	if p.confirm == "none" {
		return p.afterwards(ctx)
	}
	return p.confirmed(ctx, func() bool { return p.acked(blocks, len(blocks)-1) })
}

// nextWindow waits until a window may leave, and has it noted.
func (p *epson) nextWindow(ctx context.Context, blocks []block, window int, t Try) error {
	last := slices.IndexFunc(blocks, func(b block) bool { return b.window >= window-1 }) - 1 // of the windows that must be on paper
	if last >= 0 && p.confirm != "none" {
		if err := p.confirmed(ctx, func() bool { return p.acked(blocks, last) }); err != nil {
			return err
		}
	}
	if t.Begin == nil {
		return nil
	}
	return t.Begin(ctx, window)
}

// acked tells whether the printer has said that a block is on paper.
func (p *epson) acked(blocks []block, i int) bool {
	return slices.Contains(p.heard, blocks[i].id) || p.confirm == "fence" && p.fences > i
}

// hear remembers a process id.
func (p *epson) hear(id string) {
	p.done = id
	p.heard = append(p.heard, id)
	if len(p.heard) > maxHeard {
		p.heard = p.heard[1:]
	}
}

// confirmed waits until the printer has said enough. Out of paper in the middle of a slip it waits on: the printer keeps
// the rest and prints it by itself when a person has helped.
func (p *epson) confirmed(ctx context.Context, enough func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	for quiet := 0; quiet < quietTries; {
		err := p.pump(ctx, confirmWait, enough)
		if err == nil || broken(err) || ctx.Err() != nil {
			return err
		}
		s, err := p.ask(ctx)
		if err != nil {
			return err
		}
		if enough() {
			return nil
		}
		if s.Err() == nil || errors.Is(s.Err(), ErrOffline) {
			quiet++
		}
	}
	return ErrQuiet
}
