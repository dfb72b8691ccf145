package payment

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A recovery that the disk stops in the middle is begun again. What it had given a life already must get one then.
func TestARecoveryThatTheDiskStopsForgetsNobody(t *testing.T) {
	card := &script{pol: cardPolicy, collect: func(ctx context.Context, _ Request) (Input, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	purse := &script{pol: walletPolicy, plan: Plan{Deadline: time.Minute, FirstAsk: 3 * time.Second}, undos: []Undo{{Outcome: Confirmed}}}
	for range 40 {
		purse.answers = append(purse.answers, Answer{Outcome: Pending, After: 3 * time.Second})
	}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 2000)
		paid := request("s", "a", RailWallet)
		paid.Code = NewSecret([]byte("281234567890123456"))
		go func() { _, _ = b.desk.Pay(b.ctx, paid) }()
		time.Sleep(time.Second)
		go func() { _, _ = b.desk.Pay(b.ctx, request("t", "a", RailCard)) }()
		time.Sleep(time.Second)
		synctest.Wait()

		b.failAfter(0, errors.New("the disk does not write"))
		_, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "u", Amount: 1000, Currency: "CNY"})
		b.refused(err, "blocked")
		b.failAfter(1, errors.New("the disk does not write yet"))
		time.Sleep(5 * time.Minute)
		b.said(paid, SaidReversed)
	})
}

// A commit that failed may be on disk all the same: a journal that is reopened has it then, and nobody has queued its slip or
// told who waits for it.
func TestAReopenedJournalIsLookedAtAgain(t *testing.T) {
	withDesk(t, &script{pol: cardPolicy, answers: []Answer{yes(1000)}}, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		paid := request("s", "a", RailCard)
		b.said(paid, SaidApproved)
		var looks atomic.Int32
		go func() {
			_, _ = b.desk.book.follow(b.ctx, paid.Key, time.After(time.Hour), func(Attempt) bool { return looks.Add(1) == 2 })
		}()
		synctest.Wait()
		b.failAfter(0, errors.New("the disk does not write"))
		_, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "u", Amount: 1000, Currency: "CNY"})
		b.refused(err, "blocked")
		time.Sleep(5 * time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.lookUps != 1 {
			t.Errorf("slips were looked up %d times, want once", b.lookUps)
		}
		if n := looks.Load(); n != 2 {
			t.Errorf("who waits for an attempt has looked %d times, want twice", n)
		}
	})
}

// A message of a batch that waits for its turn while a commit fails is not sent; the journal is reopened though the host's
// line is taken.
func TestABlockedJournalKeepsBackTheMessageOfABatchThatWaits(t *testing.T) {
	card := newSettlingCard(yes(100))
	card.says = []Settled{{Code: "96"}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		begun, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		leave, err := b.desk.enter(b.ctx, card, newcomer)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second/2) // the next try is due, and waits; no tick is due that reopens the journal
		before := card.told()
		b.failAfter(0, errors.New("the disk does not write"))
		_, err = b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "u", Amount: 1000, Currency: "CNY"})
		b.refused(err, "blocked")
		leave()
		synctest.Wait()
		if got := card.told(); got != before || before == "" {
			t.Errorf("with a blocked journal the host heard %s after %s", got, before)
		}
		if leave, err = b.desk.enter(b.ctx, card, newcomer); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if why := b.j.Blocked(); why != nil {
			t.Errorf("the journal is still blocked: %v", why)
		}
		leave()
		if got, err := b.desk.WaitBatch(b.ctx, begun.Seq, time.Hour); err != nil || got.State != BatchClosed {
			t.Errorf("in the end it is %+v %v", got, err)
		}
	})
}
