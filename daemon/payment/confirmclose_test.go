package payment

import (
	"testing"
	"time"
)

func TestWhatNobodyHasAcknowledgedIsTakenBackBeforeItsBatchIsSettled(t *testing.T) {
	rules := Rules{ConfirmMode: true, ConfirmWithin: 5 * time.Minute, BatchWait: time.Minute}
	for name, row := range map[string]struct {
		close CloseBatch
		ack   bool
		want  Totals
		said  string
	}{
		"forced, and it lapses":            {CloseBatch{By: "chief", Reason: "closing time", Force: true}, false, Totals{}, SaidReversed},
		"forced, and it is acknowledged":   {CloseBatch{By: "chief", Reason: "closing time", Force: true}, true, Totals{Sales: Sum{1, 100}}, SaidApproved},
		"at its hour, and it lapses":       {CloseBatch{By: "schedule", scheduled: "2026-11-28"}, false, Totals{}, SaidReversed},
		"at its hour, and it is confirmed": {CloseBatch{By: "schedule", scheduled: "2026-11-28"}, true, Totals{Sales: Sum{1, 100}}, SaidApproved},
	} {
		t.Run(name, func(t *testing.T) {
			card := newSettlingCard(yes(100))
			card.undos = []Undo{{Outcome: Confirmed}, {Outcome: Refused, Code: "64"}} // the host knows it no more once it is settled
			withTenders(t, card, nil, rules, func(b *bench) {
				b.open("s", 100)
				b.said(request("s", "a", RailCard), SaidApproved)
				if row.ack {
					time.AfterFunc(30*time.Second, func() { _, _ = b.desk.Ack(b.ctx, "till", "s") })
				}
				if got := b.closed(row.close, BatchClosed); got.Totals != row.want || len(got.Open) > 0 {
					t.Errorf("closed with %+v, open %+v; want %+v", got.Totals, got.Open, row.want)
				}
				if _, err := b.desk.Ack(b.ctx, "till", "s"); (err == nil) != row.ack {
					t.Errorf("an acknowledgement after the close: %v", err)
				}
				time.Sleep(10 * time.Minute)
				b.said(request("s", "a", RailCard), row.said)
			})
		})
	}
}

func TestWhatACompletionKeepsDelaysAForcedCloseByOneWaitOnly(t *testing.T) {
	rules := Rules{ConfirmMode: true, ConfirmWithin: time.Minute, BatchWait: time.Minute}
	card := newSettlingCard(yes(100), Answer{})
	card.undos = []Undo{{Outcome: Refused, Code: "25"}}
	withTenders(t, card, nil, rules, func(b *bench) {
		b.open("s", 100)
		b.said(preAuth("s", "p"), SaidApproved)
		b.said(naming("s", "c", KindCompletion, "p", 0), SaidNeedsAttention)
		time.Sleep(5 * time.Minute) // the pre-auth would have lapsed, but its completion is with a person
		start := time.Now()
		got := b.closed(CloseBatch{By: "chief", Reason: "closing time", Force: true}, BatchClosed)
		if took := time.Since(start); took > 90*time.Second {
			t.Errorf("the close took %v", took)
		}
		if len(got.Open) != 2 {
			t.Errorf("closed with %+v open, want the pre-auth and its completion", got.Open)
		}
	})
}
