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
