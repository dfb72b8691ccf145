package payment

import (
	"context"
	"testing"
	"time"
)

// mute never answers a settlement.
func mute(c *settlingCard, times int) *settlingCard {
	for range times {
		c.says = append(c.says, Settled{Code: "no_answer"})
	}
	return c
}

func TestASupervisorEndsACloseThatTheHostNeverAnswers(t *testing.T) {
	card := mute(newSettlingCard(yes(100), yes(200)), 10_000)
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"}); err != nil {
			t.Fatal(err)
		}
		force := CloseBatch{By: "chief", Reason: "the acquirer has no settlement tonight", Force: true}
		if young, err := b.desk.CloseBatch(b.ctx, force); err != nil || young.State != BatchClosing {
			t.Errorf("a close that has just begun is given up: %+v %v", young, err)
		}
		time.Sleep(10 * time.Minute)
		_, err := b.pay(request("t", "a", RailCard))
		b.refused(err, "batch_closing")
		if joined, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"}); err != nil || joined.State != BatchClosing {
			t.Errorf("a till ends the close: %+v %v", joined, err)
		}
		ended, err := b.desk.CloseBatch(b.ctx, force)
		if err != nil || ended.State != BatchRefused || ended.By != "chief" || ended.Reason != force.Reason {
			t.Errorf("the supervisor is told %+v (%v), want the batch refused", ended, err)
		}
		b.said(request("t", "a", RailCard), SaidApproved)
		card.mu.Lock()
		card.says = nil
		card.mu.Unlock()
		time.Sleep(time.Hour)
		b.current("000001", BatchRefused)
		got := b.closed(force, BatchClosed)
		if got.Totals != (Totals{Sales: Sum{2, 300}}) || got.Next != "000002" {
			t.Errorf("closed as %+v", got)
		}
	})
}

func TestAnOwedCodeOfATerminalWhoseWalletIsGoneIsReversedByTheTerminal(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
		qr := &script{pol: cardPolicy, answers: []Answer{{}}}
		b := &bench{t: t, ctx: ctx, committed: func() {}}
		var stop func()
		b.desk, stop = start(card, &lender{script: &script{pol: walletPolicy}, terminal: qr})
		b.open("s", 1000)
		b.open("t", 1000)
		b.said(scanned("s", "a", "6200000000000000001"), SaidReversing)
		stop()
		for _, purse := range []Tender{nil, &script{pol: walletPolicy}} { // the wallet's section is switched off, or only this wallet
			b.desk, stop = start(card, purse)
			time.Sleep(10 * time.Minute)
			b.said(scanned("s", "a", "6200000000000000001"), SaidReversing)
			stop()
		}
		purse := &script{pol: walletPolicy, undos: []Undo{{Outcome: Refused}}}
		b.desk, stop = start(nil, purse) // the terminal, too: no wallet answers for it
		time.Sleep(10 * time.Minute)
		b.said(scanned("s", "a", "6200000000000000001"), SaidReversing)
		stop()
		card.mu.Lock()
		card.undos = []Undo{{Outcome: Confirmed}}
		card.mu.Unlock()
		b.desk, stop = start(card, nil)
		defer stop()
		b.said(request("t", "c", RailCard), SaidApproved)
		b.said(scanned("s", "a", "6200000000000000001"), SaidReversed)
	})
}

func TestAPreAuthOfAClosedBatchIsVoidedAndNotReversedWhenItsPairIsPaid(t *testing.T) {
	card := newSettlingCard(yes(1000), yes(1000))
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved)
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		b.said(insist("b", RailWallet), SaidApproved)
		time.Sleep(time.Minute)
		if want := "[authorize p authorize undo-p]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s: a closed batch is beyond a reversal's window", card.calls(), want)
		}
		b.holds(1000)
	})
}

// slow is a card host that takes its time.
type slow struct {
	*settlingCard
	by time.Duration
}

func (s slow) Authorize(ctx context.Context, a Attempt, in Input) Answer {
	time.Sleep(s.by)
	return s.settlingCard.Authorize(ctx, a, in)
}

func TestWhatIsInABatchThatIsBeingClosedIsNotReversedMeanwhile(t *testing.T) {
	card := mute(newSettlingCard(yes(1000), yes(1000)), 12)
	purse := &script{pol: walletPolicy, plan: Plan{Deadline: 9 * time.Minute, FirstAsk: 3 * time.Minute}, answers: []Answer{{After: 3 * time.Minute}, yes(1000)}}
	withTenders(t, slow{card, 10 * time.Second}, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if _, err := b.desk.Pay(b.ctx, request("s", "a", RailCard)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, err := b.desk.Pay(b.ctx, insist("b", RailWallet)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		begun, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "chief", Reason: "closing time", Force: true})
		if err != nil || begun.State != BatchClosing || len(begun.Open) == 0 || begun.Totals.Sales != (Sum{1, 1000}) {
			t.Fatalf("closing as %+v %v", begun, err)
		}
		b.said(insist("b", RailWallet), SaidApproved)
		time.Sleep(10 * time.Second)
		if got, err := b.desk.WaitBatch(b.ctx, begun.Seq, 0); err != nil || got.State != BatchClosing || card.calls() != "[authorize a]" {
			t.Errorf("while its batch is %s the host was asked %s (%v)", got.State, card.calls(), err)
		}
		got, err := b.desk.WaitBatch(b.ctx, begun.Seq, time.Hour)
		if err != nil || got.State != BatchClosed {
			t.Fatal(got, err)
		}
		time.Sleep(10 * time.Minute)
		if want := "[authorize a authorize undo-a]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
		b.holds(1000)
	})
}

func TestAVoidOfAPartIsRefusedAndGivesNothingBack(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(500), yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 500)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(preAuth("t", "p"), SaidApproved)
		for _, r := range []Request{naming("s", "v1", KindVoid, "a", 300), naming("t", "v1", KindVoid, "p", 300)} {
			_, err := b.pay(r)
			b.refused(err, "void_of_a_part")
		}
		b.said(naming("s", "v2", KindVoid, "a", 1000), SaidApproved)
	})
}

func TestACloseOfATerminalThatSettlesNoMoreDoesNotShutTheShop(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		card := mute(newSettlingCard(yes(100), yes(200)), 10)
		b := &bench{t: t, ctx: ctx, committed: func() {}}
		var stop func()
		b.desk, stop = start(card, nil)
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.CloseBatch(ctx, CloseBatch{By: "till"}); err != nil {
			t.Fatal(err)
		}
		stop()
		b.desk, stop = start(card.script, nil)
		defer stop()
		b.said(request("t", "a", RailCard), SaidApproved)
		b.current("000001", BatchRefused)
	})
}

func TestWithoutBatchesSealedCardDataEndsWithTheDay(t *testing.T) {
	card := &script{pol: cardPolicy, plan: Plan{Sealed: []byte("4111111111111111")}, answers: []Answer{yes(100), {}, yes(300)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		sealed := func(want ...string) {
			t.Helper()
			keys, err := b.desk.book.sealedKeys(b.ctx)
			for i, k := range keys {
				if i >= len(want) || k.Sale != want[i] {
					err = errSealed
				}
			}
			if err != nil || len(keys) != len(want) {
				t.Errorf("sealed data is kept of %v (%v), want %v", keys, err, want)
			}
		}
		for _, id := range []string{"s", "t", "u"} {
			b.open(id, map[string]Cents{"s": 100, "t": 200, "u": 300}[id])
		}
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(request("t", "a", RailCard), SaidReversing)
		time.Sleep(23 * time.Hour)
		sealed("s", "t")
		time.Sleep(2 * time.Hour)
		sealed("t") // it is still owed
		b.said(request("u", "a", RailCard), SaidApproved)
		time.Sleep(2 * time.Hour)
		sealed("t", "u")
	})
}

func TestABatchThatTheHostRefusesIsEndedByHand(t *testing.T) {
	card := newSettlingCard(yes(100), yes(200))
	card.says = []Settled{{Outcome: SettleRefused, Code: "95"}}
	card.plan = Plan{Sealed: []byte("4111111111111111")}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		byHand := CloseBatch{By: "chief", Reason: "cleared with the acquirer", ByHand: true}
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		_, err := b.desk.CloseBatch(b.ctx, byHand)
		b.refused(err, "batch_not_refused")
		b.closed(CloseBatch{By: "till"}, BatchRefused)
		_, err = b.desk.CloseBatch(b.ctx, CloseBatch{By: "chief", ByHand: true})
		b.refused(err, "bad_request")
		done, err := b.desk.CloseBatch(b.ctx, byHand)
		if err != nil || done.State != BatchSuperseded || done.By != "chief" || done.Code != codeByHand || done.Next != "000002" || done.Totals.Sales != (Sum{1, 100}) {
			t.Errorf("ended as %+v (%v)", done, err)
		}
		if keys, err := b.desk.book.sealedKeys(b.ctx); err != nil || len(keys) != 0 {
			t.Errorf("sealed data outlives the batch: %v (%v)", keys, err)
		}
		_, err = b.pay(naming("s", "v", KindVoid, "a", 0))
		b.refused(err, "batch_closed")
		if a := b.said(request("t", "a", RailCard), SaidApproved); a.Numbers.Batch != "000002" {
			t.Errorf("the next sale is in batch %s", a.Numbers.Batch)
		}
		if got := b.closed(CloseBatch{By: "till"}, BatchClosed); got.Totals.Sales != (Sum{1, 200}) {
			t.Errorf("closed as %+v", got)
		}
	})
}
