package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
)

const aBatch = `{"batch":"000007","state":"closed","by":"Li Na","currency":"CNY","net":13000,"next":"000008","code":"00",
"totals":{"sales":{"count":2,"amount":14999},"voids":{"count":1,"amount":1999}},
"open_items":[{"sale":"S-1","attempt":"a1","short_id":"K7M2QX","kind":"sale","inner_state":"stuck","amount":500,"currency":"CNY","batch":"000007","trace":"000042"}]}`

func TestBatchesAreListedWithWhatIsOpen(t *testing.T) {
	s := &standIn{answers: map[string]string{"GET /v1/batches": `{"batches":[{"batch":"000008","state":"closing","currency":"CNY","progress":{"step":"totals","tries":3}},` + aBatch + `]}`}}
	got, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return batchListCmd{}.list(ctx, c, g) })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"000008  closing", "totals, try 4", "000007  closed   2: CNY 149.99  -", "1: CNY 19.99", "CNY 130.00", "Li Na", "not decided in batch 000007:", "S-1/a1", "stuck", "CNY 5.00"} {
		if !strings.Contains(got, want) {
			t.Errorf("the list lacks %q:\n%s", want, got)
		}
	}
}

func TestClosingABatchSaysWhatCameOfIt(t *testing.T) {
	const path = "POST /v1/batches/close"
	for _, c := range []struct {
		name, answer, want, fails string
		cmd                       batchCloseCmd
	}{
		{"closed", aBatch, "batch 000007 is closed with CNY 130.00; the next one is 000008\nnot decided when it was closed:\n", "", batchCloseCmd{By: "Li Na"}},
		{"closing", `{"batch":"000007","state":"closing"}`, "posd goes on asking", "", batchCloseCmd{By: "Li Na"}},
		{"refused", `{"batch":"000007","state":"refused","code":"77","problem":{"remedy":"ask the acquirer"}}`, "", "77 ; ask the acquirer", batchCloseCmd{By: "Li Na"}},
		{"ended", `{"batch":"000007","state":"refused","code":"given_up"}`, "cards are taken again", "", batchCloseCmd{By: "Li Na"}},
		{"by hand", `{"batch":"000007","state":"superseded","code":"by_hand","currency":"CNY","net":13000,"next":"000008"}`, "ended with CNY 130.00, without the acquirer; the next one is 000008", "", batchCloseCmd{By: "Li Na"}},
		{"forced for no reason", aBatch, "", "--reason", batchCloseCmd{By: "Li Na", Force: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &standIn{answers: map[string]string{path: c.answer}}
			got, err := ask(t, s, func(ctx context.Context, cl *client, g *globals) error {
				return c.cmd.close(ctx, cl.patient(time.Minute), g)
			})
			if !strings.Contains(got, c.want) || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("prints %q and %v", got, err)
			}
			if c.fails != "--reason" && (len(s.asked) != 1 || s.asked[0] != path+` {"by":"Li Na","force":false,"reason":""}`) {
				t.Errorf("asked %q", s.asked)
			}
		})
	}
}

func TestTheCloseOfABatchIsLaidOutForThePrinter(t *testing.T) {
	h := &house{cfg: &config.Config{}, w: world{Now: time.Now}}
	s := &slips{h: h, ready: make(chan struct{}, 1)}
	s.offerBatch(payment.Batch{Number: "000007", Terminal: "T", State: payment.BatchClosed, Currency: "CNY"})
	if len(s.pending) != 1 || !strings.HasPrefix(s.pending[0].id, "batch/T/000007/") || len(s.pending[0].doc.Lines) == 0 {
		t.Errorf("pending %+v", s.pending)
	}
}
