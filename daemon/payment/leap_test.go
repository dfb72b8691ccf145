package payment

import (
	"testing"

	"posd/daemon/journal"
)

// leapt is where the numbers stand after a copy is put back whose numbers stood at a count and a trace.
func (b *bench) leapt(terminal string, count int64, trace TraceNumber) (order int64, at TraceNumber) {
	b.t.Helper()
	err := b.j.Update(b.ctx, func(tx *journal.Tx) error {
		if err := tx.Exec(`UPDATE payment_counter SET value = ? WHERE name = 'order'`, count); err != nil {
			return err
		}
		if err := setTrace(tx, terminal, trace); err != nil {
			return err
		}
		if err := Leap(tx); err != nil {
			return err
		}
		if err := tx.QueryRow(`SELECT value FROM payment_counter WHERE name = 'order'`).Scan(&order); err != nil {
			return err
		}
		_, last, err := terminalRow(tx, terminal)
		at = TraceNumber(last)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return order, at
}

// Were it the same leap each time, what was paid after the first time would be asked for by the numbers of after the second.
func TestACopyThatIsPutBackTwiceDoesNotLeapToTheSameNumbers(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		const count, trace = 256, lastTrace - 25_000 // the trace numbers wrap
		orders, traces := map[int64]bool{}, map[TraceNumber]bool{}
		for range 8 {
			order, at := b.leapt(cardPolicy.Terminal, count, trace)
			far := (int64(at) - trace + lastTrace) % lastTrace
			if order-count < 1_000_000 || order-count > 2_000_000 || far < 20_000 || far > 40_000 || at < 1 || at > lastTrace {
				t.Errorf("leapt to order %d and trace %d", order, at)
			}
			orders[order], traces[at] = true, true
		}
		if len(orders) < 7 || len(traces) < 7 { // two of the eight may meet
			t.Errorf("leapt to the orders %v and the traces %v", orders, traces)
		}
	})
}
