package payment

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"posd/daemon/journal"
)

// The two sides of a batch, each of which its close counts.
var sides = [][]Kind{{KindSale, KindCompletion}, {KindVoid, KindRefund}}

// roomInBatch refuses what would make a batch that can never be closed, since its close cannot count so many.
func roomInBatch(tx *journal.Tx, pol Policy, k Kind) error {
	for _, side := range sides {
		if !slices.Contains(side, k) || pol.BatchSize <= 0 || pol.Terminal == "" {
			continue
		}
		n, err := filled(tx, pol, side)
		if err != nil {
			return err
		}
		if n >= pol.BatchSize {
			return &Problem{
				Code: "batch_full", Status: 409, Detail: fmt.Sprintf("the batch holds %d payments, and its close can count no more", n),
				Remedy: "close the batch; then begin anew",
			}
		}
	}
	return nil
}

// filled counts what stands on one side of the terminal's batch, or may come to stand there. Far from the limit it gives
// the number of all that was sent in it.
func filled(tx *journal.Tx, pol Policy, side []Kind) (n int, err error) {
	var batch string
	err = tx.QueryRow(`SELECT batch, sent FROM payment_terminal WHERE terminal = ?`, pol.Terminal).Scan(&batch, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil || n < nearlyFull(pol) {
		return n, err
	}
	err = tx.QueryRow(`SELECT count(*) FROM payment_attempt WHERE terminal = ? AND ended = 0 AND batch = ? AND kind IN (?, ?)
  AND state IN ('sent', 'approved', 'reversing', 'stuck', 'settled_paid')`,
		pol.Terminal, batch, string(side[0]), string(side[1])).Scan(&n)
	return n, err
}

// nearlyFull is from how many on a shop should think of closing its batch.
func nearlyFull(pol Policy) int { return pol.BatchSize - pol.BatchSize/10 }

// fullConcern says when a batch is full, or soon will be.
func (d *Desk) fullConcern(tx *journal.Tx, warn func(code, detail, remedy string)) error {
	_, pol, ok := d.settler()
	if !ok || pol.BatchSize <= 0 {
		return nil
	}
	for _, side := range sides {
		n, err := filled(tx, pol, side)
		if err != nil {
			return err
		}
		if n < nearlyFull(pol) {
			continue
		}
		code := "batch_nearly_full"
		if n >= pol.BatchSize {
			code = "batch_full"
		}
		warn(code, fmt.Sprintf("the batch holds %d of the %d payments that its close can count", n, pol.BatchSize), "close the batch: posd batch close")
	}
	return nil
}
