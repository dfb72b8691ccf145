package payment

import (
	"testing"
	"time"
)

func TestAPartThatLapsedForbidsToAcknowledgeTheRest(t *testing.T) {
	part := Answer{Outcome: Approved, Amount: 600}
	card := &script{pol: cardPolicy, answers: []Answer{part, yes(400), yes(600), yes(400)}, undos: []Undo{{Outcome: Confirmed}, {Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true, AcceptPartial: true, ConfirmWithin: time.Minute}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		time.Sleep(50 * time.Second)
		b.said(request("s", "b", RailCard), SaidApproved)
		time.Sleep(20 * time.Second)
		b.said(request("s", "a", RailCard), SaidReversed)
		_, err := b.desk.Ack(b.ctx, "till", "s")
		b.refused(err, "ack_too_late")
		time.Sleep(time.Minute)
		b.said(request("s", "b", RailCard), SaidReversed)
	})
}

func TestWhatAPersonFoundToBePaidIsAcknowledgedAndPrinted(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}, undos: []Undo{{Outcome: Refused, Code: "64"}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		time.Sleep(2 * time.Minute)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.settle("a", "paid")
		b.ack("s")
		b.ack("s")
		if a := b.said(request("s", "a", RailCard), SaidSettledPaid); !a.Acked {
			t.Error("it is not acknowledged, and gets no receipt")
		}
	})
}

func TestTheWarningOfASaleIsSaidEachTimeItIsOpened(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(500)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("first", 500)
		b.said(request("first", "a", RailCard), SaidApproved)
		twin := NewSale{Client: "till", ID: "twin", Amount: 500, Currency: "CNY"}
		first, err := b.desk.OpenSale(b.ctx, twin)
		if err != nil || first.Warning == "" {
			t.Fatalf("no warning (%v)", err)
		}
		if again, err := b.desk.OpenSale(b.ctx, twin); err != nil || again.Warning != first.Warning {
			t.Errorf("the second time it is %q (%v)", again.Warning, err)
		}
	})
}

func TestWhatWasPaidInsteadOfAPartThatLapsedIsAcknowledged(t *testing.T) {
	part := func(amount Cents) Answer { return Answer{Outcome: Approved, Amount: amount} }
	card := &script{pol: cardPolicy, answers: []Answer{part(600), part(300), yes(700)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true, AcceptPartial: true, ConfirmWithin: time.Minute}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		time.Sleep(2 * time.Minute)
		b.said(request("s", "a", RailCard), SaidReversed)
		b.skew(-time.Hour) // what is older is no matter of clocks
		b.said(request("s", "b", RailCard), SaidApproved)
		b.ack("s") // the rest is paid in cash
		b.said(request("s", "c", RailCard), SaidApproved)
		b.ack("s")
	})
}
