package hostsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"posd/iso8583"
)

// samples are two values for each placeholder that differ in every position. They are as long as the true ones, but for
// those of flexible.
var samples = map[string][2]string{
	"amount": pair(12), "amount.original": pair(12), "trace": pair(6), "original.trace": pair(6),
	"batch": pair(6), "original.batch": pair(6), "currency": pair(3), "entry": {"01", "12"},
	"pan": pair(16), "expiry": {"1112", "2201"}, "track3": pair(40), "code": pair(18), "order": pair(20),
	"encrypted.track1": pair(80), "encrypted.track2": pair(48), "encrypted.track3": pair(112), "encrypted.ksn": pair(20),
	"track2": {"1111111111111111D11121", "2222222222222222D22012"}, // even: no filled half byte is taken for part of the message
	"time":   {"111111", "022222"}, "original.time": {"111111", "022222"},
	"date": {"1111", "0222"}, "original.date": {"1111", "0222"}, "year": pair(2), "original.year": pair(2), "nii": pair(3),
	"original.rrn": pair(12), "original.approval": pair(6), "approval": pair(6), "original.kind": {KindSale, KindPreAuth},
	"reason":       {"no_answer", "other"},
	"debit.amount": pair(12), "debit.count": pair(3), "credit.amount": pair(12), "credit.count": pair(3), "batch.count": pair(4),
	"item.trace": pair(6), "item.amount": pair(12), "item.pan": pair(16), "item.expiry": {"1112", "2201"},
	"item.rrn": pair(12), "item.approval": pair(6), "item.date": {"1111", "0222"}, "item.time": {"111111", "022222"},
	"item.kind": {KindSale, KindVoid},
}

// flexible placeholders have values of any length.
var flexible = map[string]bool{
	"pan": true, "track2": true, "track3": true, "code": true, "order": true, "original.kind": true, "item.kind": true, holeItems: true, "item.pan": true,
	"encrypted.track1": true, "encrypted.track2": true, "encrypted.track3": true,
}

// The placeholders of the items of an upload message: all of them, what one has, how many there are.
const (
	holeItems  = "items"
	holeItem   = "item."
	holeNumber = "items.count"
)

// pair makes two numbers of n digits.
func pair(n int) [2]string { return [2]string{strings.Repeat("1", n), strings.Repeat("2", n)} }

// samplesFor adds numbers of the lengths that the acquirer's terminals and merchants have.
func samplesFor(t Terminal) map[string][2]string {
	all := maps.Clone(samples)
	all["terminal"], all["merchant"] = pair(len(t.ID)), pair(len(t.Merchant))
	return all
}

// learn fills in all that the host knows of the dialect. t is one of the terminals.
func (h *Host) learn(t Terminal) error {
	d := h.dialect
	h.roles, h.reasons = rolesOf(d), reasonsOf(d, t)
	var err error
	if h.shapes, err = learnShapes(d, t); err != nil {
		return err
	}
	p := pupil{d, d.Build, samplesFor(t)}
	h.item, h.asks = learnItem(p), headerDigit{position: -1}
	for _, name := range transactions {
		m, err := d.Build(name, p.withItem(p.first()))
		if err != nil {
			continue // a transaction that the dialect does not have
		}
		h.asks = digitOf(d, len(m.Header))
		if name == KindSettlement {
			h.put(m, "code", h.codes.Approved)
			h.result = learnResult(d, m)
		}
	}
	return nil
}

// learnShapes learns every transaction that the dialect has, and its reversal. t is one of the terminals.
func learnShapes(d *iso8583.Dialect, t Terminal) ([]shape, error) {
	values := samplesFor(t)
	var shapes []shape
	for _, name := range transactions {
		if !d.HasTransaction(name) {
			continue
		}
		s, err := pupil{d, d.Build, values}.learn(name, d.Needs(name))
		if err != nil {
			return nil, err
		}
		shapes = append(shapes, s)
		if needs := d.ReversalNeeds(name); needs != nil {
			if s, err = (pupil{d, d.BuildReversal, values}).learn(name, needs); err != nil {
				return nil, err
			}
			s.reversal = true
			shapes = append(shapes, s)
		}
	}
	return shapes, nil
}

// pupil learns by building requests, or reversals, with sample values.
type pupil struct {
	dialect *iso8583.Dialect
	build   func(string, iso8583.Vars) (*iso8583.Message, error)
	values  map[string][2]string
}

// learn builds one transaction once, and once more for each placeholder with that one changed.
func (p pupil) learn(name string, needs []string) (shape, error) {
	base, mti, err := p.try(name, nil)
	if err != nil {
		return shape{}, fmt.Errorf("%s: %w", name, err)
	}
	s := shape{
		name: name, mti: mti, mac: number(p.dialect.MACRule().Field),
		literal: maps.Clone(base), at: map[string]place{}, optional: map[string]bool{},
	}
	_, s.signed = base[s.mac]
	delete(s.literal, s.mac)
	holes := map[string]iso8583.VarMap{} // by path: its placeholders, all empty
	all := slices.Contains(needs, holeItems)
	for _, need := range needs {
		if all && strings.HasPrefix(need, holeItem) {
			continue // what is inside of all items is learned apart (item.go)
		}
		paths, err := p.place(&s, need, base)
		if err != nil {
			return shape{}, fmt.Errorf("%s: %w", name, err)
		}
		for _, path := range paths {
			if holes[path] == nil {
				holes[path] = iso8583.VarMap{}
			}
			holes[path][need] = ""
		}
	}
	for path, empty := range holes {
		without, _, err := p.try(name, empty)
		_, there := without[path]
		s.optional[path] = err == nil && !there
	}
	return s, nil
}

// try builds with the first samples but for some values, sends it through bytes, so that fixed fields are filled as on
// the wire, and gives what stands in it.
func (p pupil) try(name string, but iso8583.VarMap) (contents, string, error) {
	vars := p.first()
	maps.Copy(vars, but)
	m, err := p.build(name, p.withItem(vars))
	if err != nil {
		return nil, "", err
	}
	packed, err := p.dialect.Pack(nil, m)
	if err != nil {
		return nil, "", err
	}
	if m, _, err = p.dialect.Unpack(packed); err != nil {
		return nil, "", err
	}
	c, odd := spell(p.dialect, m)
	if len(odd) > 0 {
		return nil, "", fmt.Errorf("field %s of its own message cannot be read inside", odd[0])
	}
	return c, m.MTI, nil
}

// place finds where a placeholder stands, and gives the paths.
func (p pupil) place(s *shape, need string, base contents) ([]string, error) {
	switch need {
	case holeItems:
		return s.markText(need, p.withItem(p.first()).Var(need), base), nil
	case "item.kind": // the dialect's word for the kind
		return s.markText(need, p.withItem(p.first()).Var(need), base), nil
	case holeNumber: // two digits, of which only the last differs between messages of few items
		return s.markText(need, "01", base), nil
	}
	changed, _, err := p.try(s.name, iso8583.VarMap{need: p.values[need][1]})
	if err != nil {
		return nil, err
	}
	paths := s.mark(need, base, changed)
	if need == "reason" { // the third reason may differ where the first two agree
		if changed, _, err = p.try(s.name, iso8583.VarMap{need: "bad_mac"}); err != nil {
			return nil, err
		}
		paths = append(paths, s.mark(need, base, changed)...)
	}
	return paths, nil
}

// first are the first samples.
func (p pupil) first() iso8583.VarMap {
	vars := iso8583.VarMap{}
	for hole, v := range p.values {
		vars[hole] = v[0]
	}
	return vars
}

// withItem adds one item to the values, where the dialect uploads items.
func (p pupil) withItem(vars iso8583.VarMap) iso8583.Vars {
	if v, err := p.dialect.WithItems(vars, []iso8583.Vars{vars}); err == nil {
		return v
	}
	return vars
}

// mark notes where a placeholder stands, and gives the paths: wherever base and changed differ.
func (s *shape) mark(hole string, base, changed contents) []string {
	var paths []string
	for _, path := range base.paths() {
		first, last := differ(base[path], changed[path])
		if first < 0 || path == s.mac {
			continue
		}
		paths = append(paths, path)
		s.cut(hole, place{path: path, off: first, n: last + 1 - first})
	}
	return paths
}

// markText notes where a placeholder stands whose text is known: the first place where it does.
func (s *shape) markText(hole, text string, base contents) []string {
	for _, path := range base.paths() {
		if off := strings.Index(s.literal[path], text); off >= 0 && text != "" {
			s.cut(hole, place{path: path, off: off, n: len(text)})
			return []string{path}
		}
	}
	return nil
}

// cut makes a hole in the literal text.
func (s *shape) cut(hole string, at place) {
	if _, known := s.at[hole]; !known {
		s.at[hole] = at
	}
	l := []byte(s.literal[at.path])
	for i := at.off; i < at.off+at.n && i < len(l); i++ {
		l[i] = wild
		if flexible[hole] {
			l[i] = stretch
		}
	}
	s.literal[at.path] = string(l)
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
