package payment

import (
	"context"
	"testing"
	"time"
)

// recalling is a card whose later messages need what was sealed with their original.
type recalling struct {
	*settlingCard
	shown string // the card that is shown again
	after time.Duration
}

// cardInput is a card by its masked number.
type cardInput string

func (cardInput) Hash([]byte) (sum [32]byte, ok bool) { return sum, false }
func (cardInput) Wipe()                               {}

func (*recalling) CardAgain(r Request) bool { return len(r.Original.Sealed) == 0 }

func (c *recalling) Collect(ctx context.Context, r Request) (Input, error) {
	if !r.CardAgain {
		return c.settlingCard.Collect(ctx, r)
	}
	select {
	case <-time.After(c.after):
		return cardInput(c.shown), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *recalling) Plan(r Request, in Input, n Numbers) (Plan, error) {
	p, err := c.settlingCard.Plan(r, in, n)
	p.Instrument = "411111******1111"
	if shown, ok := in.(cardInput); ok {
		p.Instrument = string(shown)
	}
	return p, err
}

func withRecalling(t *testing.T, rules Rules, test func(b *bench, c *recalling), answers ...Answer) {
	t.Helper()
	c := &recalling{settlingCard: newSettlingCard(answers...), shown: "411111******1111", after: time.Second}
	c.plan = Plan{Sealed: []byte("4111111111111111")}
	withTenders(t, c, nil, rules, func(b *bench) { test(b, c) })
}

func TestAfterTheCloseTheCustomerShowsTheCardAgain(t *testing.T) {
	withRecalling(t, Rules{}, func(b *bench, c *recalling) {
		b.open("s", 1000)
		b.open("p", 500)
		b.said(request("s", "a", RailCard), SaidApproved)
		if a := b.said(naming("s", "r1", KindRefund, "a", 100), SaidApproved); a.CardAgain {
			t.Error("the card is wanted although its data is there")
		}
		b.said(preAuth("p", "p"), SaidApproved)
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		waits, err := b.desk.Pay(b.ctx, naming("s", "r2", KindRefund, "a", 200))
		if err != nil || waits.State != Created || !waits.CardAgain {
			t.Errorf("the refund is %+v (%v), want it to wait for the card", waits, err)
		}
		_, err = b.desk.Pay(b.ctx, naming("s", "r3", KindRefund, "a", 800))
		b.refused(err, "sale_locked")
		b.said(naming("s", "r2", KindRefund, "a", 200), SaidApproved)
		b.said(naming("p", "c", KindCompletion, "p", 0), SaidApproved)
		c.shown = "622848******0007"
		if a := b.said(naming("s", "r4", KindRefund, "a", 0), SaidNotPaid); a.Code != "other_card" {
			t.Errorf("another card is told %q", a.Code)
		}
		b.holds(700)
	}, yes(1000), yes(100), yes(500), yes(200), yes(500))
}

func TestWhatWasBegunWithACardShownAgainEndsWithARestart(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		c := &recalling{settlingCard: newSettlingCard(yes(1000)), after: time.Hour}
		d, stop := start(c, nil)
		if _, err := d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Pay(ctx, request("s", "a", RailCard)); err != nil {
			t.Fatal(err)
		}
		a, _ := d.Wait(ctx, Key{"till", "s", "a"}, time.Minute)
		if r, err := d.Pay(ctx, Request{Key: Key{"till", "s", "r"}, Kind: KindRefund, Original: &a}); err != nil || r.State != Created {
			t.Errorf("the refund is %+v (%v)", r, err)
		}
		stop()
		d, stop = start(c, nil)
		defer stop()
		if r, err := d.Attempt(ctx, Key{"till", "s", "r"}); err != nil || r.State != Cancelled {
			t.Errorf("after the restart it is %s (%v)", r.State, err)
		}
	})
}

func TestAVoidThatWaitsForTheCardIsNotSentOnceItsBatchIsClosed(t *testing.T) {
	withRecalling(t, Rules{}, func(b *bench, c *recalling) {
		c.plan.Sealed, c.after = nil, time.Minute // its key was lost, say
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.Pay(b.ctx, naming("s", "v", KindVoid, "a", 0)); err != nil {
			t.Fatal(err)
		}
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		if a := b.said(naming("s", "v", KindVoid, "a", 0), SaidNotPaid); a.Code != "batch_closed" {
			t.Errorf("the void is told %q", a.Code)
		}
		b.holds(1000)
	}, yes(1000))
}
