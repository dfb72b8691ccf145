package iso8583

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	"encrypted.track1": false, "encrypted.track2": false, "encrypted.track3": false, "encrypted.ksn": false,
	"time": false, "date": false, "year": false, "approval": false, "code": true, "order": false, "nii": false,
	"original.trace": false, "original.batch": false, "original.date": false, "original.time": false,
	"original.year": false, "original.rrn": false, "original.approval": false, "original.kind": false, "amount.original": false,
	"debit.amount": true, "debit.count": true, "credit.amount": true, "credit.count": true, "batch.count": true,
	"items": true, "items.count": true,
	"item.trace": true, "item.amount": true, "item.pan": false, "item.expiry": false, "item.rrn": false,
	"item.approval": false, "item.date": false, "item.time": false, "item.kind": false,
}

// itemPrefix begins the names of what an item of a batch upload has.
const itemPrefix = "item."

// neverStored are the placeholders whose values may rest in no file, so that no reversal can want them.
var neverStored = []string{
	"track2", "track3", "code", "encrypted.track1", "encrypted.track2", "encrypted.track3", "encrypted.ksn",
}

// macPlaceholder asks for the MAC field; it has no value.
const macPlaceholder = "mac"

// niiPlaceholder is the network that the TPDU names, unless its value is given.
const niiPlaceholder = "nii"

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
	parts  map[string]fieldTemplate // by path: what stands inside of fields, set after these
	needs  []string                 // its placeholders, sorted; items stand for what each of them wants
}

// fieldTemplate is literal text and placeholders in turn.
type fieldTemplate []templatePart

// templatePart is a placeholder, or literal text where name is empty.
type templatePart struct {
	name, text string // text: the literal, or what an empty value is replaced by
	width      int    // zeros at the left fill the value up to so many characters
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

// Needs lists the placeholders of a transaction's request, sorted. The list is the dialect's own: it may not be changed.
func (d *Dialect) Needs(name string) []string {
	if t := d.transaction[name]; t != nil {
		return t.request.needs
	}
	return nil
}

// ReversalNeeds lists the placeholders of a transaction's reversal, sorted: what must be on disk, and if pan is among
// them sealed, before the request leaves. It is nil where nothing reverses the transaction, and may not be changed.
func (d *Dialect) ReversalNeeds(name string) []string {
	if t := d.transaction[name]; t != nil && t.reversal != nil {
		return t.reversal.needs
	}
	return nil
}

// placeholders lists those of a template, where items are such as this.
func (t messageTemplate) placeholders(item fieldTemplate) []string {
	seen := map[string]bool{}
	for _, f := range t.all() {
		f.names(seen)
	}
	if seen["items"] {
		item.names(seen)
	}
	return slices.Clip(slices.Sorted(maps.Keys(seen)))
}

// all gives the templates of fields and parts, in no order.
func (t messageTemplate) all() []fieldTemplate {
	return slices.AppendSeq(slices.Collect(maps.Values(t.fields)), maps.Values(t.parts))
}

func (f fieldTemplate) names(seen map[string]bool) {
	for _, p := range f {
		if p.name != "" && p.name != macPlaceholder {
			seen[p.name] = true
		}
	}
}

func (d *Dialect) fill(t messageTemplate, v Vars) (*Message, error) {
	m := &Message{TPDU: d.frame.tpdu, Header: d.frame.header, MTI: t.mti}
	err := d.fillFields(m, t, d.values(v))
	if err == nil {
		err = d.fitsAll(m)
	}
	if err != nil {
		m.Wipe()
	}
	return m, err
}

func (d *Dialect) fillFields(m *Message, t messageTemplate, values func(string) string) error {
	for _, n := range slices.Sorted(maps.Keys(t.fields)) {
		if n == d.mac.Field && t.fields[n][0].name == macPlaceholder {
			m.SetBytes(n, noMAC[:])
			continue
		}
		value, present, err := t.fields[n].render(values)
		if err != nil {
			return err.of(n)
		}
		if present {
			m.setValue(n, value)
		}
	}
	for _, path := range slices.SortedFunc(maps.Keys(t.parts), comparePaths) {
		value, present, err := t.parts[path].render(values)
		if err != nil {
			err.Path = path
			return err
		}
		if !present {
			continue
		}
		if err := d.SetPart(m, path, value); err != nil {
			return err
		}
	}
	return nil
}

// comparePaths orders paths by their numbers: 60.2 stands before 60.10.
func comparePaths(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
	})
}

// fitsAll finds a value that its field cannot hold now, not when the message is on its way out.
func (d *Dialect) fitsAll(m *Message) error {
	packed, err := d.Pack(make([]byte, 0, d.frame.max+longestHeader), m)
	clear(packed)
	return err
}

// values puts the dialect's reason codes and the NII of its TPDU between a template and v.
func (d *Dialect) values(v Vars) func(name string) string {
	return func(name string) string {
		value := v.Var(name)
		if name == niiPlaceholder && value == "" {
			return NII(d.frame.tpdu)
		}
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
func (f fieldTemplate) render(value func(string) string) (text string, present bool, err *FieldError) {
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
		if p.width > 0 && len(v) > p.width {
			return "", false, fault(-1, "placeholder {%s} has more than %d characters", p.name, p.width)
		}
		b.WriteString(strings.Repeat("0", max(0, p.width-len(v))))
		b.WriteString(v)
	}
	switch {
	case empty != "" && (filled > 0 || placeholders[empty]):
		return "", false, fault(-1, "placeholder {%s} is empty", empty)
	case holes > 0 && filled == 0 && empty != "":
		return "", false, nil
	}
	return b.String(), true, nil
}

// parseTemplate reads "22{batch}000500", "{original.date|0000}" or "{item.pan:20}".
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
		p, err := parseHole(hole)
		if err != nil {
			return nil, err
		}
		f, s = append(f, p), after
	}
	if f == nil {
		f = fieldTemplate{{}}
	}
	return f, nil
}

// widestHole is the most that a placeholder may be filled up to.
const widestHole = 99

func parseHole(hole string) (templatePart, error) {
	name, fallback, _ := strings.Cut(hole, "|")
	name, width, said := strings.Cut(name, ":")
	p := templatePart{name: name, text: fallback}
	if _, known := placeholders[name]; !known && name != macPlaceholder {
		return p, fmt.Errorf("unknown placeholder {%s}; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(placeholders)), " "))
	}
	if !said {
		return p, nil
	}
	var err error
	if p.width, err = strconv.Atoi(width); err != nil || p.width < 1 || p.width > widestHole || name == macPlaceholder {
		return p, fmt.Errorf("{%s} wants a width from 1 to %d, such as {item.pan:20}", hole, widestHole)
	}
	return p, nil
}
