package payment

import (
	"strings"
	"testing"

	"posd/daemon/journal"
)

// A start reads what is open. That must not take time for all that was ever paid.
func TestAStartLooksAtWhatIsOpenOnly(t *testing.T) {
	withDesk(t, &script{}, nil, Rules{}, func(b *bench) {
		var plan []string
		err := b.j.View(b.ctx, func(tx *journal.Tx) error {
			rows, err := tx.Query("EXPLAIN QUERY PLAN SELECT doc FROM payment_attempt WHERE " + openAttempts)
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
				plan = append(plan, step)
			}
			return rows.Err()
		})
		all := strings.Join(plan, "; ")
		if err != nil || strings.Contains(all, "SCAN") || !strings.Contains(all, "payment_attempt_confirm") {
			b.t.Errorf("the plan is %s (%v), want no scan, and the index of those that await their confirmation", all, err)
		}
	})
}
