package payment

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

func TestARailThatIsNotConfiguredAfterARestartLosesNothing(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
		d, stop := start(nil, purse)
		if _, err := d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Fatal(err)
		}
		r := request("s", "a", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		if _, err := d.Pay(ctx, r); err != nil {
			t.Fatal(err)
		}
		a, _ := d.Wait(ctx, r.Key, time.Minute)
		if _, err := d.Pay(ctx, Request{Key: Key{"till", "s", "back"}, Kind: KindRefund, Original: &a}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		_, stop = start(nil, nil)
		time.Sleep(time.Minute)
		stop()
		purse.answers = []Answer{yes(1000)}
		d, stop = start(nil, purse)
		defer stop()
		if a, err := d.Wait(ctx, Key{"till", "s", "back"}, 10*time.Minute); err != nil || a.State != ApprovedState {
			t.Errorf("the refund is %s (%v), want approved", a.State, err)
		}
	})
}

// withPower gives a test a journal and the means to start posd on it again and again.
func withPower(t *testing.T, test func(ctx context.Context, start func(card, purse Tender) (*Desk, func()))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), journal.Options{
			Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{Projection()},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		log := slog.New(slog.DiscardHandler)
		test(t.Context(), func(card, purse Tender) (*Desk, func()) {
			d := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Card: card, Wallet: purse, Now: time.Now, Log: log})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = d.Run(ctx)
			}()
			synctest.Wait()
			return d, func() { cancel(); <-done }
		})
	})
}

// slowReady is a card whose line takes long to come up.
type slowReady struct{ *script }

func (s slowReady) Ready(ctx context.Context) error {
	select {
	case <-time.After(20 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestNothingIsSentOnceTheDeskHasStopped(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
		d, stop := start(slowReady{card}, nil)
		if _, err := d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := d.Pay(ctx, request("s", "a", RailCard))
			done <- err
		}()
		synctest.Wait()
		stop()
		if err := <-done; err == nil {
			t.Error("a payment was begun on a desk that has stopped")
		}
		time.Sleep(time.Hour)
		if card.calls() != "[]" {
			t.Errorf("the host was asked %s", card.calls())
		}
	})
}

// shownAfterAMinute is a customer who looks for the card.
func shownAfterAMinute(ctx context.Context, _ Request) (Input, error) {
	select {
	case <-time.After(time.Minute):
		return &simInput{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestATillThatHangsUpWhileItsAttemptBeginsCancelsIt(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	card.collect = shownAfterAMinute
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		ctx, cancel := context.WithCancel(b.ctx)
		b.committed = cancel
		_, _ = b.desk.Pay(ctx, request("s", "a", RailCard))
		time.Sleep(10 * time.Second)
		if a, err := b.desk.Attempt(b.ctx, Key{"till", "s", "a"}); err != nil || a.State != Cancelled {
			t.Errorf("the attempt is %s (%v), want cancelled", a.State, err)
		}
	})
}

func TestPayWipesTheCodeItWasGiven(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		code := []byte("281234567890123456")
		r := request("s", "a", RailWallet)
		r.Code = NewSecret(code)
		b.said(r, SaidApproved)
		for _, c := range code {
			if c != 0 {
				t.Fatal("the code is still in memory")
			}
		}
	})
}

func TestACancelThatComesBeforeTheReaderIsAskedCounts(t *testing.T) {
	card := &script{pol: cardPolicy}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		l := b.desk.bear(Key{"till", "s", "a"})
		b.desk.stopLife(l)
		card.collect = func(ctx context.Context, _ Request) (Input, error) { <-ctx.Done(); return nil, ctx.Err() }
		begun := time.Now()
		if _, _, err := b.desk.collect(b.ctx, l, request("s", "a", RailCard), []Tender{card}); err == nil || time.Since(begun) > 0 {
			t.Errorf("it collects for %v", time.Since(begun))
		}
		b.desk.bury(l)
	})
}

func TestAReversalThatCouldNotBeJournaledIsTriedAgain(t *testing.T) {
	torn := Undo{Progress: []byte("{")} // no JSON: its try cannot be journaled, and the journal is well
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{torn, torn, {Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		_, _ = b.pay(request("s", "a", RailCard))
		time.Sleep(time.Minute)
		b.said(request("s", "a", RailCard), SaidReversed)
	})
}
