package payment

import (
	"crypto/rand"
	"encoding/binary"

	"posd/daemon/journal"
)

// A journal that was put back from an older copy would hand out the numbers again that were used after the copy was made
// (rule 8): a gateway would take a new payment for an old one, and a host reverse another sale than was meant. So they
// leap, further than a shop can have come since the copy; and by up to as much again, drawn each time: the same copy may be
// put back twice.
const (
	orderLeap = 1_000_000 // of 999,999,999
	traceLeap = 20_000    // of 999,999
)

// Leap moves the numbers on in a journal that may be a copy that was put back. It comes before anything else is written.
func Leap(tx *journal.Tx) error {
	facts := []Fact{{Kind: factLeapt, Leap: leap(orderLeap)}}
	rows, err := tx.Query(`SELECT terminal, trace FROM payment_terminal ORDER BY terminal`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var terminal string
		var trace int64
		if err := rows.Scan(&terminal, &trace); err != nil {
			return err
		}
		next := (trace+leap(traceLeap)-1)%lastTrace + 1
		facts = append(facts, Fact{Kind: factTrace, Terminal: terminal, Trace: TraceNumber(next)})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return appendFacts(tx, facts...)
}

// leap draws one of a least length to twice that.
func leap(least int64) int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return least + int64(binary.LittleEndian.Uint64(b[:])%uint64(least+1))
}
