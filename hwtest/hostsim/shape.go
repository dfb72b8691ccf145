package hostsim

import (
	"maps"
	"strings"

	"posd/iso8583"
)

// shape is how a transaction of the dialect looks on the wire: what stands in it always, and where its variables lie.
// The host learns it by building the transaction with sample values and watching what changes, so that no dialect
// hides in its code.
type shape struct {
	name     string
	reversal bool
	mti      string
	literal  map[int]string   // wild where a variable stands
	at       map[string]place // where a variable stands
}

// place is where a variable lies in a field's text.
type place struct{ field, off, n int }

// wild marks a position of shape.literal that a variable fills.
const wild = '\x00'

var transactions = []string{"sign-on", "echo", KindSale, KindVoid, KindRefund}

// samples are two values for each placeholder that differ in every position.
var samples = map[string][2]string{
	"amount": {strings.Repeat("1", 12), strings.Repeat("2", 12)}, "amount.original": {strings.Repeat("1", 12), strings.Repeat("2", 12)},
	"trace": {"111111", "222222"}, "original.trace": {"111111", "222222"},
	"batch": {"111111", "222222"}, "original.batch": {"111111", "222222"},
	"currency": {"111", "222"}, "entry": {"01", "12"},
	"pan": {strings.Repeat("1", 16), strings.Repeat("2", 16)}, "expiry": {"1112", "2201"},
	"track2": {"1111111111111111D1112", "2222222222222222D2201"}, "track3": {strings.Repeat("1", 40), strings.Repeat("2", 40)},
	"time": {"111111", "022222"}, "original.time": {"111111", "022222"},
	"date": {"1111", "0222"}, "original.date": {"1111", "0222"},
	"original.rrn": {strings.Repeat("1", 12), strings.Repeat("2", 12)}, "original.approval": {"111111", "222222"},
	"approval": {"111111", "222222"},
	"reason":   {"no_answer", "other"},
}

// samplesFor adds numbers of the lengths that the acquirer's terminals and merchants have.
func samplesFor(t Terminal) map[string][2]string {
	all := maps.Clone(samples)
	all["terminal"] = [2]string{strings.Repeat("1", len(t.ID)), strings.Repeat("2", len(t.ID))}
	all["merchant"] = [2]string{strings.Repeat("1", len(t.Merchant)), strings.Repeat("2", len(t.Merchant))}
	return all
}

// learnShapes learns every transaction that the dialect has, and its reversal. t is one of the terminals.
func learnShapes(d *iso8583.Dialect, t Terminal) ([]shape, error) {
	values := samplesFor(t)
	var shapes []shape
	for _, name := range transactions {
		if !d.HasTransaction(name) {
			continue
		}
		s, err := learn(builder{d.Build, values}, name, d.Needs(name))
		if err != nil {
			return nil, err
		}
		shapes = append(shapes, s)
		if needs := d.ReversalNeeds(name); needs != nil {
			if s, err = learn(builder{d.BuildReversal, values}, name, needs); err != nil {
				return nil, err
			}
			s.reversal = true
			shapes = append(shapes, s)
		}
	}
	return shapes, nil
}

// builder builds requests, or reversals, with sample values.
type builder struct {
	build  func(string, iso8583.Vars) (*iso8583.Message, error)
	values map[string][2]string
}

// learn builds one transaction once, and once more for each placeholder with that one changed.
func learn(b builder, name string, needs []string) (shape, error) {
	vars := iso8583.VarMap{}
	for p, v := range b.values {
		vars[p] = v[0]
	}
	base, err := b.build(name, vars)
	if err != nil {
		return shape{}, err
	}
	s := shape{name: name, mti: base.MTI, literal: map[int]string{}, at: map[string]place{}}
	for _, n := range base.Fields() {
		s.literal[n] = base.Text(n)
	}
	for _, p := range needs {
		changed := maps.Clone(vars)
		changed[p] = b.values[p][1]
		m, err := b.build(name, changed)
		if err != nil {
			return shape{}, err
		}
		s.mark(p, base, m)
	}
	return s, nil
}

// mark notes where placeholder p stands: wherever base and m differ.
func (s *shape) mark(p string, base, m *iso8583.Message) {
	for _, n := range base.Fields() {
		a, b := base.Text(n), m.Text(n)
		first, last := differ(a, b)
		if first < 0 {
			continue
		}
		if _, known := s.at[p]; !known {
			s.at[p] = place{field: n, off: first, n: last + 1 - first}
		}
		l := []byte(s.literal[n])
		for i := first; i <= last && i < len(l); i++ {
			l[i] = wild
		}
		s.literal[n] = string(l)
	}
}

// differ gives the first and last position at which two texts differ, or -1.
func differ(a, b string) (first, last int) {
	first, last = -1, -1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	return first, last
}

// fits counts the literal characters of the shape that m has; -1 when one is different or missing. The MAC's field
// is left out: its presence is another check.
func (s *shape) fits(m *iso8583.Message, mac int) int {
	if m.MTI != s.mti {
		return -1
	}
	score := 0
	for n, literal := range s.literal {
		if n == mac {
			continue
		}
		same := agree(literal, m.Text(n), m.Has(n))
		if same < 0 {
			return -1
		}
		score += same
	}
	return score
}

// agree counts the literal characters of one field, or gives -1. A field that variables fill in part may be missing.
func agree(literal, text string, has bool) int {
	if !has {
		if strings.ContainsRune(literal, wild) {
			return 0
		}
		return -1
	}
	score := 0
	for i := range len(literal) {
		switch {
		case literal[i] == wild || i >= len(text):
		case literal[i] != text[i]:
			return -1
		default:
			score++
		}
	}
	return score
}

// get reads a variable out of a message; "" where it is not there.
func (s *shape) get(m *iso8583.Message, p string) string {
	at, ok := s.at[p]
	if text := m.Text(at.field); ok && len(text) >= at.off+at.n {
		return text[at.off : at.off+at.n]
	}
	return ""
}

// set writes a variable into a message that has its field already.
func (s *shape) set(m *iso8583.Message, p, value string) {
	at, ok := s.at[p]
	if text := m.Text(at.field); ok && len(text) >= at.off+at.n && len(value) == at.n {
		m.Set(at.field, text[:at.off]+value+text[at.off+at.n:])
	}
}

// recognise gives the shape that fits m best; nil for none.
func recognise(shapes []shape, m *iso8583.Message, mac int) *shape {
	best, score := (*shape)(nil), -1
	for i := range shapes {
		if n := shapes[i].fits(m, mac); n > score {
			best, score = &shapes[i], n
		}
	}
	return best
}
