package payment

import (
	"fmt"
	"testing"
)

func TestABatchTakesNoMoreThanItsCloseCanCountAndSaysSoBefore(t *testing.T) {
	card := newSettlingCard()
	card.pol.BatchSize = 10
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		sell := func(n int) (Attempt, error) {
			id := fmt.Sprint("s", n)
			b.open(id, 100)
			card.script.mu.Lock()
			card.answers = append(card.answers, yes(100))
			card.script.mu.Unlock()
			return b.pay(request(id, "a", RailCard))
		}
		for n := range 10 {
			if n == 9 {
				b.concern("batch_nearly_full")
			} else if h := b.desk.Health(b.ctx); h.Status != "ok" {
				t.Errorf("with %d payments health is %+v", n, h)
			}
			if a, err := sell(n); err != nil || a.State != ApprovedState {
				t.Fatalf("payment %d: %s %v", n, a.State, err)
			}
		}
		_, err := sell(10)
		b.refused(err, "batch_full")
		b.concern("batch_full")
		b.said(Request{Key: Key{"till", "s10", "b"}, Rail: RailCard, Kind: KindBalance}, SaidApproved) // it is in no batch
		card.script.mu.Lock()
		card.answers = []Answer{yes(100)}
		card.script.mu.Unlock()
		b.said(naming("s0", "v", KindVoid, "a", 0), SaidApproved) // the other side has room
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		for n := range 10 {
			if h := b.desk.Health(b.ctx); n < 9 && h.Status != "ok" {
				t.Errorf("with %d payments in the next batch health is %+v", n, h)
			}
			if a, err := sell(11 + n); err != nil || a.State != ApprovedState {
				t.Fatalf("payment %d of the next batch: %s %v", n, a.State, err)
			}
		}
		_, err = sell(21)
		b.refused(err, "batch_full")
	})
}

// concern checks that the health has one of that code, with a remedy.
func (b *bench) concern(code string) {
	b.t.Helper()
	h := b.desk.Health(b.ctx)
	for _, p := range h.Problems {
		if p.Code == code && p.Remedy != "" && h.Status == "degraded" {
			return
		}
	}
	b.t.Errorf("health is %+v, want %s", h, code)
}
