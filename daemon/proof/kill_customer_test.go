//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"slices"
	"time"

	"posd/daemon/payment"
)

// customer is one purchase at the till, which does not let go of it: whatever was not answered is asked for again under
// the same ids, over every restart of posd, until it is decided. Its fields belong to one goroutine at a time.
type customer struct {
	s      *shop
	sale   string
	amount int64  // no other sale of the shop has it, so that faults can be meant for this one
	rail   string // card, wallet or any; pre-auth is a card whose money is only reserved
	card   int    // of the test cards
	wallet string // whose code is shown
	other  string // the rail of a second attempt when the first was not paid; empty for none
	after  string // void, refund, part (a refund of one) or completion of what was paid; empty for nothing
	acks   bool
	twice  bool // the till asks twice at once
	insist bool // a supervisor lets the second attempt pass whatever the first may have done

	codes map[string]string // shown for each attempt: a repeat sends the same
	final map[string]said   // what is decided, by attempt
	done  bool
}

// passing are refusals that end by themselves.
var passing = []string{
	"not_ready", "blocked", "stopping", "busy", "device_offline", "acquirer_offline", "acquirer_not_ready", "acquirer_busy",
	"sign_on_refused", "wallet_offline", "wallet_suspect", "reversal_pending", "batch_closing", "sale_locked", "sale_needs_attention",
}

// giveUpAfter is how often a till asks again before it takes a refusal for an answer.
const giveUpAfter = 60

// buy goes on with the purchase. An error means that posd did not answer, or ctx is over.
func (c *customer) buy(ctx context.Context) error {
	if c.done {
		return nil
	}
	a, err := c.insistently(ctx, func() (said, error) { return c.s.till.openSale(ctx, c.sale, c.amount) })
	if err != nil || a.refused() {
		return err
	}
	paid, err := c.pay(ctx, "a", c.rail)
	if err != nil {
		return err
	}
	id := "a"
	if paid.State != payment.SaidApproved && c.other != "" {
		id = "b"
		if paid, err = c.pay(ctx, "b", c.other); err != nil {
			return err
		}
	}
	if paid.State == payment.SaidApproved {
		if err := c.goOn(ctx, id); err != nil {
			return err
		}
	}
	c.done = true
	return nil
}

// goOn is what comes after a payment.
func (c *customer) goOn(ctx context.Context, id string) error {
	if c.acks {
		if _, err := c.insistently(ctx, func() (said, error) { return c.s.till.ack(ctx, c.sale) }); err != nil {
			return err
		}
	}
	if c.after == "" {
		return nil
	}
	body := undo(c.after, id)
	if c.after == "part" {
		body["kind"], body["amount"] = "refund", c.amount/3
	}
	_, err := c.decided(ctx, "u", func() (said, error) { return c.s.till.begin(ctx, c.sale, "u", body, wait) })
	return err
}

// pay is one attempt on a rail, until it is decided.
func (c *customer) pay(ctx context.Context, id, rail string) (said, error) {
	return c.decided(ctx, id, func() (said, error) {
		switch rail {
		case "card":
			return c.s.payByCard(ctx, c.sale, id, c.card)
		case "pre-auth":
			return c.s.preAuthorise(ctx, c.sale, id, c.card)
		}
		code, err := c.code(ctx, id)
		if err != nil {
			return said{}, err
		}
		if rail == "any" {
			return c.s.payByAny(ctx, c.sale, id, code)
		}
		return c.payByCode(ctx, id, code)
	})
}

// payByCode pays by wallet; a till that is in doubt asks twice at once, and one answer is as good as the other.
func (c *customer) payByCode(ctx context.Context, id, code string) (said, error) {
	body, caller := payWith(code), c.s.till
	if c.insist && id == "b" {
		body["override"], caller = map[string]any{"by": "supervisor", "reason": "the customer cannot wait"}, c.s.supervisor
	}
	second := make(chan struct{})
	go func() {
		defer close(second)
		if c.twice {
			_, _ = caller.begin(ctx, c.sale, id, body, wait) // the till's book has what it was told
		}
	}()
	a, err := caller.begin(ctx, c.sale, id, body, wait)
	<-second
	return a, err
}

// code is what the customer's phone shows for an attempt.
func (c *customer) code(ctx context.Context, id string) (code string, err error) {
	if code, shown := c.codes[id]; shown {
		return code, nil
	}
	if code, err = c.s.code(ctx, c.wallet); err == nil {
		c.codes[id] = code
	}
	return code, err
}

// decided asks until an attempt is decided, or refused for good.
func (c *customer) decided(ctx context.Context, id string, do func() (said, error)) (a said, err error) {
	if a, known := c.final[id]; known {
		return a, nil
	}
	for {
		if a, err = c.insistently(ctx, do); err != nil {
			return a, err
		}
		if a.refused() || !a.undecided() {
			c.final[id] = a
			return a, nil
		}
		if !pause(ctx, lookEvery) {
			return a, ctx.Err()
		}
	}
}

// insistently asks again while posd refuses for a reason that passes.
func (c *customer) insistently(ctx context.Context, do func() (said, error)) (a said, err error) {
	for range giveUpAfter {
		a, err = do()
		if err != nil || !a.refused() || !slices.Contains(passing, a.Code) {
			return a, err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return a, ctx.Err()
		}
	}
	return a, nil
}

// repeat asks for every decided attempt once more, as a till does that has lost its own book. The checks hold the answers
// against those of before.
func (c *customer) repeat(ctx context.Context) error {
	for id, before := range c.final {
		if before.refused() {
			continue
		}
		body := map[string]any{"rail": before.Rail, "kind": before.Kind}
		switch id {
		case "a":
			if c.rail != "pre-auth" { // else it is the card's
				body["rail"] = c.rail
			}
		case "b":
			body["rail"] = c.other
		default:
			body = undo(before.Kind, before.Original)
			if c.after == "part" {
				body["amount"] = c.amount / 3
			}
		}
		a, err := c.s.till.begin(ctx, c.sale, id, body, wait)
		if err != nil {
			return err
		}
		if a.refused() || a.ShortID != before.ShortID || a.Numbers != before.Numbers {
			return fmt.Errorf("I4: the repeat of %s/%s is answered %s, and was answered %s", c.sale, id, a.Raw, before.Raw)
		}
	}
	return nil
}

// pause waits and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
