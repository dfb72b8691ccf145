//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// booked is what the other side has approved of an attempt, whatever was done to that later.
func (l *ledgers) booked(a payment.Attempt) (sum int64) {
	if k := keyOf(a.Numbers); k != "" {
		for _, e := range l.cards[k] {
			switch {
			case !e.Approved:
			case e.Captured+e.Held == 0: // a void of what was only reserved
				sum += e.Amount
			default:
				sum += e.Captured + e.Held
			}
		}
		return sum
	}
	for _, e := range l.refunds[a.Numbers.Order] {
		sum += e.Amount
	}
	for _, e := range l.orders[a.Numbers.Order] {
		if e.Kind == walletsim.Capture {
			sum += e.Amount
		}
	}
	return sum
}

// lookBack has the till ask how its newest sales stand when nothing is owed any more.
func (s *shop) lookBack(ctx context.Context) error {
	list, err := s.till.get(ctx, "/v1/sales?limit=500")
	if err != nil {
		return err
	}
	s.last = list.Sales
	return nil
}

// amounts holds what was said and printed against what host and gateway hold, to the cent.
type amounts struct {
	v       *verdict
	l       *ledgers
	numbers map[string]payment.Attempt // by what stands on slips: batch and trace number, or order number
}

// checkAmounts compares what the till was told, what came out of the printer, and what the other side holds (I3, rule 14).
func (s *shop) checkAmounts(v *verdict, sales []payment.Sale, l *ledgers) error {
	c := &amounts{v: v, l: l, numbers: map[string]payment.Attempt{}}
	attempts := map[string]payment.Attempt{}
	for _, sale := range sales {
		c.sale(sale, s.last)
		for _, a := range sale.Attempts {
			attempts[a.Key.String()] = a
			c.numbers[a.Numbers.Order], c.numbers[a.Numbers.Batch+"/"+a.Numbers.Trace.String()] = a, a
			if booked := l.booked(a); slices.Contains(standing, a.State) && a.Kind != payment.KindBalance && int64(a.Held()) != booked {
				v.breach("I3: the journal has %d of %s, the other side %d", a.Held(), a.Key, booked)
			}
		}
	}
	heard := map[string]bool{}
	for _, h := range s.heard() {
		if a, known := attempts[h.sale+"/"+h.attempt]; known && !heard[h.raw] {
			heard[h.raw] = true
			c.told(a, h)
		}
	}
	if !s.prints() {
		return nil
	}
	slips, err := s.slips()
	for _, slip := range slips {
		c.slip(slip)
	}
	return err
}

// sale holds a sale's sums, as the till was told them last.
func (c *amounts) sale(s payment.Sale, last []said) {
	i := slices.IndexFunc(last, func(a said) bool { return a.ID == s.ID })
	if i < 0 {
		return
	}
	var held, reserved int64
	for _, a := range s.Attempts {
		held += c.l.net(a)
		for _, e := range c.l.cards[keyOf(a.Numbers)] {
			reserved += e.Hold()
		}
	}
	t, rest := last[i], max(0, int64(s.Amount)-held)
	if t.Amount != int64(s.Amount) || t.Paid != held || t.Rest != rest || t.Reserved != reserved {
		c.v.breach("I3: the till is told that sale %s over %d has %d paid, %d to pay and %d reserved; the ledgers hold %d of %d, and reserve %d",
			s.ID, t.Amount, t.Paid, t.Rest, t.Reserved, held, s.Amount, reserved)
	}
}

// told holds one answer about an attempt.
func (c *amounts) told(a payment.Attempt, h heard) {
	var t struct {
		said
		Approved int64    `json:"approved"`
		Slip     []string `json:"slip"`
	}
	if err := json.Unmarshal([]byte(h.raw), &t); err != nil {
		c.v.breach("the till was told %s: %v", h.raw, err)
		return
	}
	booked := c.l.booked(a)
	if t.Amount != int64(a.Amount) {
		c.v.breach("I3: the till was told that %s is over %d, and it is over %d", a.Key, t.Amount, a.Amount)
	}
	if says := t.Approved != 0 || h.state == payment.SaidApproved; says && a.Kind != payment.KindBalance && t.Approved != booked {
		c.v.breach("I3: the till was told %q of %s with %d approved, and the other side has %d", h.state, a.Key, t.Approved, booked)
	}
	c.slip(strings.Join(t.Slip, "\n"))
}

// Where a slip in English has its numbers and its amount.
var (
	batchLine  = regexp.MustCompile(`(?m)^Batch +([0-9]{6})$`)
	traceLine  = regexp.MustCompile(`(?m)^Trace +([0-9]{6})$`)
	orderLine  = regexp.MustCompile(`(?m)^Order +([0-9A-Z]+)$`)
	amountLine = regexp.MustCompile(`(?m)^Amount +CNY ([0-9,]+)\.([0-9]{2})$`)
)

// slip holds the amount on a slip: of what is paid or reserved it is what the other side has, else what was asked for. One
// that was cut off before its amount says none.
func (c *amounts) slip(text string) {
	number := first(orderLine, text)
	if number == "" {
		number = first(batchLine, text) + "/" + first(traceLine, text)
	}
	a, known := c.numbers[number]
	m := amountLine.FindStringSubmatch(text)
	if m == nil || !known {
		return
	}
	says, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", "")+m[2], 10, 64)
	want := int64(a.Amount)
	if hasLine(text, "PAID") || hasLine(text, "PRE-AUTHORISED") {
		want = c.l.booked(a)
	}
	if err != nil || says != want {
		c.v.breach("rule 14: a slip of %s says %s.%s, and it is %d:\n%s", a.Key, m[1], m[2], want, text)
	}
}

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
