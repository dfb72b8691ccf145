package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"posd/config"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers/printer"
)

// papers is a printer that prints when it has paper.
type papers struct {
	paper atomic.Bool
	out   chan printer.Document
}

func (p *papers) Status(context.Context) (printer.Status, error) {
	return printer.Status{Online: true, PaperOut: !p.paper.Load()}, nil
}

func (p *papers) Print(_ context.Context, d printer.Document) (printer.Result, error) {
	p.out <- d
	return printer.Result{}, nil
}

func TestASlipThatIsTooLateComesOutOnDemandWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), journal.Options{Memory: true, Now: time.Now, Projections: []journal.Projection{prints.Projection()}})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		h := &house{cfg: &config.Config{}, w: world{Now: time.Now}, journal: j}
		p := &papers{out: make(chan printer.Document, 8)}
		h.slips = newSlips(h, p)
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { h.slips.queue.Run(ctx) })
		a := payment.Attempt{Key: payment.Key{Client: "till", Sale: "s", Attempt: "a"}, Kind: payment.KindSale, State: payment.ApprovedState, Amount: 10, Approved: 10, Currency: "CNY", DecidedAt: time.Now()}
		s := payment.Sale{Amount: 10, Currency: "CNY", Attempts: []payment.Attempt{a}}
		ask := func(state prints.State, isCopy bool) {
			t.Helper()
			if job, copied, err := h.printSlip(t.Context(), s, a); err != nil || job.State != state || copied != isCopy {
				t.Errorf("asked for: %+v, copy %v, %v; want %s", job, copied, err, state)
			}
		}
		ask(prints.Waiting, false) // there is no paper
		time.Sleep(11 * time.Minute)
		p.paper.Store(true)
		h.slips.queue.Wake()
		time.Sleep(time.Minute)
		if len(p.out) > 0 {
			t.Error("a slip that is too late comes out by itself")
		}
		released := func(isCopy bool) { // without paper, so that it is seen before it is printed
			t.Helper()
			p.paper.Store(false)
			ask(prints.Waiting, isCopy)
			synctest.Wait()
			p.paper.Store(true)
			h.slips.queue.Wake()
			time.Sleep(time.Minute)
		}
		released(false)
		released(true)
		stop()
		run.Wait()
		for i, want := range []string{"PRINTED LATE", "COPY"} {
			if text := fmt.Sprint(<-p.out); !strings.Contains(text, want) {
				t.Errorf("slip %d lacks %q: %s", i+1, want, text)
			}
		}
	})
}
