package payment

import (
	"strings"
	"testing"

	"posd/daemon/journal"
)

// plan is how SQLite goes about a query.
func (b *bench) plan(query string) string {
	b.t.Helper()
	var steps []string
	err := b.j.View(b.ctx, func(tx *journal.Tx) error {
		rows, err := tx.Query("EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				return err
			}
			steps = append(steps, step)
		}
		return rows.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}

// What is asked for while payments wait must not take time for all that was ever paid: a start, the batches, one sale for a
// person, the sales of a day.
func TestNoQueryLooksAtAllThatWasEverPaid(t *testing.T) {
	const attempts = `SELECT doc FROM payment_attempt WHERE `
	withDesk(t, &script{}, nil, Rules{}, func(b *bench) {
		for _, row := range []struct{ what, query, index string }{
			{"a start", attempts + openAttempts, "payment_attempt_confirm"},
			{"what is sent or being reversed on a terminal", attempts + openInBatch, "payment_attempt_state (state=?)"},
			{"what is open in a batch", attempts + openInBatch, "payment_attempt_batch (terminal=? AND ended=? AND batch=?)"},
			{"a sale by its id", byID + mine, "payment_sale_id (id=?)"},
			{"a sale by its short id", byShortID, "payment_attempt_short (short_id=?)"},
			{"the sales after one", openedAfter, "payment_sale_seq (seq>?)"},
			{"the first sale since a time", firstSince, "payment_attempt_sent (sent_at>?)"},
			{"the sales since a time", sentSince, "payment_sale_seq (seq>?)"},
		} {
			plan := b.plan(row.query)
			if strings.Contains(plan, "SCAN") || !strings.Contains(plan, row.index) || strings.Contains(plan, "payment_attempt_batch (terminal=?)") {
				t.Errorf("the plan of %s is %s, want no scan, and %s", row.what, plan, row.index)
			}
		}
	})
}
