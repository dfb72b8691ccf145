package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"posd/config"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/daemon/receipt"
	"posd/drivers/printer"
)

func TestNoReceiptIsShownOrPrintedBeforeTheAcknowledgement(t *testing.T) {
	h := &house{cfg: &config.Config{}, w: world{Now: time.Now}}
	a := payment.Attempt{Kind: payment.KindSale, State: payment.ApprovedState, Amount: 10, Approved: 10, Currency: "CNY", Print: true, Confirm: true}
	s := payment.Sale{Amount: 10, Currency: "CNY", Attempts: []payment.Attempt{a}}
	if _, due := h.slip(s, a); due || h.slipLines(s, a) != nil {
		t.Error("a receipt comes before the acknowledgement")
	}
	a.Acked = true
	if _, due := h.slip(s, a); !due || h.slipLines(s, a) == nil {
		t.Error("no receipt comes after the acknowledgement")
	}
}

// paperless is a printer that has no paper: slips stay in the queue.
type paperless struct{ printer.Printer }

func (paperless) Status(context.Context) (printer.Status, error) {
	return printer.Status{}, errors.New("no paper")
}

// failing is a printer that fails in the middle of whatever it prints.
type failing struct{ paperless }

func (failing) Status(context.Context) (printer.Status, error) {
	return printer.Status{Online: true}, nil
}

func (failing) Print(context.Context, printer.Document) (printer.Result, error) {
	return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrCannotSay}
}

func TestTheHealthTellsOfAPrinterThatFailsAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Pointer[error]
		h, stop := slipHouse(t, &fail)
		defer stop()
		h.slips.queue = prints.New(prints.Options{Journal: h.journal, Printer: failing{}, Now: time.Now})
		ctx, end := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { h.slips.queue.Run(ctx) })
		defer run.Wait()
		defer end()
		if _, err := h.slips.queue.PutJob(t.Context(), "till", "1", prints.Content{Receiptline: "x\n="}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		told := h.concerns(t.Context())
		if len(told) != 1 || told[0].Code != "printer_fails" || told[0].Remedy == "" {
			t.Errorf("got %+v", told)
		}
	})
}

// slow is a printer that takes its time.
type slow struct{ failing }

func (slow) Print(context.Context, printer.Document) (printer.Result, error) {
	time.Sleep(10 * time.Second)
	return printer.Result{}, nil
}

func TestASlipThatIsBeingPrintedIsNoConcernAndOneThatThePrinterKeepsIs(t *testing.T) {
	for name, tc := range map[string]struct {
		p            printer.Printer
		soon, minute int
	}{"it prints": {slow{}, 0, 0}, "it has no paper": {paperless{}, 2, 2}, "nobody prints": {nil, 0, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fail atomic.Pointer[error]
				h, stop := slipHouse(t, &fail)
				defer stop()
				if tc.p != nil {
					h.slips.queue = prints.New(prints.Options{Journal: h.journal, Printer: tc.p, Now: time.Now})
					ctx, end := context.WithCancel(t.Context())
					var run sync.WaitGroup
					run.Go(func() { h.slips.queue.Run(ctx) })
					defer run.Wait()
					defer end()
				}
				for _, id := range []string{"1", "2"} {
					slip := receipt.BatchSlip{Batch: payment.Batch{Number: id}, Now: time.Now()}
					h.slips.take(sheet{id: id, doc: slip.Document(), made: time.Now()})
				}
				for _, look := range []struct {
					after time.Duration
					want  int
				}{{time.Second, tc.soon}, {time.Minute, tc.minute}} {
					time.Sleep(look.after)
					if n := h.slips.waiting(t.Context()); n != look.want {
						t.Errorf("%v later %d slips wait, want %d", look.after, n, look.want)
					}
				}
			})
		})
	}
}

// failure is what the next commit fails with.
func failure(fail *atomic.Pointer[error]) error {
	if err := fail.Load(); err != nil {
		return *err
	}
	return nil
}

// slipHouse is as much of posd as slips need, in a bubble. fail is the error of the next commits.
func slipHouse(t *testing.T, fail *atomic.Pointer[error]) (h *house, stop func()) {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", BeforeCommit: func() error { return failure(fail) },
		Projections: []journal.Projection{payment.Projection(), prints.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	h = &house{cfg: &config.Config{}, w: world{Now: time.Now, Log: log}, journal: j}
	h.desk = payment.NewDesk(payment.Options{Book: payment.NewBook(j, nil, time.Now, log), Now: time.Now, Log: log})
	h.slips = newSlips(h, paperless{})
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { _ = h.desk.Run(ctx) })
	parts.Go(func() { h.slips.run(ctx) })
	synctest.Wait()
	return h, func() {
		cancel()
		parts.Wait()
		_ = j.Close()
	}
}

func TestASlipOutlivesABlockedJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Pointer[error]
		h, stop := slipHouse(t, &fail)
		defer stop()
		a := payment.Attempt{
			Key: payment.Key{Client: "till", Sale: "s", Attempt: "a"}, Kind: payment.KindSale, State: payment.ApprovedState,
			Amount: 10, Approved: 10, Currency: "CNY", Print: true, DecidedAt: time.Now(),
		}
		broken := errors.New("the disk does not write")
		fail.Store(&broken)
		h.slips.offer(payment.Sale{Client: "till", ID: "s", Amount: 10, Currency: "CNY", Attempts: []payment.Attempt{a}}, a)
		time.Sleep(2 * slipSoon)
		if n := h.slips.waiting(t.Context()); n != 1 {
			t.Errorf("%d slips wait while the journal is blocked, want 1", n)
		}
		fail.Store(nil)
		time.Sleep(2 * slipSoon)
		jobs, err := h.slips.queue.Open(t.Context())
		if err != nil || len(jobs) != 1 || h.slips.waiting(t.Context()) != 1 {
			t.Errorf("%d slips in the queue (%v) when the journal is back, want the one", len(jobs), err)
		}
	})
}

func TestASlipWhoseSaleCannotBeReadIsLookedUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Pointer[error]
		h, stop := slipHouse(t, &fail)
		defer stop()
		h.slips.offer(payment.Sale{}, payment.Attempt{})
		synctest.Wait()
		if n := h.slips.waiting(t.Context()); n != 0 {
			t.Errorf("%d slips wait after the look, want none: there are no sales", n)
		}
	})
}

func TestSlipsComeOutInTheOrderOfWhatTheyTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Pointer[error]
		h, stop := slipHouse(t, &fail)
		defer stop()
		doc := receipt.BatchSlip{Batch: payment.Batch{Number: "1"}, Now: time.Now()}.Document()
		h.slips.mu.Lock()
		h.slips.pending = []sheet{{id: "new", doc: doc, made: time.Now()}, {id: "old", doc: doc, made: time.Now().Add(-time.Minute), old: true}}
		h.slips.mu.Unlock()
		h.slips.nudge()
		synctest.Wait()
		jobs, err := h.slips.queue.Open(t.Context())
		if err != nil || len(jobs) != 2 || jobs[0].ID != "old" || jobs[1].ID != "new" {
			t.Errorf("queued %+v (%v), want the old one first", jobs, err)
		}
	})
}

func TestSlipsOfBeforeTheStartAreLookedUpWhenTheRecoveryIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Pointer[error]
		before, stop := slipHouse(t, &fail)
		defer stop()
		h := &house{cfg: before.cfg, w: before.w, journal: before.journal}
		h.desk = payment.NewDesk(payment.Options{Book: payment.NewBook(h.journal, nil, time.Now, h.w.Log), Now: time.Now, Log: h.w.Log})
		h.slips = newSlips(h, paperless{})
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		defer parts.Wait()
		defer cancel()
		parts.Go(func() { h.slips.run(ctx) })
		time.Sleep(2 * slipSoon)
		if n := h.slips.waiting(t.Context()); n != 1 {
			t.Errorf("%d slips wait before the recovery, want one that may be", n)
		}
		parts.Go(func() { _ = h.desk.Run(ctx) })
		synctest.Wait()
		if n := h.slips.waiting(t.Context()); n != 0 {
			t.Errorf("%d slips wait after the recovery, want none: there are no sales", n)
		}
	})
}

func TestASlipThatWasLostWithThePowerIsQueuedForAsLongAsItShould(t *testing.T) {
	now := time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	h := &house{cfg: &config.Config{}, w: world{Now: func() time.Time { return now }}}
	for name, row := range map[string]struct {
		a     payment.Attempt
		acked time.Time
		ended time.Time // when the last run wrote its last event
		made  time.Time // zero: not at all
	}{
		"of now":             {payment.Attempt{DecidedAt: ago(time.Minute)}, time.Time{}, ago(0), ago(time.Minute)},
		"of hours ago":       {payment.Attempt{DecidedAt: ago(3 * time.Hour)}, time.Time{}, ago(0), ago(3 * time.Hour)},
		"of last week":       {payment.Attempt{DecidedAt: ago(168 * time.Hour)}, time.Time{}, ago(0), time.Time{}},
		"of a new journal":   {payment.Attempt{DecidedAt: ago(168 * time.Hour)}, time.Time{}, time.Time{}, time.Time{}},
		"acknowledged":       {payment.Attempt{DecidedAt: ago(time.Hour), Confirm: true, Acked: true}, ago(time.Minute), ago(0), ago(time.Minute)},
		"not yet":            {payment.Attempt{DecidedAt: ago(time.Hour), Confirm: true}, time.Time{}, ago(0), time.Time{}},
		"over a weekend":     {payment.Attempt{DecidedAt: ago(60 * time.Hour)}, time.Time{}, ago(59 * time.Hour), ago(60 * time.Hour)},
		"of before the end":  {payment.Attempt{DecidedAt: ago(60 * time.Hour)}, time.Time{}, ago(50 * time.Hour), time.Time{}},
		"of after the end":   {payment.Attempt{DecidedAt: ago(60 * time.Hour)}, time.Time{}, ago(70 * time.Hour), time.Time{}},
		"clock set back":     {payment.Attempt{DecidedAt: ago(-24 * time.Hour)}, time.Time{}, ago(-24 * time.Hour), ago(-24 * time.Hour)},
		"clock was set back": {payment.Attempt{DecidedAt: ago(time.Hour)}, time.Time{}, ago(24 * time.Hour), ago(time.Hour)},
	} {
		h.ended = row.ended
		s := &slips{h: h, ready: make(chan struct{}, 1)}
		a := row.a
		a.Kind, a.State, a.Amount, a.Approved, a.Currency, a.Print = payment.KindSale, payment.ApprovedState, 10, 10, "CNY", true
		s.offerOld(payment.Sale{ID: "s", Amount: 10, Currency: "CNY", AckedAt: row.acked, Attempts: []payment.Attempt{a}}, a)
		if row.made.IsZero() {
			if len(s.pending) > 0 {
				t.Errorf("%s: %+v is queued", name, s.pending)
			}
			continue
		}
		if len(s.pending) != 1 || !s.pending[0].made.Equal(row.made) || !s.pending[0].old {
			t.Errorf("%s: %+v, want it as of %v", name, s.pending, row.made)
		}
	}
}
