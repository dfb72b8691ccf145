package payment

import (
	"context"
	"sync"
	"testing"
	"time"
)

// planning notes for which amounts messages were made; each exchange takes a while.
type planning struct {
	*script
	takes time.Duration

	mu      sync.Mutex
	planned map[string]Cents // by attempt; guarded by mu
}

func newPlanning(takes time.Duration, undos ...Undo) *planning {
	return &planning{script: &script{pol: cardPolicy, undos: undos}, takes: takes, planned: map[string]Cents{}}
}

func (p *planning) Plan(r Request, in Input, n Numbers) (Plan, error) {
	p.mu.Lock()
	p.planned[r.Key.Attempt] = r.Amount
	p.mu.Unlock()
	return p.script.Plan(r, in, n)
}

func (p *planning) Authorize(_ context.Context, a Attempt, _ Input) Answer {
	time.Sleep(p.takes)
	p.note("authorize", a)
	return yes(a.Amount)
}

func TestTheMessageSaysTheAmountThatIsJournaled(t *testing.T) {
	card := newPlanning(30 * time.Second)
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() { _, _ = b.pay(request("x", "a", RailCard)) }) // has the terminal for a while
		time.Sleep(time.Second)
		all.Go(func() { _, _ = b.pay(undoing("r", KindRefund, a, 300)) })
		time.Sleep(time.Second)
		_, err := b.desk.Refund(b.ctx, a.Key, Order{By: "chief", Reason: "the bill has it"}) // of all that is left, 1000 by now
		b.refused(err, "amount_differs")
		refund, err := b.desk.Refund(b.ctx, a.Key, Order{By: "chief", Reason: "the bill has it"})
		if err != nil || refund.Amount != 700 || card.planned[refund.Attempt] != 700 {
			t.Errorf("ordered again: journaled with %d, its message says %d (%v)", refund.Amount, card.planned[refund.Attempt], err)
		}
	})
}

func TestACancelWhileTheTerminalIsBusySendsNothing(t *testing.T) {
	card := newPlanning(30*time.Second, Undo{Outcome: Confirmed})
	card.collect = func(_ context.Context, r Request) (Input, error) {
		if r.Key.Sale == "s" {
			time.Sleep(2 * time.Second)
		}
		return &simInput{}, nil
	}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		for _, sale := range []string{"s", "x"} { // that of x has the terminal for 30 s
			if _, err := b.desk.Pay(b.ctx, request(sale, "a", RailCard)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		if _, err := b.desk.Cancel(b.ctx, Key{"till", "s", "a"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		b.stands("a", Cancelled)
		if want := "[authorize a]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s, of sale x", card.calls(), want)
		}
	})
}

func TestARepeatWithOtherContentsDoesNotGoOnCollecting(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	card.collect = shownAfterAMinute
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if _, err := b.desk.Pay(b.ctx, request("s", "a", RailCard)); err != nil {
			t.Fatal(err)
		}
		ctx, hangUp := context.WithCancel(b.ctx)
		go hangUp()
		_, _ = b.desk.Wait(ctx, Key{"till", "s", "a"}, time.Hour)
		time.Sleep(time.Second)
		_, err := b.desk.Pay(b.ctx, request("s", "a", RailAny))
		b.refused(err, "attempt_differs")
		time.Sleep(2 * time.Minute)
		b.stands("a", Cancelled) // nobody waits for it
	})
}

func TestWherePreAuthsHoldAllThatIsLeftNothingIsPaid(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(400), yes(600)}}
	purse := &script{pol: walletPolicy}
	withTenders(t, card, purse, Rules{AcceptPartial: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved)
		b.said(request("s", "c", RailCard), SaidApproved)
		_, err := b.pay(insist("w", RailWallet))
		b.refused(err, "sale_reserved")
	})
}

func TestWhatWasNeverApprovedIsNotAcknowledgedTooLate(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(600)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidReversed) // a part is not taken here
		if _, err := b.desk.Ack(b.ctx, "till", "s"); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsGivenBackIsNoUnacknowledgedTwin(t *testing.T) {
	card := &script{pol: cardPolicy}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		card.answers = []Answer{yes(500), yes(1000), yes(1000)}
		b.open("first", 500)
		b.said(request("first", "a", RailCard), SaidApproved)
		b.ack("first") // a till that acknowledges
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		b.said(undoing("r", KindRefund, a, 0), SaidApproved)
		if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "next", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Error(err)
		}
	})
}

// timed notes when it was asked for refunds.
type timed struct {
	*script
	at []time.Time
}

func (d *timed) Authorize(ctx context.Context, a Attempt, in Input) Answer {
	if a.Kind == KindRefund {
		d.at = append(d.at, time.Now())
	}
	return d.script.Authorize(ctx, a, in)
}

func TestADoubtedRefusalOfARefundIsAskedAgainOnlyWhenNoCopyCanBeUnderWay(t *testing.T) {
	no := Answer{Outcome: Declined, Code: "05"}
	for _, inFlight := range []time.Duration{2 * time.Minute, 30 * time.Minute} {
		for _, acks := range []bool{false, true} {
			pol := cardPolicy
			pol.InFlightMax = inFlight
			card := &timed{script: &script{pol: pol, answers: []Answer{yes(1000), {}, no, no}}}
			withTenders(t, card, nil, Rules{}, func(b *bench) {
				b.open("s", 1000)
				a := b.said(request("s", "a", RailCard), SaidApproved)
				if _, err := b.desk.Pay(b.ctx, undoing("r", KindRefund, a, 0)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second) // no answer, and then a no that is not believed yet
				if acks {
					b.ack("s")
				}
				time.Sleep(2 * time.Hour)
				if len(card.at) != 3 || card.at[2].Sub(card.at[1]) < inFlight {
					t.Errorf("in flight for %v, ack %v: asked at %v", inFlight, acks, card.at)
				}
				b.stands("r", DeclinedState)
			})
		}
	}
}
