package payment

import (
	"context"
	"errors"
	"testing"
	"time"
)

// settle is a supervisor's word.
func (b *bench) settle(attempt, as string) {
	b.t.Helper()
	_, err := b.desk.Settle(b.ctx, Key{"till", "s", attempt}, Settlement{As: as, By: "chief", Reason: "the other side says so"})
	if err != nil {
		b.t.Fatal(err)
	}
	time.Sleep(5 * time.Minute)
}

// insist is a request that a supervisor lets through.
func insist(attempt string, rail Rail) Request {
	r := request("s", attempt, rail)
	r.Override = &Override{By: "chief", Reason: "customer in a hurry"}
	if rail == RailWallet {
		r.Code = NewSecret([]byte("28123456789012" + attempt))
	}
	return r
}

// holds is what the sale has captured, and that no pair is left.
func (b *bench) holds(want Cents) {
	b.t.Helper()
	s, err := b.desk.Sale(b.ctx, "till", "s")
	if err != nil || s.Net() != want {
		b.t.Errorf("the sale holds %d (%v), want %d", s.Net(), err, want)
	}
	if o, err := b.desk.Owed(b.ctx, ""); err != nil || len(o.Pairs) != 0 {
		b.t.Errorf("pairs left: %+v %v", o.Pairs, err)
	}
}

func TestAnOverrideIsAPairWithEveryAttemptThatMayBePaid(t *testing.T) {
	refused := Undo{Outcome: Refused, Code: "01"}
	for _, c := range []struct{ first, second string }{{"not-paid", "paid"}, {"paid", "not-paid"}, {"paid", "paid"}} {
		t.Run(c.first+" "+c.second, func(t *testing.T) {
			card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{refused}}
			purse := &script{
				pol: walletPolicy, undos: []Undo{refused},
				answers: []Answer{{Hopeless: true}, yes(1000), yes(1000), yes(1000)},
			}
			withDesk(t, card, purse, Rules{}, func(b *bench) {
				b.open("s", 1000)
				b.said(request("s", "a", RailCard), SaidNeedsAttention)
				b.said(insist("b", RailWallet), SaidNeedsAttention)
				a := b.said(insist("c", RailWallet), SaidApproved)
				if err := b.desk.Told(b.ctx, a); err != nil {
					t.Fatal(err)
				}
				time.Sleep(cardPolicy.InFlightMax)
				b.settle("a", c.first)
				b.settle("b", c.second)
				b.holds(1000)
			})
		})
	}
}

func TestAPartlyPaidAttemptOfAPairIsGivenBackToo(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused}}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(600), yes(600)}}
	withDesk(t, card, purse, Rules{AcceptPartial: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.said(insist("b", RailWallet), SaidApproved)
		b.settle("a", "paid")
		b.holds(1000)
	})
}

func TestThreeThatPaidInPartsKeepTheSaleAndNoMore(t *testing.T) {
	for _, c := range []struct {
		held  Cents
		backs []Answer
	}{
		{1000, []Answer{yes(500), yes(500)}},
		{500, []Answer{yes(500)}},
	} {
		card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused}}}
		purse := &script{pol: walletPolicy, answers: append([]Answer{yes(500), yes(500)}, c.backs...)}
		withDesk(t, card, purse, Rules{AcceptPartial: true}, func(b *bench) {
			b.open("s", 1000)
			b.said(request("s", "a", RailCard), SaidNeedsAttention)
			b.said(insist("b", RailWallet), SaidApproved)
			b.said(insist("c", RailWallet), SaidApproved)
			v := Settlement{As: "paid", By: "chief", Reason: "the acquirer says so", Amount: c.held}
			if _, err := b.desk.Settle(b.ctx, Key{"till", "s", "a"}, v); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			b.holds(1000)
		})
	}
}

func TestAPartThatWasNotWantedCountsAsThePartWhenItIsSettledAsPaid(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(600)}, undos: []Undo{{Outcome: Refused}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.settle("a", "paid")
		b.holds(600)
	})
}

func TestWhatIsSettledAsPaidWhileTheCustomerIsAwaitedIsNotPaidAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}, undos: []Undo{{Outcome: Refused}}}
	swipes := 0
	card.collect = func(context.Context, Request) (Input, error) {
		if swipes++; swipes > 1 {
			time.Sleep(time.Minute)
		}
		return &simInput{}, nil
	}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		if _, err := b.desk.Pay(b.ctx, insist("b", RailCard)); err != nil {
			t.Fatal(err)
		}
		b.settle("a", "paid")
		if a := b.said(insist("b", RailCard), SaidNotPaid); a.Code != "sale_paid" {
			t.Errorf("it says %q", a.Code)
		}
		b.holds(1000)
	})
}

func TestARefundOfAPairThatWasNotSentIsBegunAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused}}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), {Outcome: NotSent}, {Outcome: NotSent}, yes(1000)}}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.said(insist("b", RailWallet), SaidApproved)
		b.settle("a", "paid")
		b.holds(1000)
		if want := "[authorize b authorize undo-b authorize undo-b.2 authorize undo-b.3]"; purse.calls() != want || card.calls() != "[authorize a reverse a]" {
			t.Errorf("the wallet was asked %s, want %s; the card %s", purse.calls(), want, card.calls())
		}
	})
}

// noRefund is a wallet that cannot make a refund.
type noRefund struct{ *script }

func (n noRefund) Plan(r Request, in Input, num Numbers) (Plan, error) {
	if r.Kind == KindRefund {
		return Plan{}, errors.New("its data is gone")
	}
	return n.script.Plan(r, in, num)
}

func TestWhenARefundOfAPairCannotBeMadeTheOtherIsGivenBack(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}, undos: []Undo{{Outcome: Refused}}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
	withTenders(t, card, noRefund{purse}, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.said(insist("b", RailWallet), SaidApproved)
		b.settle("a", "paid")
		b.holds(1000)
		if want := "[authorize a reverse a authorize undo-a]"; card.calls() != want {
			t.Errorf("the card was asked %s, want %s", card.calls(), want)
		}
	})
}

func TestTheSecondOfTwoVerdictsHearsThatItCameTooLate(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		time.Sleep(cardPolicy.InFlightMax)
		k := Key{"till", "s", "a"}
		said := make(chan error, 2)
		for _, as := range []string{"paid", "not-paid"} {
			go func() {
				_, err := b.desk.Settle(b.ctx, k, Settlement{As: as, By: "chief", Reason: "sure"})
				said <- err
			}()
		}
		if one, two := <-said, <-said; (one == nil) == (two == nil) {
			t.Errorf("two verdicts were taken: %v, %v", one, two)
		}
	})
}

func TestWhatAVoidNeededIsDestroyedWithItsApproval(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}, plan: Plan{Sealed: []byte("4111111111111111")}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		v := b.said(Request{Key: Key{"till", "s", "v"}, Kind: KindVoid, Original: &a}, SaidApproved)
		if open, err := b.desk.book.opened(b.ctx, v); err != nil || open.Sealed != nil {
			t.Errorf("sealed data of a void outlives it: %v", err)
		}
	})
}
