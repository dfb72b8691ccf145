package journal_test

import (
	"testing"

	"posd/daemon/journal"
)

func TestRowsOfOneQueryMayBeOpenTwice(t *testing.T) {
	j := open(t, options(t))
	appendNotes(t, j, "sale/1", "x")
	appendNotes(t, j, "sale/2", "y")
	const query = "SELECT subject FROM tally ORDER BY subject"
	for range 2 { // and are used again
		var seen []string
		err := j.View(t.Context(), func(tx *journal.Tx) error {
			outer, err := tx.Query(query)
			if err != nil {
				return err
			}
			defer func() { _ = outer.Close() }()
			for outer.Next() {
				inner, err := tx.Query(query)
				if err != nil {
					return err
				}
				var a, b string
				if !inner.Next() || inner.Scan(&b) != nil || outer.Scan(&a) != nil {
					t.Error("no row")
				}
				seen = append(seen, a+" "+b)
				_ = inner.Close()
				_ = inner.Close()
			}
			return outer.Err()
		})
		if err != nil || len(seen) != 2 || seen[0] != "sale/1 sale/1" || seen[1] != "sale/2 sale/1" {
			t.Errorf("got %q, %v", seen, err)
		}
	}
}
