package payment

import (
	"testing"
	"time"
)

// The reversal of one of a pair is refused, and a person finds that it was paid: the other one goes back.
func TestAPairGoesOnWhenTheOneThatCouldNotBeReversedIsSettledAsPaid(t *testing.T) {
	card := newSettlingCard(yes(1000))
	card.undos = []Undo{{Outcome: Refused, Code: "01"}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000)}}
	withTenders(t, slow{card, 30 * time.Second}, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if _, err := b.desk.Pay(b.ctx, request("s", "a", RailCard)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		a := b.said(insist("b", RailWallet), SaidApproved)
		if err := b.desk.Told(b.ctx, a); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.settle("a", "paid")
		b.holds(1000)
		if purse.calls() != "[authorize b authorize undo-b]" || card.calls() != "[authorize a reverse a]" {
			t.Errorf("the gateway was asked %s, the host %s", purse.calls(), card.calls())
		}
	})
}

// What a pre-auth reserves is no reason to give more of a payment back, nor to wait for more.
func TestWhatIsReservedDoesNotMakeAPaymentGoBack(t *testing.T) {
	of := func(id string, kind Kind, held, back Cents) Attempt {
		return Attempt{Key: Key{"c", "s", id}, Kind: kind, Rail: RailWallet, State: ApprovedState, Amount: held, Approved: held, Refunded: back}
	}
	p := Pair{Client: "c", Sale: "s", First: "a", Second: "b", State: PairUndoing, Undo: "a", Via: "undo-a"}
	s := Sale{Amount: 3000, Attempts: []Attempt{of("a", KindSale, 3000, 1500), of("b", KindSale, 1500, 0), of("p", KindPreAuth, 1500, 0)}}
	if m := decideSalePair(s, p, []Pair{p}, ""); m.to != PairResolved {
		t.Errorf("two payments that are the sale's amount together move to %+v, want resolved", m)
	}
	card := &script{pol: cardPolicy, answers: []Answer{{}, {}, yes(1000)}, undos: []Undo{{Outcome: Refused}, {Outcome: Refused}}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(500)}}
	withDesk(t, card, purse, Rules{AcceptPartial: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		r := preAuth("s", "p")
		r.Override = &Override{By: "chief", Reason: "customer in a hurry"}
		b.said(r, SaidNeedsAttention)
		b.said(insist("b", RailWallet), SaidApproved)
		for _, id := range []string{"a", "p"} {
			v := Settlement{As: "paid", By: "chief", Reason: "the acquirer says so", Amount: map[string]Cents{"a": 500, "p": 1000}[id]}
			if _, err := b.desk.Settle(b.ctx, Key{"till", "s", id}, v); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute)
		if s, err := b.desk.Sale(b.ctx, "till", "s"); err != nil || s.Net() != 1000 {
			t.Errorf("the sale of 1000 is left with %d (%v)", s.Net(), err)
		}
	})
}
