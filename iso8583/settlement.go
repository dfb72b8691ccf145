package iso8583

import (
	"fmt"
	"slices"
	"strings"
)

// settlement is how a batch is closed.
type settlement struct {
	items      int
	item       fieldTemplate
	netVoids   bool
	kinds      map[string]string
	result     role
	balanced   []string
	unbalanced []string
}

// Settlement is what the close of a batch needs to know of a dialect.
type Settlement struct {
	ItemsPerMessage int  // of an upload message; 0 where nothing is uploaded
	VoidsCredit     bool // a void counts as credit; else it takes its sale out of both sums
}

// Settlement tells how a batch is closed.
func (d *Dialect) Settlement() Settlement {
	return Settlement{ItemsPerMessage: d.settlement.items, VoidsCredit: !d.settlement.netVoids}
}

// SettlementResult tells whether the answer to a settlement says that the totals agree, or that they do not. Neither is
// said by an answer without the result, and by one whose code is no approval where the result stands in a field of its
// own.
func (d *Dialect) SettlementResult(m *Message) (balanced, unbalanced bool) {
	s := &d.settlement
	code := d.Role(m, "code")
	said, sure := code, true
	if s.result.field != 0 {
		said, sure = string(d.roleBytes(m, s.result)), d.Action(code).Action == ActionApprove
	}
	if said == "" {
		return false, false
	}
	return sure && slices.Contains(s.balanced, said), slices.Contains(s.unbalanced, said)
}

// WithItems adds the items of a batch upload to v: {items} is all of them as the dialect writes one, {items.count} their
// number in two digits, and when there is but one, {item.trace} and the like are its own. Each item answers to the full
// names, "item.trace" and so on.
func (d *Dialect) WithItems(v Vars, items []Vars) (Vars, error) {
	if len(items) > d.settlement.items {
		return nil, fmt.Errorf("%d items, dialect %s has %d in a message", len(items), d.name, d.settlement.items)
	}
	var all strings.Builder
	for _, item := range items {
		one, _, err := d.settlement.item.render(d.itemValues(item))
		if err != nil {
			return nil, err
		}
		all.WriteString(one)
	}
	return batchVars{Vars: v, d: d, items: items, text: all.String()}, nil
}

// itemValues puts the dialect's words for a kind between a template and an item.
func (d *Dialect) itemValues(item Vars) func(name string) string {
	return func(name string) string {
		value := item.Var(name)
		if name == "item.kind" && len(d.settlement.kinds) > 0 {
			return d.settlement.kinds[value]
		}
		return value
	}
}

// batchVars are the values of an upload message.
type batchVars struct {
	Vars
	d     *Dialect
	items []Vars
	text  string // secret: it has card numbers
}

// Var gives the named value.
func (b batchVars) Var(name string) string {
	switch {
	case name == "items":
		return b.text
	case name == "items.count":
		return fmt.Sprintf("%02d", len(b.items))
	case len(b.items) == 1 && strings.HasPrefix(name, itemPrefix):
		return b.d.itemValues(b.items[0])(name)
	default:
		return b.Vars.Var(name)
	}
}

// Format keeps every fmt verb from the card numbers.
func (b batchVars) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "(%d items)", len(b.items)) }
