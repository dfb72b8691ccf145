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
		card.mu.Lock()
		card.undos = []Undo{{Outcome: Confirmed}}
		card.mu.Unlock()
		b.desk, stop = start(card, nil)
		defer stop()
		b.said(request("t", "c", RailCard), SaidApproved)
		b.said(scanned("s", "a", "6200000000000000001"), SaidReversed)
	})
}

func TestWhatIsInAClosedBatchIsRefundedWhenItsPairIsPaidTwice(t *testing.T) {
	card := newSettlingCard(yes(1000), yes(1000))
	purse := &script{pol: walletPolicy, plan: Plan{Deadline: time.Hour, FirstAsk: 10 * time.Minute}, answers: []Answer{{}, yes(1000)}}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.Pay(b.ctx, insist("b", RailWallet)); err == nil {
			t.Fatal("a sale that is paid is paid again")
		}
		b.said(request("s", "a", RailCard), SaidApproved)
	})
}
