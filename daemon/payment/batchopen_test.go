package payment

import (
	"testing"
	"time"
)

func TestNoCardAttemptBeginsWhileABatchIsBeingClosed(t *testing.T) {
	card := newSettlingCard(yes(100), Answer{}, yes(100))
	card.undos = []Undo{{}, {}, {}, {}, {Outcome: Confirmed}}
	for range 8 {
		card.says = append(card.says, Settled{Code: "96"})
	}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(100)}}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		for _, id := range []string{"s", "t", "u"} {
			b.open(id, 100)
		}
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(request("t", "a", RailCard), SaidReversing)
		begun, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "chief", Reason: "closing time", Force: true})
		if err != nil || begun.State != BatchClosing {
			t.Fatal(begun, err)
		}
		again, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		if err != nil || again.Seq != begun.Seq {
			t.Errorf("a second close is %+v %v, want the first one", again, err)
		}
		for _, r := range []Request{request("u", "a", RailCard), naming("s", "v", KindVoid, "a", 0), preAuth("u", "p"), {Key: Key{"till", "u", "b"}, Rail: RailCard, Kind: KindBalance}} {
			_, err = b.pay(r)
			b.refused(err, "batch_closing")
			if p := Explain(err); !p.RetryAt.After(b.now()) {
				t.Errorf("%s may come again at %v", r.Kind, p.RetryAt)
			}
		}
		r := request("u", "w", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		b.said(r, SaidApproved)
		time.Sleep(2 * time.Minute) // the close hangs, and the reversal goes on
		b.said(request("t", "a", RailCard), SaidReversed)
		got, err := b.desk.WaitBatch(b.ctx, begun.Seq, time.Hour)
		if err != nil || got.State != BatchClosed || len(got.Open) > 1 {
			t.Errorf("in the end it is %+v %v", got, err)
		}
		b.said(request("t", "b", RailCard), SaidApproved)
	})
}

func TestACloseWaitsAndThenListsWhatIsOpen(t *testing.T) {
	card := newSettlingCard(yes(100), Answer{})
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(request("t", "a", RailCard), SaidReversing)
		begun := time.Now()
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		b.refused(err, "batch_open_items")
		p := Explain(err)
		if len(p.Open) != 1 || p.Open[0].Key != (Key{"till", "t", "a"}) || p.Open[0].State != Reversing || p.Open[0].Amount != 200 || time.Since(begun) != time.Minute {
			t.Errorf("after %v it lists %+v", time.Since(begun), p.Open)
		}
		_, err = b.desk.CloseBatch(b.ctx, CloseBatch{Force: true})
		b.refused(err, "bad_request")
		got := b.closed(CloseBatch{By: "chief", Reason: "closing time", Force: true}, BatchClosed)
		if !got.Forced || len(got.Open) != 1 || got.Totals != (Totals{Sales: Sum{1, 100}}) || got.Reason != "closing time" {
			t.Errorf("closed as %+v", got)
		}
		card.script.mu.Lock()
		card.undos = []Undo{{Outcome: Confirmed}}
		card.script.mu.Unlock()
		time.Sleep(time.Hour)
		b.said(request("t", "a", RailCard), SaidReversed) // of the old batch, and still owed
	})
}

func TestACloseThatWaitsGoesOnWhenNothingIsOpenAnyMore(t *testing.T) {
	card := newSettlingCard(yes(100), Answer{})
	card.undos = []Undo{{}, {}, {}, {}, {Outcome: Confirmed}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(request("t", "a", RailCard), SaidReversing)
		b.open("u", 300)
		held := make(chan error, 1)
		go func() {
			time.Sleep(time.Second)
			_, err := b.pay(request("u", "a", RailCard))
			held <- err
		}()
		if got := b.closed(CloseBatch{By: "till"}, BatchClosed); len(got.Open) != 0 || got.Forced {
			t.Errorf("closed as %+v", got)
		}
		b.refused(<-held, "batch_closing")
	})
}

func TestWhatMayStillBeTakenBackKeepsABatchOpen(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules Rules
		undo  Undo
		pay   func(b *bench)
	}{
		{"not acknowledged", Rules{ConfirmMode: true, ConfirmWithin: time.Hour}, Undo{}, func(b *bench) { b.said(request("s", "a", RailCard), SaidApproved) }},
		{"stuck", Rules{}, Undo{Outcome: Refused}, func(b *bench) { b.said(request("s", "a", RailCard), SaidNeedsAttention) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := newSettlingCard(Answer{Outcome: Approved, Amount: 100}, yes(100))
			if c.undo.Outcome == Refused {
				card.answers[0] = Answer{}
			}
			card.undos = []Undo{c.undo}
			withTenders(t, card, nil, c.rules, func(b *bench) {
				b.open("s", 100)
				c.pay(b)
				_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
				b.refused(err, "batch_open_items")
				if p := Explain(err); len(p.Open) != 1 || p.Open[0].InTotals != (c.name == "not acknowledged") {
					t.Errorf("it lists %+v", p.Open)
				}
			})
		})
	}
}
