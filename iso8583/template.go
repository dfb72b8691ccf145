package iso8583

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Vars gives the values of a template's placeholders; "" for one that it does not know. They may be secret: Build
// copies them into the message and keeps nothing else.
type Vars interface{ Var(name string) string }

// VarMap is Vars as a map.
type VarMap map[string]string

// Var gives the named value.
func (v VarMap) Var(name string) string { return v[name] }

// placeholders are the names that a template may use, and whether an empty value is an error.
var placeholders = map[string]bool{
	"amount": true, "trace": true, "batch": true, "terminal": true, "merchant": true, "reason": true,
	"currency": false, "entry": false, "pan": false, "expiry": false, "track2": false, "track3": false,
	"time": false, "date": false, "approval": false,
	"original.trace": false, "original.batch": false, "original.date": false, "original.time": false,
	"original.rrn": false, "original.approval": false, "amount.original": false,
}

// macPlaceholder asks for the MAC field; it has no value.
const macPlaceholder = "mac"

// standardReason is what a reason that the dialect does not list is sent as.
const standardReason = "other"

// transaction is one request and what reverses it.
type transaction struct {
	request  messageTemplate
	reversal *messageTemplate
}

// messageTemplate is a message with holes.
type messageTemplate struct {
	mti    string
	fields map[int]fieldTemplate
}

// fieldTemplate is literal text and placeholders in turn.
type fieldTemplate []templatePart

// templatePart is a placeholder, or literal text where name is empty.
type templatePart struct {
	name, text string // text: the literal, or what an empty value is replaced by
}

// Transactions lists the names of the dialect's transactions.
func (d *Dialect) Transactions() []string { return slices.Sorted(maps.Keys(d.transaction)) }

// HasTransaction tells whether the dialect has a template of that name.
func (d *Dialect) HasTransaction(name string) bool { return d.transaction[name] != nil }

// Build makes the request of a transaction ("sign-on", "echo", "sale", "void", "refund"). A field whose placeholders
// are all empty is left out; one of trace, terminal, merchant, amount, batch or reason that is empty is an error, and
// so is a value that the field cannot hold. The MAC field is reserved; Sign fills it in the packed message.
func (d *Dialect) Build(name string, v Vars) (*Message, error) {
	t := d.transaction[name]
	if t == nil {
		return nil, fmt.Errorf("%w: %s in dialect %s", ErrNoTransaction, name, d.name)
	}
	return d.fill(t.request, v)
}

// BuildReversal makes the reversal of a transaction: its kept fields with the reversal's own over them. The
// placeholder reason takes no_answer, bad_mac or other (which stands for any other), and gives the dialect's code.
func (d *Dialect) BuildReversal(name string, v Vars) (*Message, error) {
	t := d.transaction[name]
	switch {
	case t == nil:
		return nil, fmt.Errorf("%w: %s in dialect %s", ErrNoTransaction, name, d.name)
	case t.reversal == nil:
		return nil, fmt.Errorf("%w: %s in dialect %s", ErrNoReversal, name, d.name)
	}
	return d.fill(*t.reversal, v)
}

// Needs lists the placeholders of a transaction's request, sorted.
func (d *Dialect) Needs(name string) []string {
	if t := d.transaction[name]; t != nil {
		return t.request.needs()
	}
	return nil
}

// ReversalNeeds lists the placeholders of a transaction's reversal, sorted: what must be on disk, and if pan is among
// them sealed, before the request leaves. It is nil where nothing reverses the transaction.
func (d *Dialect) ReversalNeeds(name string) []string {
	if t := d.transaction[name]; t != nil && t.reversal != nil {
		return t.reversal.needs()
	}
	return nil
}

func (t messageTemplate) needs() []string {
	seen := map[string]bool{}
	for _, f := range t.fields {
		for _, p := range f {
			if p.name != "" && p.name != macPlaceholder {
				seen[p.name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (d *Dialect) fill(t messageTemplate, v Vars) (*Message, error) {
	m := &Message{TPDU: d.frame.tpdu, Header: d.frame.header, MTI: t.mti}
	for _, n := range slices.Sorted(maps.Keys(t.fields)) {
		if n == d.mac.Field && t.fields[n][0].name == macPlaceholder {
			m.SetBytes(n, make([]byte, macBytes))
			continue
		}
		value, present, err := t.fields[n].render(n, d.values(v))
		if err != nil {
			m.Wipe()
			return nil, err
		}
		if present {
			m.setValue(n, value)
		}
	}
	return m, d.fitsAll(m)
}

// fitsAll finds a value that its field cannot hold now, not when the message is on its way out.
func (d *Dialect) fitsAll(m *Message) error {
	packed, err := d.Pack(nil, m)
	clear(packed)
	if err != nil {
		m.Wipe()
	}
	return err
}

// values puts the dialect's reason codes between a template and v.
func (d *Dialect) values(v Vars) func(name string) string {
	return func(name string) string {
		value := v.Var(name)
		if name != "reason" || value == "" {
			return value
		}
		if code, ok := d.reasons[value]; ok {
			return code
		}
		return d.reasons[standardReason]
	}
}

// render fills the placeholders. A field whose placeholders are all empty is not present; one that is only partly
// known is an error, since half a reference names another payment.
func (f fieldTemplate) render(n int, value func(string) string) (text string, present bool, err error) {
	var b strings.Builder
	holes, empty := 0, ""
	filled := 0
	for _, p := range f {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		holes++
		v := value(p.name)
		if v != "" {
			filled++
		} else if v = p.text; v == "" {
			empty = p.name
		}
		b.WriteString(v)
	}
	switch {
	case empty != "" && (filled > 0 || placeholders[empty]):
		return "", false, fault(-1, "placeholder {%s} is empty", empty).of(n)
	case holes > 0 && filled == 0 && empty != "":
		return "", false, nil
	}
	return b.String(), true, nil
}

// parseTemplate reads "22{batch}000500" or "{original.date|0000}".
func parseTemplate(s string) (fieldTemplate, error) {
	var f fieldTemplate
	for s != "" {
		lit, rest, found := strings.Cut(s, "{")
		if lit != "" {
			f = append(f, templatePart{text: lit})
		}
		if !found {
			return f, nil
		}
		hole, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q lacks its }", "{"+rest)
		}
		name, fallback, _ := strings.Cut(hole, "|")
		if _, known := placeholders[name]; !known && name != macPlaceholder {
			return nil, fmt.Errorf("unknown placeholder {%s}; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(placeholders)), " "))
		}
		f = append(f, templatePart{name: name, text: fallback})
		s = after
	}
	if f == nil {
		f = fieldTemplate{{}}
	}
	return f, nil
}
