package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"posd/daemon/bill"
	"posd/daemon/payment"
)

// told is what a bill tells of one of our numbers.
type told struct {
	took, gave payment.Cents
	revoked    bool
	rows       []bill.Row
}

// tell sorts a bill's rows by our numbers. A refund at a wallet that has a number of its own is that number's, if the
// journal has it; else, as a cancel or a refund at the provider's own page, it is the payment's.
func tell(in Input) map[string]*told {
	refunds := map[string]bool{}
	for _, s := range in.Sales {
		for _, a := range s.Attempts {
			if a.Kind.Undoes() {
				refunds[a.Numbers.Order] = true
			}
		}
	}
	all := map[string]*told{}
	for _, r := range in.Bill.Rows {
		n := r.Order
		if in.Bill.Provider == bill.Acquirer {
			n = strings.Join([]string{r.Terminal, r.Batch, r.Trace}, "/")
		} else if refunds[r.Refund] {
			n = r.Refund
		}
		t := all[n]
		if t == nil {
			t = &told{}
			all[n] = t
		}
		t.add(r)
	}
	return all
}

func (t *told) add(r bill.Row) {
	t.rows = append(t.rows, r)
	switch r.Kind {
	case bill.Took:
		t.took += r.Amount
	case bill.Gave:
		t.gave += r.Amount
	case bill.Revoked:
		t.revoked = true
	}
}

// net is what the other side holds of a payment, or has given back by a refund. What was taken in an earlier bill is what
// the attempt is about.
func (t *told) net(a payment.Attempt) payment.Cents {
	switch {
	case t.revoked:
		return 0
	case a.Kind.Undoes():
		return t.gave
	case t.took == 0:
		return a.Amount - t.gave
	}
	return t.took - t.gave
}

// doubled tells that a bill has one movement of money in two rows: the same number of the other side, the same of ours.
func (t *told) doubled() bool {
	seen := map[bill.Row]bool{}
	for _, r := range t.rows {
		key := bill.Row{Kind: r.Kind, Order: r.Order, Refund: r.Refund, Reference: r.Reference, Amount: r.Amount}
		if r.Reference != "" && (r.Kind == bill.Took || r.Refund != "") && seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

// foreign tells that a row is in another currency.
func (t *told) foreign(currency string) bool {
	return slices.ContainsFunc(t.rows, func(r bill.Row) bool { return r.Currency != currency })
}

// says quotes the bill.
func (t *told) says() string {
	if t == nil {
		return "nothing"
	}
	var out []string
	for _, r := range t.rows {
		out = append(out, fmt.Sprintf("line %d: %s %s", r.Line, r.Status, money(r.Amount, r.Currency)))
	}
	return strings.Join(out, "; ")
}

// money writes an amount in minor units: "CNY 19.99", "JPY 1999".
func money(c payment.Cents, code string) string {
	places := 2
	if unit, err := currency.ParseISO(code); err == nil {
		places, _ = currency.Standard.Rounding(unit)
	}
	digits := fmt.Sprintf("%0*d", places+1, c)
	if whole := len(digits) - places; places > 0 {
		digits = digits[:whole] + "." + digits[whole:]
	}
	return code + " " + digits
}

// edge is how near the end of a bill's time an attempt may be in the next one instead: both sides' clocks, and a payment
// that waited for its customer.
const edge = 10 * time.Minute

// covers tells whether a bill must have an attempt that moved money (sure), or may have it (maybe): an acquirer's when it
// is of a batch that the bill names, a wallet's by the time.
func (c *comparison) covers(a payment.Attempt) (sure, maybe bool) {
	if c.in.Bill.Provider == bill.Acquirer {
		named := slices.ContainsFunc(c.in.Bill.Rows, func(r bill.Row) bool {
			return r.Terminal == a.Numbers.Terminal && r.Batch == a.Numbers.Batch
		})
		return named, named
	}
	from, until := c.span()
	end := a.DecidedAt
	if end.IsZero() || a.Settled != nil || a.State == payment.Reversed {
		end = a.SentAt // what a person decided, or a reversal ended, was moved when it was sent or not at all
	}
	maybe = end.After(from.Add(-edge)) && a.SentAt.Before(until.Add(edge))
	sure = a.SentAt.After(from.Add(edge)) && end.Before(until.Add(-edge))
	return sure, maybe
}

// span is the time that a bill is of: as it says itself, else the days of its rows.
func (c *comparison) span() (from, until time.Time) {
	b := c.in.Bill
	if !b.From.IsZero() {
		return b.From, b.Until
	}
	for _, r := range b.Rows {
		y, m, d := r.At.In(bill.Beijing).Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, bill.Beijing)
		if from.IsZero() || day.Before(from) {
			from = day
		}
		if next := day.AddDate(0, 0, 1); next.After(until) {
			until = next
		}
	}
	return from, until
}

// comparable tells whether a bill says of what it is: of batches of this journal's terminals, or of a time.
func (c *comparison) comparable() bool {
	if c.in.Bill.Provider == bill.Acquirer {
		return slices.ContainsFunc(c.in.Bill.Rows, c.mine)
	}
	from, _ := c.span()
	return !from.IsZero()
}
