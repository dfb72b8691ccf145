//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"posd/hwtest/walletsim"
)

// round is one kill and what comes of it: customers buy, posd is killed, started again in a calm world, the customers ask
// for what they were not told, and at rest the books are held against each other.
type round struct {
	h    *harness
	s    *shop
	rng  *rand.Rand
	name string // of what is killed, for the messages

	faults    faults
	customers []*customer
	then      func(context.Context) error // after the customers; nil: nothing
}

// sales numbers the sales of this process; their amounts follow, so that no two are equal.
var sales struct {
	mu sync.Mutex
	n  int
}

// customer makes one who pays by a rail.
func (r *round) customer(rail string) *customer {
	sales.mu.Lock()
	sales.n++
	n := sales.n
	sales.mu.Unlock()
	wallets := []string{walletsim.AlipayName, walletsim.WeChatName}
	c := &customer{
		s: r.s, sale: fmt.Sprintf("K-%d", n), amount: int64(1000 + n), rail: rail, card: n, wallet: wallets[r.rng.IntN(2)], acks: true,
		codes: map[string]string{}, final: map[string]said{},
	}
	r.customers = append(r.customers, c)
	return c
}

// anybody makes a customer of any kind, with what goes wrong.
func (r *round) anybody() {
	c := r.customer([]string{"card", "card", "card", "pre-auth", "wallet", "wallet", "wallet", "any"}[r.rng.IntN(8)])
	c.other = []string{"", "card", "wallet"}[r.rng.IntN(3)]
	c.after = []string{"", "", "void", "refund", "part"}[r.rng.IntN(5)]
	if c.rail == "pre-auth" {
		c.after = []string{"", "void", "completion", "completion"}[r.rng.IntN(4)]
	}
	c.acks, c.twice, c.insist = r.rng.IntN(2) == 0, r.rng.IntN(3) == 0, r.rng.IntN(4) == 0
	r.faults.draw(r.rng, c)
}

// random kills posd at moments that nobody has chosen, and sometimes again while it recovers.
func (r *round) random(ctx context.Context) error {
	for range 3 + r.rng.IntN(3) {
		r.anybody()
	}
	if r.rng.IntN(4) == 0 {
		r.then = func(ctx context.Context) error {
			_, err := r.s.till.closeBatch(ctx, wait)
			return err
		}
	}
	if r.s.started == 0 { // the journal is to be made
		if err := r.nipped(ctx, 3, 100*time.Millisecond); err != nil {
			return err
		}
	}
	for range 1 + r.rng.IntN(3) { // the customers go on, among the same faults
		if err := r.begin(ctx); err != nil {
			return err
		}
		after := time.Duration(r.rng.IntN(1500)) * time.Millisecond
		if err := r.killed(ctx, after); err != nil {
			return err
		}
		if err := r.nipped(ctx, r.rng.IntN(3), 600*time.Millisecond); err != nil { // while it recovers, or just after
			return err
		}
	}
	return r.end(ctx)
}

// nipped starts posd and kills it within a moment, so many times.
func (r *round) nipped(ctx context.Context, times int, moment time.Duration) error {
	for range times {
		if err := r.s.launchPosd(ctx); err != nil {
			return err
		}
		pause(ctx, time.Duration(r.rng.Int64N(int64(moment))))
		r.s.kill()
		r.h.count(&r.h.random)
	}
	return nil
}

// begin starts posd among the faults of the round.
func (r *round) begin(ctx context.Context, env ...string) error {
	if err := r.faults.set(ctx, r.s); err != nil {
		return err
	}
	return r.s.start(ctx, env...)
}

// killed lets the customers buy and kills posd after a while.
func (r *round) killed(ctx context.Context, after time.Duration) error {
	buying, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan error, 1)
	go func() { over <- r.play(buying) }()
	pause(ctx, after)
	r.s.kill()
	r.h.count(&r.h.random)
	stop()
	err := <-over
	r.h.interrupted(r.customers)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil // that posd did not answer any more is what it was killed for
}

// play lets all customers buy at once, and does what comes then. Its errors are mostly those of a posd that is gone.
func (r *round) play(ctx context.Context) error {
	errs := make([]error, len(r.customers))
	var buying sync.WaitGroup
	for i, c := range r.customers {
		buying.Go(func() { errs[i] = c.buy(ctx) })
	}
	buying.Wait()
	if err := errors.Join(errs...); err != nil || r.then == nil {
		return err
	}
	return r.then(ctx)
}

// end starts posd in a calm world, lets the customers have what they are owed, and checks everything.
func (r *round) end(ctx context.Context) error {
	if err := r.s.calm(ctx); err != nil {
		return err
	}
	if err := r.s.start(ctx); err != nil {
		return err
	}
	if err := r.s.attended(ctx, r.play); err != nil {
		return err
	}
	if err := r.s.rest(ctx); err != nil {
		return err
	}
	for _, c := range r.customers {
		if !c.done {
			return fmt.Errorf("the till gave up %s: %+v", c.sale, c.final)
		}
		if err := r.h.served(c); err != nil {
			return err
		}
		if err := c.repeat(ctx); err != nil {
			return err
		}
	}
	if r.rng.IntN(2) == 0 {
		r.s.kill() // at rest; it is not counted
	} else if err := r.s.stop(); err != nil {
		return err
	}
	broken, err := r.s.check(ctx)
	r.h.found(r, broken)
	return err
}

// attended does something with a supervisor beside it, who settles what is stuck.
func (s *shop) attended(ctx context.Context, do func(context.Context) error) error {
	over := make(chan error, 1)
	go func() { over <- do(ctx) }()
	for {
		select {
		case err := <-over:
			return err
		case <-time.After(100 * time.Millisecond):
		}
		if owed, err := s.supervisor.get(ctx, "/v1/owed"); err == nil {
			_ = s.settleStuck(ctx, owed.Stuck) // what it could not settle now it settles at rest, or it is said there
		}
	}
}
