package hostsim

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Bill says which bill an acquirer gives of its ledger, and what is wrong in it.
type Bill struct {
	Terminal, Batch string // "" for all

	Missing []string         // faults: trace numbers of which the bill says nothing
	Amounts map[string]int64 // and those of which it says another amount
}

// Bill writes what the ledger has booked: a line for each message that moved money, with the numbers that the terminal gave
// it. Acquirers have no common form of it; this one is told in full, and easily made of theirs.
func (h *Host) Bill(b Bill) []byte { return b.of(h.Ledger()) }

func (b Bill) of(entries []Entry) []byte {
	var out bytes.Buffer
	out.WriteString("# batch bill 1\nterminal,batch,trace,kind,state,amount,currency,reference,approval,time\n")
	n := 0
	for _, e := range entries {
		other := b.Terminal != "" && e.Terminal != b.Terminal || b.Batch != "" && e.Batch != b.Batch
		if other || !e.Approved || e.Captured == 0 || trades[e.Kind].moves == 0 || slices.Contains(b.Missing, e.Trace) {
			continue
		}
		n++
		state, amount := "booked", e.Captured
		if e.Reversed {
			state = "reversed"
		}
		if told, ok := b.Amounts[e.Trace]; ok {
			amount = told
		}
		fmt.Fprintf(&out, "%s,%s,%s,%s,%s,%d,%s,%s,%s,%s\n", e.Terminal, e.Batch, e.Trace, e.Kind, state, amount, currencyOf(e.Currency), e.RRN, e.Auth,
			e.Time.Format(time.RFC3339))
	}
	fmt.Fprintf(&out, "# end: %d rows\n", n)
	return out.Bytes()
}

// currencyOf gives the letters of a currency that the host knows by its number; none told is the terminal's own, yuan.
func currencyOf(number string) string {
	switch number {
	case "", "156":
		return "CNY"
	case "840":
		return "USD"
	case "978":
		return "EUR"
	}
	return number
}
