package main

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/config"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
)

// yesCard is a card terminal whose host approves of everything.
type yesCard struct{}

func (yesCard) Policy() payment.Policy      { return payment.Policy{Terminal: "T"} }
func (yesCard) Ready(context.Context) error { return nil }
func (yesCard) Collect(context.Context, payment.Request) (payment.Input, error) {
	return nil, nil
}

func (yesCard) Plan(payment.Request, payment.Input, payment.Numbers) (payment.Plan, error) {
	return payment.Plan{}, nil
}

func (yesCard) Authorize(_ context.Context, a payment.Attempt, _ payment.Input) payment.Answer {
	return payment.Answer{Outcome: payment.Approved, Amount: a.Amount}
}
func (yesCard) Ask(context.Context, payment.Attempt) payment.Answer   { return payment.Answer{} }
func (yesCard) Reverse(context.Context, payment.Attempt) payment.Undo { return payment.Undo{} }

func TestAStartPrintsNoSecondSlipOfAVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), journal.Options{Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection(), prints.Projection()}})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		log := slog.New(slog.DiscardHandler)
		start := func() (h *house, stop func()) {
			h = &house{cfg: &config.Config{}, w: world{Now: time.Now, Log: log}, journal: j}
			h.slips = newSlips(h, paperless{})
			h.desk = payment.NewDesk(payment.Options{Book: payment.NewBook(j, nil, time.Now, log), Card: yesCard{}, Now: time.Now, Log: log, Slip: h.slips.offer})
			ctx, cancel := context.WithCancel(t.Context())
			var parts sync.WaitGroup
			parts.Go(func() { _ = h.desk.Run(ctx) })
			parts.Go(func() { h.slips.run(ctx) })
			synctest.Wait()
			return h, func() { cancel(); parts.Wait() }
		}
		list := func(h *house) (ids []string) {
			jobs, err := h.slips.queue.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range jobs {
				ids = append(ids, j.ID)
			}
			return ids
		}
		h, stop := start()
		ctx := t.Context()
		if _, err := h.desk.OpenSale(ctx, payment.NewSale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Fatal(err)
		}
		k := payment.Key{Client: "till", Sale: "s", Attempt: "a"}
		if _, err := h.desk.Pay(ctx, payment.Request{Key: k, Rail: payment.RailCard, Kind: payment.KindSale, Print: true}); err != nil {
			t.Fatal(err)
		}
		a, err := h.desk.Wait(ctx, k, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		k.Attempt = "v"
		if _, err := h.desk.Pay(ctx, payment.Request{Key: k, Kind: payment.KindVoid, Original: &a, Print: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.Wait(ctx, k, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		before := list(h)
		stop()
		h, stop = start()
		defer stop()
		time.Sleep(10 * time.Second)
		if after := list(h); len(after) != len(before) {
			t.Errorf("a start has queued %v, before it were %v", after, before)
		}
	})
}
