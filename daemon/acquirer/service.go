package acquirer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/iso8583"
)

// signOffLimit is how long a program that ends waits for the answer to its sign-off.
const signOffLimit = 3 * time.Second

// Run tries a quiet line with an echo until ctx ends, so that a host that is gone is known before a customer stands at
// the till. It is one goroutine's; without EchoEvery, or a dialect without an echo, it only waits.
func (a *Acquirer) Run(ctx context.Context) {
	if a.o.EchoEvery <= 0 || !a.o.Dialect.HasTransaction(echoName) {
		<-ctx.Done()
		return
	}
	for {
		timer := time.NewTimer(a.o.EchoEvery - a.quiet())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if a.quiet() >= a.o.EchoEvery {
			a.echo(ctx)
			a.spoke()
		}
	}
}

// quiet is how long ago the last exchange ended.
func (a *Acquirer) quiet() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.spoken)
}

func (a *Acquirer) spoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spoken = time.Now()
}

// echo asks whether the host is there, if nobody else talks to it. Without its word nothing is lost but readiness: the
// next Ready signs on, which proves the line. A payment does not wait for it.
func (a *Acquirer) echo(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !a.isSignedOn() || !a.takeIdle(cancel) {
		return
	}
	defer a.giveIdle(ctx)
	m, err := a.service(ctx, echoName)
	if err != nil {
		if ctx.Err() == nil {
			a.o.Log.Warn("an echo could not be made", "err", err) // which says nothing of the host
		}
		return
	}
	err = a.serve(ctx, m)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errNotRecorded):
		a.o.Log.Warn("an echo could not be recorded", "err", err)
	default:
		a.setSignedOn(false)
		a.o.Log.Warn("host does not answer an echo", "err", err)
	}
}

// takeIdle takes the turn if nobody has it or waits for it. Whoever wants it later calls yield.
func (a *Acquirer) takeIdle(yield func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting > 0 {
		return false
	}
	select {
	case <-a.turn:
		a.yield = yield
		return true
	default:
		return false
	}
}

func (a *Acquirer) giveIdle(ctx context.Context) {
	a.mu.Lock()
	a.yield = nil
	a.mu.Unlock()
	a.give(ctx)
}

// SignOff tells the host that the terminal leaves, where the options and the dialect have it so and the terminal is
// signed on. It is for the end of the program: it waits for a moment only, and whether it arrives changes nothing.
func (a *Acquirer) SignOff(ctx context.Context) {
	if !a.o.SignOff || !a.isSignedOn() || !a.o.Dialect.HasTransaction(signOffName) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, signOffLimit)
	defer cancel()
	if p := a.take(ctx); p != nil {
		return
	}
	defer a.give(ctx)
	a.setSignedOn(false)
	m, err := a.service(ctx, signOffName)
	if err == nil {
		err = a.serve(ctx, m)
	}
	if err != nil {
		a.o.Log.Warn("sign-off without a good answer", "err", err)
		return
	}
	a.o.Log.Info("signed off")
}

// errNotRecorded is of a service message that was sent, and that the journal did not take.
var errNotRecorded = errors.New("messages could not be recorded")

// serve sends a message that is no attempt, records it, and tells what is wrong with its answer. Whatever code it has,
// an answer shows that the host is there. The caller has the turn.
func (a *Acquirer) serve(ctx context.Context, m *iso8583.Message) error {
	defer m.Wipe()
	x := a.exchange(ctx, m, a.o.ReverseTimeOut)
	defer x.wipe()
	if err := a.o.Scribe.Record(context.WithoutCancel(ctx), a.o.Terminal, x.messages...); err != nil {
		return fmt.Errorf("%w: %w", errNotRecorded, err)
	}
	if x.reply == nil {
		return x.err
	}
	if wrong(x.mac) {
		return fmt.Errorf("the answer's MAC: %w", x.mac)
	}
	if fields := a.strange(m, x.reply); len(fields) > 0 {
		return fmt.Errorf("the answer is not about this request: fields %v differ", fields)
	}
	if a.o.Dialect.Action(a.o.Dialect.Role(x.reply, "code")).Action == iso8583.ActionSignOn {
		a.setSignedOn(false)
	}
	return nil
}
