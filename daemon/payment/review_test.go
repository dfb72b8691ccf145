package payment

import (
	"context"
	"testing"
	"time"
)

// ack acknowledges a sale as a till does.
func (b *bench) ack(sale string) {
	b.t.Helper()
	if _, err := b.desk.Ack(b.ctx, "till", sale); err != nil {
		b.t.Fatal(err)
	}
}

func TestAnAcknowledgementBeforeThePaymentDoesNotStandForIt(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{Outcome: Declined}, yes(1000)}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidDeclined)
		b.ack("s")
		b.said(request("s", "b", RailCard), SaidApproved)
		b.ack("s")
		b.ack("s")
		time.Sleep(2 * time.Minute)
		b.said(request("s", "b", RailCard), SaidApproved)
	})
}

func TestAPaymentThatLapsedDoesNotForbidToAcknowledgeTheNext(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		time.Sleep(2 * time.Minute)
		b.said(request("s", "a", RailCard), SaidReversed)
		b.said(request("s", "b", RailCard), SaidApproved)
		b.ack("s")
		time.Sleep(2 * time.Minute)
		b.said(request("s", "b", RailCard), SaidApproved)
		b.ack("s")
	})
}

func TestWhatIsAcknowledgedNeverLapses(t *testing.T) {
	a := sentSale()
	a.State, a.Confirm, a.Acked = ApprovedState, true, true
	if d := decide(a, event{lapsed: true}, cardPolicy, Rules{}.withDefaults()); len(d.facts) > 0 {
		t.Errorf("an acknowledged payment is taken back:%s", kinds(d))
	}
	a.Acked = false
	if d := decide(a, event{lapsed: true}, cardPolicy, Rules{}.withDefaults()); kinds(d) != " attempt.reversing" {
		t.Errorf("an unacknowledged payment journals%s", kinds(d))
	}
}

func TestAClockThatJumpsBackDoesNotKeepAnUnacknowledgedPayment(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.skew(-time.Hour)
		time.Sleep(2 * time.Minute)
		b.said(request("s", "a", RailCard), SaidReversed)
	})
}

// heldVoid is a card whose void takes long.
type heldVoid struct{ *script }

func (h *heldVoid) Policy() Policy { return Policy{Repeats: []Kind{KindRefund}} } // no terminal: nothing queues

func (h *heldVoid) Authorize(ctx context.Context, a Attempt, in Input) Answer {
	if a.Kind == KindVoid {
		time.Sleep(2 * time.Minute)
	}
	return h.script.Authorize(ctx, a, in)
}

func TestAPaymentIsNotReversedWhileItsVoidRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		void Answer
		want string
	}{
		{"void approved", yes(1000), "[authorize a authorize v]"},
		{"void declined", Answer{Outcome: Declined}, "[authorize a authorize v reverse a]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := &script{pol: cardPolicy, answers: []Answer{yes(1000), c.void}, undos: []Undo{{Outcome: Confirmed}}}
			withTenders(t, &heldVoid{card}, nil, Rules{ConfirmMode: true}, func(b *bench) {
				b.open("s", 1000)
				a := b.said(request("s", "a", RailCard), SaidApproved)
				if _, err := b.pay(Request{Key: Key{"till", "s", "v"}, Kind: KindVoid, Original: &a}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if card.calls() != c.want {
					t.Errorf("the host was asked %s, want %s", card.calls(), c.want)
				}
			})
		})
	}
}

func TestAnOlderUnacknowledgedTwinIsNotHiddenByAVoidedOne(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(500), yes(1000), yes(1000), yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("known", 500)
		b.said(request("known", "a", RailCard), SaidApproved)
		b.ack("known")
		b.open("first", 1000)
		b.said(request("first", "a", RailCard), SaidApproved)
		if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "second", Amount: 1000, Currency: "CNY", After: "first"}); err != nil {
			t.Fatal(err)
		}
		a := b.said(request("second", "a", RailCard), SaidApproved)
		b.said(Request{Key: Key{"till", "second", "v"}, Kind: KindVoid, Original: &a}, SaidApproved)
		_, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "third", Amount: 1000, Currency: "CNY"})
		b.refused(err, "unacknowledged")
	})
}

func TestARefundThatIsNotAnsweredShowsInTheHealth(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.Pay(b.ctx, Request{Key: Key{"till", "s", "r"}, Kind: KindRefund, Original: &a}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if h := b.desk.Health(b.ctx); h.Status != "degraded" {
			t.Errorf("health is %s, want degraded", h.Status)
		}
	})
}
