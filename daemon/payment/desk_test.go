package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// script is a tender whose answers a test writes down. Its counters are guarded by mu.
type script struct {
	pol     Policy
	collect func(ctx context.Context, r Request) (Input, error)
	answers []Answer
	undos   []Undo
	plan    Plan

	mu    sync.Mutex
	asked []string // "authorize a", "ask a", "reverse a" in the order of the calls
}

func (s *script) Policy() Policy              { return s.pol }
func (s *script) Ready(context.Context) error { return nil }

func (s *script) Collect(ctx context.Context, r Request) (Input, error) {
	if s.collect == nil || r.Kind != KindSale {
		var code string
		r.Code.Reveal(func(b []byte) { code = string(b) })
		return &simInput{code: code}, ctx.Err()
	}
	return s.collect(ctx, r)
}

func (s *script) Plan(Request, Input, Numbers) (Plan, error) {
	p := s.plan
	p.Sealed = append([]byte(nil), p.Sealed...)
	return p, nil
}

func (s *script) note(what string, a Attempt) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what+" "+a.Attempt)
	return len(s.asked)
}

func (s *script) next() (a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	return a
}

func (s *script) Authorize(_ context.Context, a Attempt, _ Input) Answer {
	s.note("authorize", a)
	return s.next()
}

func (s *script) Ask(_ context.Context, a Attempt) Answer {
	s.note("ask", a)
	return s.next()
}

func (s *script) Reverse(_ context.Context, a Attempt) (u Undo) {
	s.note("reverse", a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.undos) > 0 {
		u, s.undos = s.undos[0], s.undos[1:]
	}
	return u
}

func (s *script) calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.asked)
}

// bench is a desk under test, with a till.
type bench struct {
	t    *testing.T
	ctx  context.Context // of the bubble
	desk *Desk
	j    *journal.Journal
	fail error // of the next commit
	pass int   // guarded by mu; so many commits succeed before that

	committed func()       // called after each commit
	logged    func(string) // called with each message of the desk's log
	stop      func()       // ends the desk, as the end of the program does
	mu        sync.Mutex
	off       time.Duration // guarded by mu; what the wall clock is off by
	printed   []Batch       // guarded by mu
	gone      []string      // guarded by mu; what was let go
	lookUps   int           // guarded by mu; how often slips were to be looked up
}

// lookUp counts the slips that are due for nobody knows what.
func (b *bench) lookUp(s Sale, _ Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.ID == "" {
		b.lookUps++
	}
}

// slips are the batches whose slip was due.
func (b *bench) slips() []Batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Batch(nil), b.printed...)
}

func (b *bench) letGo(k Key, r Rail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = append(b.gone, k.String()+" "+string(r))
}

func (b *bench) print(batch Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.printed = append(b.printed, batch)
}

// skew sets the wall clock off.
func (b *bench) skew(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off += by
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.off)
}

func yes(amount Cents) Answer { return Answer{Outcome: Approved, Amount: amount, Code: "00"} }

// withDesk runs a test on a desk in a bubble of virtual time.
func withDesk(t *testing.T, card, purse *script, rules Rules, test func(b *bench)) {
	t.Helper()
	var c, p Tender
	if card != nil {
		c = card
	}
	if purse != nil {
		p = purse
	}
	withTenders(t, c, p, rules, test)
}

func withTenders(t *testing.T, card, purse Tender, rules Rules, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, ctx: t.Context(), committed: func() {}, logged: func(string) {}}
		j, err := journal.Open(b.ctx, journal.Options{
			Memory: true, Now: b.now, Owner: "test", Projections: []journal.Projection{Projection()},
			BeforeCommit: b.beforeCommit,
			AfterCommit:  func(int64) { b.committed() },
		})
		if err != nil {
			t.Fatal(err)
		}
		b.j = j
		defer func() { _ = j.Close() }()
		seal, err := NewSealer(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(overheard{slog.DiscardHandler, b})
		b.desk = NewDesk(Options{Book: NewBook(j, seal, b.now, log), Card: card, Wallet: purse, Rules: rules, Now: b.now, Log: log, Slip: b.lookUp, BatchSlip: b.print, LetGo: b.letGo})
		ctx, cancel := context.WithCancel(b.ctx)
		var run sync.WaitGroup
		run.Go(func() { _ = b.desk.Run(ctx) })
		b.stop = func() { cancel(); run.Wait() }
		synctest.Wait()
		test(b)
		b.stop()
	})
}

func (b *bench) beforeCommit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pass > 0 {
		b.pass--
		return nil
	}
	err := b.fail
	b.fail = nil
	return err
}

// failAfter makes a commit fail, after so many more that succeed.
func (b *bench) failAfter(pass int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pass, b.fail = pass, err
}

func (b *bench) open(id string, amount Cents) {
	b.t.Helper()
	if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: id, Amount: amount, Currency: "CNY"}); err != nil {
		b.t.Fatal(err)
	}
}

func request(sale, attempt string, rail Rail) Request {
	return Request{Key: Key{"till", sale, attempt}, Rail: rail, Kind: KindSale}
}

// pay pays and waits for the outcome.
func (b *bench) pay(r Request) (Attempt, error) {
	b.t.Helper()
	if _, err := b.desk.Pay(b.ctx, r); err != nil {
		return Attempt{}, err
	}
	return b.desk.Wait(b.ctx, r.Key, 5*time.Minute)
}

func (b *bench) said(r Request, want string) Attempt {
	b.t.Helper()
	a, err := b.pay(r)
	if err != nil || a.Said() != want {
		b.t.Fatalf("%s: said %q (%v), want %q", r.Key, a.Said(), err, want)
	}
	return a
}

func (b *bench) refused(err error, code string) {
	b.t.Helper()
	var p *Problem
	if !errors.As(err, &p) || p.Code != code || p.Remedy == "" {
		b.t.Fatalf("got %v, want problem %s with a remedy", err, code)
	}
}

func TestARepeatGetsTheSameAnswerAndReachesNoHostAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { b.said(request("s", "a", RailCard), SaidApproved) })
		}
		all.Wait()
		if card.calls() != "[authorize a]" {
			t.Errorf("the host was asked %s", card.calls())
		}
		other := request("s", "a", RailWallet)
		_, err := b.pay(other)
		b.refused(err, "attempt_differs")
	})
}

func TestAPaidSaleIsLockedAndSaysWhatToDo(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		_, err := b.pay(request("s", "b", RailCard))
		b.refused(err, "sale_paid")
	})
}

func TestSilenceIsReversedBeforeTheCustomerPaysAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}, undos: []Undo{{}, {Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidReversed)
		b.said(request("s", "b", RailCard), SaidApproved)
		if want := "[authorize a reverse a reverse a authorize b]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
	})
}

func TestAYoungReversalGatesItsTerminalAndAnOldOneDoesNot(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 1000)
		b.said(request("s", "a", RailCard), SaidReversing)
		_, err := b.pay(request("t", "a", RailCard))
		b.refused(err, "reversal_pending")
		time.Sleep(6 * time.Minute)
		b.said(request("t", "a", RailCard), SaidApproved)
		if h := b.desk.Health(b.ctx); h.Status != "degraded" {
			t.Errorf("health is %s, want degraded", h.Status)
		}
	})
}

func TestAWalletCodeIsUsedForOneAttempt(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 1000)
		r := request("s", "a", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		b.said(r, SaidApproved)
		r = request("t", "a", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		_, err := b.pay(r)
		b.refused(err, "code_in_use")
	})
}

func TestTheWalletIsAskedUntilItsDeadlineAndThenUndone(t *testing.T) {
	purse := &script{pol: walletPolicy, plan: Plan{Deadline: 10 * time.Second, FirstAsk: 3 * time.Second}, undos: []Undo{{Outcome: Confirmed}}}
	for range 20 {
		purse.answers = append(purse.answers, Answer{Outcome: Pending, After: 3 * time.Second})
	}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		r := request("s", "a", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		begun := time.Now()
		b.said(r, SaidReversed)
		if want := "[authorize a ask a ask a ask a ask a reverse a]"; purse.calls() != want || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %s, want %s", time.Since(begun), purse.calls(), want)
		}
	})
}

func TestTheFirstRailThatIsSentWinsAndTheOtherIsWiped(t *testing.T) {
	slow := &simInput{code: "4111"}
	card := &script{pol: cardPolicy, collect: func(ctx context.Context, _ Request) (Input, error) {
		<-ctx.Done()
		return slow, nil // it came in the same moment
	}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}, collect: func(context.Context, Request) (Input, error) {
		time.Sleep(2 * time.Second)
		return &simInput{code: "28"}, nil
	}}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if a := b.said(request("s", "a", RailAny), SaidApproved); a.Rail != RailWallet {
			t.Errorf("paid by %s, want wallet", a.Rail)
		}
		if slow.code != "" || card.calls() != "[]" {
			t.Errorf("the card was not let go: wiped %v, asked %s", slow.code == "", card.calls())
		}
		if got := fmt.Sprint(b.gone); got != "[s/a card]" {
			t.Errorf("said to be let go: %s", got)
		}
	})
}

func TestATillThatHangsUpCancelsOnlyBeforeSent(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}, collect: func(ctx context.Context, _ Request) (Input, error) {
		select {
		case <-time.After(30 * time.Second):
			return &simInput{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		hang := func(id string) {
			ctx, cancel := context.WithTimeout(b.ctx, time.Second)
			defer cancel()
			_, _ = b.desk.Pay(ctx, request("s", id, RailCard))
			_, _ = b.desk.Wait(ctx, Key{"till", "s", id}, time.Minute)
		}
		hang("gone")
		time.Sleep(6 * time.Second)
		b.said(request("s", "gone", RailCard), SaidNotPaid)
		hang("back")
		time.Sleep(4 * time.Second)
		b.said(request("s", "back", RailCard), SaidApproved)
	})
}
