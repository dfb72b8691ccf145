package bill

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
)

// Batch is posd's own simple format for a batch, since acquirers have no common one: ask yours for these columns, or
// make them of what it gives you. Comma-separated values in UTF-8:
//
//	# batch bill 1
//	terminal,batch,trace,kind,state,amount,currency,reference,approval,time
//	10000001,000007,000012,sale,booked,1999,CNY,123456789012,654321,2026-11-28T12:00:00+08:00
//	# end: 1 rows
//
// Terminal, batch and trace are those of the message that moved the money, as the terminal sent them (fields 41, 60.2 and
// 11). kind is one of sale, completion and qr-sale (took), void, refund, completion-void, qr-void and qr-refund (gave).
// state is booked, or reversed: then nothing moved. amount is in minor units. reference (field 37), approval (field 38)
// and time (RFC 3339) may be empty. Reservations are not in it.
var Batch = Format{
	Provider: Acquirer,
	Source:   "a batch, in the columns that hwtest sim host --help shows (make them of what your acquirer gives you)",
	Columns:  []string{"terminal", "batch", "trace", "kind", "state", "amount", "currency"},
	Lines:    acquirerLines, Cells: CommaCells, Row: acquirerRow,
}

// batchHead is the first line; the number is the format's.
const batchHead = "# batch bill 1"

var batchEnd = regexp.MustCompile(`^# end: ([0-9]{1,9}) rows$`)

func acquirerLines(text []string) (p Parts, err error) {
	if len(text) == 0 || strings.TrimSpace(text[0]) != batchHead {
		return p, &Error{Line: 1, Why: "want " + batchHead + " there, and the columns in the next: hwtest sim host --help shows them"}
	}
	if len(text) < 2 || text[1] == "" {
		return p, &Error{Line: 2, Why: "want the names of the columns"}
	}
	p.Head, p.First = text[1], 3
	for i, line := range text[2:] {
		m := batchEnd.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			p.Rows = append(p.Rows, line)
			continue
		}
		if rest := strings.TrimSpace(strings.Join(text[2+i+1:], "")); rest != "" {
			return p, &Error{Line: i + 4, Why: "something follows the end of the rows"}
		}
		n, err := strconv.Atoi(m[1])
		p.Counts = map[Kind]int{"": n}
		return p, err
	}
	return p, &Error{Why: "is cut off: its last line, # end: N rows, is missing; get it again"}
}

var acquirerKinds = map[string]Kind{
	"sale": Took, "completion": Took, "qr-sale": Took,
	"void": Gave, "refund": Gave, "completion-void": Gave, "qr-void": Gave, "qr-refund": Gave,
}

func acquirerRow(c Cells) (r Row, err error) {
	var known bool
	if r.Kind, known = acquirerKinds[c.Text("kind")]; !known {
		return r, UnknownWord("kind", c.Text("kind"))
	}
	switch c.Text("state") {
	case "booked":
	case "reversed":
		r.Kind = Revoked
	default:
		return r, UnknownWord("state", c.Text("state"))
	}
	r.Status = c.Text("kind") + " " + c.Text("state")
	for _, n := range []struct {
		column string
		to     *string
	}{{"terminal", &r.Terminal}, {"batch", &r.Batch}, {"trace", &r.Trace}, {"currency", &r.Currency}} {
		if *n.to, err = c.Number(n.column, false); err != nil {
			return r, err
		}
	}
	if r.Reference, err = c.Number("reference", true); err != nil {
		return r, err
	}
	n, err := strconv.ParseInt(c.Text("amount"), 10, 64)
	if err != nil || n <= 0 || n > 999_999_999_999 {
		return r, &ColumnError{"amount", "is none: want minor units from 1 to 999999999999"}
	}
	r.Amount = payment.Cents(n)
	if at := c.Text("time"); at != "" {
		if r.At, err = time.Parse(time.RFC3339, at); err != nil {
			return r, &ColumnError{"time", "is none: want 2006-01-02T15:04:05+08:00, or nothing"}
		}
	}
	return r, nil
}
