package payment

import (
	"regexp"
	"testing"

	"posd/daemon/journal"
)

// A snapshot of a whole machine that is put back fits its mark: nobody notices, and the counter counts the same numbers again.
func TestAnOrderNumberIsNewAlsoWhereItsCounterIsNot(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000), yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		orders := map[string]bool{}
		for _, sale := range []string{"s-1", "s-2", "s-3"} {
			err := b.j.Update(b.ctx, func(tx *journal.Tx) error { return tx.Exec(`DELETE FROM payment_counter`) })
			if err != nil {
				t.Fatal(err)
			}
			b.open(sale, 1000)
			order := b.said(scanned(sale, "a", "28000000000000000"+sale[2:]), SaidApproved).Numbers.Order
			if orders[order] || !regexp.MustCompile(`^`+b.j.ID()+`000000001[0-9A-Z]{6}$`).MatchString(order) {
				t.Errorf("order %s comes after %v", order, orders)
			}
			orders[order] = true
		}
	})
}
