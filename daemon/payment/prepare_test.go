package payment

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// overheard is a log that nobody keeps; a test hears each message, and may take its time.
type overheard struct {
	slog.Handler
	b *bench
}

func (overheard) Enabled(context.Context, slog.Level) bool { return true }

func (o overheard) Handle(_ context.Context, r slog.Record) error {
	o.b.logged(r.Message)
	return nil
}

// breakable is a terminal whose exchange ends when posd does.
type breakable struct{ *planning }

func (c breakable) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	select {
	case <-time.After(c.takes):
		return yes(a.Amount)
	case <-ctx.Done():
		return Answer{}
	}
}

// lateHost is a host that is there only after a while; to the first who asks it may not be there at all.
type lateHost struct {
	*script
	takes time.Duration

	mu    sync.Mutex
	first error // guarded by mu; for the first who asks
}

func (s *lateHost) Ready(ctx context.Context) error {
	s.mu.Lock()
	takes, first := s.takes, s.first
	s.takes, s.first = 0, nil
	s.mu.Unlock()
	select {
	case <-time.After(takes):
		return first
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cancelled fails the test unless a cancel ends what still waits for the terminal, with a till that waits for that.
func (b *bench) cancelled(r Request) {
	b.t.Helper()
	r.Patience = 90 * time.Second
	var put sync.WaitGroup
	put.Go(func() {
		_, err := b.desk.Pay(b.ctx, r)
		b.refused(err, "attempt_over")
	})
	time.Sleep(5 * time.Second)
	_, err := b.desk.Cancel(b.ctx, r.Key)
	b.refused(err, "not_found")
	b.other("a", Sent) // it has not waited for the terminal
	put.Wait()
	time.Sleep(5 * time.Minute)
	_, err = b.desk.Attempt(b.ctx, r.Key)
	b.refused(err, "not_found")
}

func TestACancelReachesWhatWaitsForTheTerminal(t *testing.T) {
	atBusyTerminal(t, func(b *bench) { b.cancelled(request("s", "a", RailCard)) })
}

func TestACancelReachesACodeThatWaitsForTheTerminal(t *testing.T) {
	card := newPlanning(30 * time.Second)
	purse := &lender{script: &script{pol: walletPolicy}, terminal: card}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.begin(request("x", "a", RailCard))
		time.Sleep(time.Second)
		b.cancelled(scanned("s", "a", "6200000000000000001"))
	})
}

func TestAPosdThatStopsSendsNothingNew(t *testing.T) {
	for range 20 { // who is first, the next at the terminal or the end, is chance
		withTenders(t, breakable{newPlanning(5 * time.Second)}, nil, Rules{}, func(b *bench) {
			b.open("s", 1000)
			b.open("x", 500)
			b.said(request("s", "a", RailCard), SaidApproved)
			b.begin(request("x", "a", RailCard))
			time.Sleep(time.Second)
			b.soon(impatient(naming("s", "r", KindVoid, "a", 0)))
			b.stop()
			b.other("a", ApprovedState)
			if a, err := b.desk.Attempt(b.ctx, Key{"till", "s", "r"}); err != nil || a.State != Created {
				t.Errorf("the void is %s (%v), want created", a.State, err)
			}
		})
	}
}

func TestATillThatWaitsForTheTerminalHearsThatPosdStops(t *testing.T) {
	for range 20 { // who is first is chance
		withTenders(t, breakable{newPlanning(time.Hour)}, nil, Rules{}, func(b *bench) {
			b.open("s", 1000)
			b.open("x", 500)
			b.begin(request("x", "a", RailCard))
			time.Sleep(time.Second)
			var put sync.WaitGroup
			put.Go(func() {
				_, err := b.desk.Pay(b.ctx, request("s", "a", RailCard))
				b.refused(err, "not_ready")
			})
			time.Sleep(time.Second)
			b.stop()
			put.Wait()
		})
	}
}

func TestTheCounterIsFreeWhenTheTillHearsThatItsAttemptIsCancelled(t *testing.T) {
	card := &lateHost{script: &script{pol: cardPolicy, collect: shownAfterAMinute}, takes: 10 * time.Second}
	card.pol.OneCustomer = true
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.logged = func(message string) {
			if message == "attempt moved" {
				time.Sleep(100 * time.Millisecond) // what comes after the till was told
			}
		}
		b.open("s", 1000)
		b.open("x", 500)
		b.begin(impatient(request("s", "a", RailCard)))
		time.Sleep(time.Second)
		if a, err := b.desk.Cancel(b.ctx, Key{"till", "s", "a"}); err != nil || a.State != Cancelled {
			t.Fatalf("the cancel: %s (%v)", a.State, err)
		}
		b.begin(impatient(request("x", "a", RailCard)))
	})
}

func TestACustomerAtTheScannerLeavesTheReaderToOthers(t *testing.T) {
	away := &Problem{Code: "acquirer_offline", Status: 503, Detail: "away", Remedy: "look"}
	card := &lateHost{script: &script{pol: cardPolicy, collect: shownAfterAMinute}, takes: 5 * time.Second, first: away}
	purse := &script{pol: walletPolicy, collect: shownAfterAMinute}
	card.pol.OneCustomer, purse.pol.OneCustomer = true, true
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.begin(impatient(request("s", "a", RailAny)))
		time.Sleep(10 * time.Second) // only the scanner is asked by now
		b.begin(impatient(request("x", "a", RailCard)))
	})
}
