package printer

import (
	"context"
	"sync"
	"time"
)

var _ Watcher = (*epson)(nil)

// gsAuto switches on that the printer tells by itself (ASB) of drawer, online, faults and paper, until ESC @; gsAutoOff that it
// does not (Epson, GS a).
var (
	gsAuto    = []byte{0x1D, 'a', 0x0F}
	gsAutoOff = []byte{0x1D, 'a', 0}
)

// Watch listens to a printer that tells by itself how it is, and asks it now and then; any other it asks.
func (p *epson) Watch(ctx context.Context, tell func(Status)) error {
	return poll(ctx, p.glance, tell, func(ctx context.Context) error {
		if err := p.switchOn(ctx); err != nil {
			return err
		}
		if !p.tells.Load() {
			return rest(ctx, askEvery)
		}
		return p.overhear(ctx, tell)
	})
}

// glance is Status at half its cost, for a printer at rest. Of one that was well it asks only whether it is still online and has
// paper, what a print would fail of; while that is answered as before, the rest is taken to be so too, until checkEvery is over.
func (p *epson) glance(ctx context.Context) (Status, error) {
	if err := p.take(ctx); err != nil {
		return p.lastHeard(err)
	}
	defer p.give()
	if err := p.catchUp(ctx); err != nil {
		return Status{}, err
	}
	last := p.last.Load()
	if last == nil || last.Err() != nil || p.tells.Load() || p.late || time.Since(p.asked) >= checkEvery {
		return p.ask(ctx)
	}
	for _, n := range []int{online, paper} {
		reply, err := p.question(ctx, n)
		switch {
		case err != nil:
			return Status{}, err
		case reply != p.replies[n]:
			return p.ask(ctx)
		}
	}
	return *last, nil
}

// switchOn has the printer tell by itself, once it is well and somebody has printed: what it takes for text then is cleared.
// Before, it may hold the rest of a slip, and what mends that would make it forget how far it came.
func (p *epson) switchOn(ctx context.Context) error {
	if last := p.last.Load(); !p.tryASB.Load() || last == nil || last.Err() != nil {
		return nil
	}
	if !p.takeSoon(ctx) {
		return nil
	}
	defer p.give()
	if p.torn {
		return nil
	}
	p.tryASB.Store(false)
	err := p.send(ctx, gsAuto)
	p.toldSelf = false
	if err == nil {
		err = p.pump(ctx, answerWait, func() bool { return p.toldSelf })
	}
	switch {
	case err == nil:
		p.tells.Store(true)
		return nil
	case broken(err):
		return err
	default:
		return p.send(ctx, append(append([]byte{}, gsAutoOff...), escInit...))
	}
}

// overhear listens until somebody wants to talk to the printer, or until it is time to ask: one that was switched off says
// nothing.
func (p *epson) overhear(ctx context.Context, tell func(Status)) error {
	if !p.takeSoon(ctx) {
		return nil
	}
	defer p.give()
	if p.waiting.Load() > 0 { // who waits from here on tells it by wanted
		return nil
	}
	listening, stop := context.WithTimeout(ctx, checkEvery)
	defer stop()
	var ear sync.WaitGroup
	ear.Go(func() {
		select {
		case <-p.wanted:
			stop()
		case <-listening.Done():
		}
	})
	defer ear.Wait()
	defer stop()
	for {
		p.toldSelf = false
		err := p.pump(listening, checkEvery, func() bool { return p.toldSelf })
		switch {
		case broken(err):
			return err
		case err != nil && listening.Err() != nil:
			return nil
		case err == nil:
			tell(*p.last.Load())
		}
	}
}

// takeSoon takes the turn, unless somebody prints for long: what is heard meanwhile is to be told.
func (p *epson) takeSoon(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	return p.take(ctx) == nil
}

// take waits for the turn to talk to the printer. Who only listens gives it up.
func (p *epson) take(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	default:
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	select {
	case p.wanted <- struct{}{}:
	default: // somebody has asked already
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *epson) give() { <-p.turn }

// fresh is ESC @, which ends that the printer tells by itself: that is switched on again.
func (p *epson) fresh() []byte {
	if p.tells.Load() {
		return append(append([]byte{}, escInit...), gsAuto...)
	}
	return escInit
}
