package payment

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
)

func TestWithoutAcknowledgementConfirmModeReverses(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(2000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("acked", 1000)
		b.said(request("acked", "a", RailCard), SaidApproved)
		if _, err := b.desk.Ack(b.ctx, "till", "acked"); err != nil {
			t.Fatal(err)
		}
		b.open("silent", 2000)
		b.said(request("silent", "a", RailCard), SaidApproved)
		time.Sleep(2 * time.Minute)
		b.said(request("acked", "a", RailCard), SaidApproved)
		b.said(request("silent", "a", RailCard), SaidReversed)
		_, err := b.desk.Ack(b.ctx, "till", "silent")
		b.refused(err, "ack_too_late")
	})
}

func TestATillThatAcknowledgesIsAskedAboutAnUnacknowledgedTwin(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(500), yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("first", 500)
		b.said(request("first", "a", RailCard), SaidApproved)
		s, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "warned", Amount: 500, Currency: "CNY"})
		if err != nil || s.Warning == "" {
			t.Errorf("a till that never acknowledges gets no warning: %v", err)
		}
		if _, err := b.desk.Ack(b.ctx, "till", "first"); err != nil {
			t.Fatal(err)
		}
		b.open("second", 1000)
		b.said(request("second", "a", RailCard), SaidApproved)
		twin := NewSale{Client: "till", ID: "twin", Amount: 1000, Currency: "CNY"}
		_, err = b.desk.OpenSale(b.ctx, twin)
		b.refused(err, "unacknowledged")
		twin.After = "second"
		if _, err := b.desk.OpenSale(b.ctx, twin); err != nil {
			t.Error(err)
		}
	})
}

func TestAClockThatIsSetBackMakesNoOldPaymentYoung(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(500), yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("first", 500)
		b.said(request("first", "a", RailCard), SaidApproved)
		if _, err := b.desk.Ack(b.ctx, "till", "first"); err != nil {
			t.Fatal(err)
		}
		b.open("second", 1000)
		b.said(request("second", "a", RailCard), SaidApproved)
		b.skew(-5 * time.Minute) // what was just paid stays so
		_, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "twin", Amount: 1000, Currency: "CNY"})
		b.refused(err, "unacknowledged")
		b.skew(-30 * 24 * time.Hour) // the clock was a month ahead
		time.Sleep(7 * 24 * time.Hour)
		if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "later", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Errorf("a week later: %v", err)
		}
	})
}

func TestAnOverriddenPairIsResolvedByOneRefund(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused, Code: "01"}}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000)}}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "card", RailCard), SaidNeedsAttention)
		r := request("s", "wallet", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		_, err := b.pay(r)
		b.refused(err, "sale_needs_attention")
		r.Code, r.Override = NewSecret([]byte("281234567890123456")), &Override{By: "chief", Reason: "customer in a hurry"}
		a := b.said(r, SaidApproved)
		if err := b.desk.Told(b.ctx, a); err != nil {
			t.Fatal(err)
		}
		if _, err := b.desk.Settle(b.ctx, Key{"till", "s", "card"}, Settlement{As: "paid", By: "chief", Reason: "the acquirer says so"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if a, err := b.desk.Wait(b.ctx, Key{"till", "s", "undo-wallet"}, time.Minute); err != nil || a.Said() != SaidApproved || !a.System {
			t.Errorf("the refund of the pair: %+v %v", a.State, err)
		}
		_, err = b.pay(Request{Key: Key{"till", "s", "undo-card"}, Kind: KindRefund, Original: &Attempt{Key: Key{Attempt: "card"}}})
		b.refused(err, "bad_id")
		s, err := b.desk.Sale(b.ctx, "till", "s")
		if err != nil || s.Net() != 1000 || purse.calls() != "[authorize wallet authorize undo-wallet]" {
			t.Errorf("net %d, the wallet was asked %s (%v)", s.Net(), purse.calls(), err)
		}
		if o, err := b.desk.Owed(b.ctx, ""); err != nil || len(o.Pairs) != 0 {
			t.Errorf("pairs left: %+v %v", o.Pairs, err)
		}
	})
}

func TestRefundsAndVoidsNeverExceedWhatWasCaptured(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(400), yes(600)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		back := func(id string, kind Kind, amount Cents) Request {
			return Request{Key: Key{"till", "s", id}, Kind: kind, Amount: amount, Original: &Attempt{Key: Key{Attempt: "a"}}}
		}
		_, err := b.pay(back("r0", KindRefund, 1001))
		b.refused(err, "refund_too_high")
		b.said(back("r1", KindRefund, 400), SaidApproved)
		_, err = b.pay(back("v", KindVoid, 0))
		b.refused(err, "already_refunded")
		b.said(back("r2", KindRefund, 0), SaidApproved)
		_, err = b.pay(back("r3", KindRefund, 1))
		b.refused(err, "original_not_paid")
	})
}

func TestAFailedCommitStopsMoneyUntilTheJournalIsReadAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.fail = errors.New("the disk does not write")
		_, err := b.pay(request("s", "a", RailCard))
		b.refused(err, "blocked")
		if card.calls() != "[]" {
			t.Errorf("the host was asked %s although nothing is on disk", card.calls())
		}
		if h := b.desk.Health(b.ctx); h.Status != "blocked" || h.Problems[0].Remedy == "" {
			t.Errorf("health %+v", h)
		}
		time.Sleep(5 * time.Second)
		b.said(request("s", "a", RailCard), SaidApproved)
	})
}

func TestTraceNumbersWrapAndSkipThoseInUse(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if a := b.said(request("s", "a", RailCard), SaidApproved); a.Numbers.Trace != 1 {
			t.Fatalf("first trace number is %s", a.Numbers.Trace)
		}
		err := b.desk.book.update(b.ctx, func(tx *journal.Tx) error {
			return appendFacts(tx, Fact{Kind: factTrace, Terminal: "T", Trace: lastTrace})
		})
		if err != nil {
			t.Fatal(err)
		}
		b.open("t", 1000)
		if a := b.said(request("t", "a", RailCard), SaidApproved); a.Numbers.Trace != 2 {
			t.Errorf("after the wrap comes %s, want 000002: 000001 is used in this batch", a.Numbers.Trace)
		}
	})
}

func TestSealedDataIsOpenedForItsVoidAndDestroyedAfterIt(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}, plan: Plan{Sealed: []byte("4111111111111111")}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		open, err := b.desk.book.opened(b.ctx, a)
		if err != nil || string(open.Sealed) != "4111111111111111" {
			t.Fatalf("sealed data is lost: %v", err)
		}
		b.said(Request{Key: Key{"till", "s", "v"}, Kind: KindVoid, Original: &a}, SaidApproved)
		if open, err = b.desk.book.opened(b.ctx, a); err != nil || open.Sealed != nil {
			t.Errorf("sealed data outlives its use: %v", err)
		}
	})
}

func TestTheJournalHoldsNoCode(t *testing.T) {
	const code = "281234567890123456"
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		r := request("s", "a", RailWallet)
		r.Code = NewSecret([]byte(code))
		b.said(r, SaidApproved)
		events, err := b.j.Events(b.ctx, 0, 100, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(string(e.Body), code) {
				t.Errorf("event %d holds the code", e.Seq)
			}
		}
		if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), code) {
			t.Errorf("a request prints its code: %v", err)
		}
	})
}

func TestReversalsEnterTheLaneBeforeNewcomersAndInTheirOrder(t *testing.T) {
	l := &lane{}
	if err := l.enter(t.Context(), newcomer); err != nil {
		t.Fatal(err)
	}
	order := make(chan int64, 4)
	for _, place := range []int64{newcomer, 7, 3, 5} {
		w := l.join(place)
		go func() {
			<-w.ready
			order <- place
			l.leave()
		}()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.enter(gone, 1); err == nil {
		t.Error("who gave up got in")
	}
	l.leave()
	for _, want := range []int64{3, 5, 7, newcomer} {
		if got := <-order; got != want {
			t.Errorf("%d enters, want %d", got, want)
		}
	}
}

func TestWhatUndoesAPaymentGoesItsWay(t *testing.T) {
	card, purse := &script{pol: cardPolicy}, &script{pol: walletPolicy}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		card.answers = []Answer{yes(1000), yes(100), yes(100), yes(100)}
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		for _, kind := range []Kind{KindRefund, KindVoid} {
			for _, rail := range []Rail{RailWallet, "coins"} {
				r := undoing("no", kind, a, 0)
				r.Rail = rail
				_, err := b.desk.Pay(b.ctx, r)
				b.refused(err, "rail_differs")
			}
		}
		for i, rail := range []Rail{"", RailAny, RailCard} {
			r := undoing([]string{"r0", "r1", "r2"}[i], KindRefund, a, 100)
			r.Rail = rail
			b.said(r, SaidApproved)
		}
		if purse.calls() != "[]" {
			t.Errorf("the gateway was asked %s", purse.calls())
		}
	})
}
