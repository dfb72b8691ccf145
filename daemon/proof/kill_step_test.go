//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// place is a named step: where posd kills itself, and what the customers do to bring it there.
type place struct {
	name  string
	step  string       // as daemon/step reads it
	scene func(*round) // its customers, and what goes wrong
	first string       // a step at which posd is killed before, so that the one after recovers; empty for none
}

// named kills posd at a place. The scene is played until posd gets there, a few times at most.
func (r *round) named(ctx context.Context, p place) error {
	step := p.step
	if p.first != "" {
		step = p.first
	}
	p.scene(r)
	// A slip of the round before may bring posd to its step while it starts: that is a kill at the step too.
	if err := r.begin(ctx, stepVariable+"="+step); err != nil && !errors.Is(err, errEnded) {
		return err
	}
	for try := 0; try < sceneTries && r.s.posd.running(); try++ {
		if err := r.play(ctx); err != nil && ctx.Err() != nil {
			return err
		}
		if gone(ctx, r.s.posd, afterScene) {
			break
		}
		p.scene(r)
		if err := r.faults.set(ctx, r.s); err != nil {
			return err
		}
	}
	if err := r.died(p.name); err != nil {
		return err
	}
	r.h.interrupted(r.customers)
	if p.first != "" {
		if err := r.recovering(ctx, p); err != nil {
			return err
		}
	}
	r.h.hit(p.name)
	return r.end(ctx)
}

const (
	stepVariable = "POSD_STEP"
	sceneTries   = 6
	afterScene   = 2 * time.Second // for what posd does when the customers have gone: slips, journaling what it said
	recoverLimit = 20 * time.Second
)

// recovering starts posd once more, to be killed while it recovers.
func (r *round) recovering(ctx context.Context, p place) error {
	r.h.count(&r.h.before)
	if err := r.s.launchPosd(ctx, stepVariable+"="+p.step); err != nil {
		return err
	}
	gone(ctx, r.s.posd, recoverLimit)
	return r.died(p.name)
}

// gone waits for the end of a process, for so long.
func gone(ctx context.Context, p *process, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// died tells whether posd has killed itself.
func (r *round) died(name string) error {
	switch {
	case r.s.posd.running():
		return fmt.Errorf("posd never came to the step %q", name)
	case !r.s.posd.killed():
		return fmt.Errorf("posd ended with %s before the step %q\n%s", r.s.posd.cmd.ProcessState, name, r.s.posd.tail())
	}
	return nil
}

// The scenes.

func cardSale(r *round) { r.customer("card") }

// onCard is a card sale with something that the host does wrong.
func onCard(rules ...hostsim.Rule) func(*round) {
	return func(r *round) {
		c := r.customer("card")
		for _, rule := range rules {
			rule.Amount, rule.Times = c.amount, 1
			r.faults.host = append(r.faults.host, rule)
		}
	}
}

func thenCard(after string) func(*round) {
	return func(r *round) { r.customer("card").after = after }
}

// completed is a pre-auth and its completion.
func completed(r *round) { r.customer("pre-auth").after = "completion" }

func walletSale(r *round) { r.customer("wallet") }

// onWallet is a wallet sale with something that the gateway does wrong.
func onWallet(rules ...walletsim.Rule) func(*round) {
	return func(r *round) {
		c := r.customer("wallet")
		for _, rule := range rules {
			rule.Amount = c.amount
			r.faults.wallet = append(r.faults.wallet, rule)
		}
	}
}

func thenWallet(after string) func(*round) {
	return func(r *round) { r.customer("wallet").after = after }
}

// closing is a card sale, a void, and the close of their batch; unbalanced makes the host ask for every item.
func closing(unbalanced bool) func(*round) {
	return func(r *round) {
		r.customer("card")
		r.customer("card").after = "void"
		if unbalanced {
			r.faults.host = append(r.faults.host, hostsim.Rule{Kind: hostsim.KindSettlement, Do: hostsim.Unbalanced})
		}
		r.then = func(ctx context.Context) error {
			b, err := r.s.till.closeBatch(ctx, wait)
			if err == nil && b.refused() && b.Code != "batch_empty" {
				err = fmt.Errorf("batch is not closed: %s", b.Raw)
			}
			return err
		}
	}
}

// twicePaid is the card whose reversal is refused, a supervisor who lets the wallet pay, and one who settles the card.
func twicePaid(r *round) {
	c := r.customer("card")
	c.other, c.insist = "wallet", true
	r.faults.host = append(r.faults.host,
		hostsim.Rule{Kind: hostsim.KindSale, Amount: c.amount, Do: hostsim.CommitSilent},
		hostsim.Rule{Kind: hostsim.KindReversal, Amount: c.amount, Do: hostsim.ReverseCode, Code: "01"})
	r.then = func(ctx context.Context) error {
		owed, err := r.s.supervisor.get(ctx, "/v1/owed")
		if err != nil {
			return err
		}
		return errors.Join(r.s.settleStuck(ctx, owed.Stuck), r.s.rest(ctx))
	}
}

var (
	lost        = hostsim.Rule{Kind: hostsim.KindSale, Do: hostsim.CommitSilent}
	refused     = hostsim.Rule{Kind: hostsim.KindReversal, Do: hostsim.ReverseCode, Code: "01"}
	unreversed  = hostsim.Rule{Kind: hostsim.KindReversal, Do: hostsim.Close}
	declined    = hostsim.Rule{Kind: hostsim.KindSale, Do: hostsim.Decline, Code: "51"}
	dropped     = walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Reset, Commit: true}
	typing      = walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.UserPaying, Waits: -1}
	unanswered  = walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.Unavailable, Times: 20}
	cardLost    = onCard(lost)
	cardRefused = onCard(lost, refused)
	walletLost  = onWallet(dropped)
	walletGone  = onWallet(dropped, unanswered) // paid, and nobody says so: cancelled at the deadline
	walletWaits = onWallet(typing)
)
