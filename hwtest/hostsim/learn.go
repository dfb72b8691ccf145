package hostsim

import (
	"fmt"
	"maps"
	"strings"

	"posd/iso8583"
)

// samples are two values for each placeholder that differ in every position. They are as long as the true ones, but for
// those of flexible.
var samples = map[string][2]string{
	"amount": pair(12), "amount.original": pair(12), "trace": pair(6), "original.trace": pair(6),
	"batch": pair(6), "original.batch": pair(6), "currency": pair(3), "entry": {"01", "12"},
	"pan": pair(16), "expiry": {"1112", "2201"}, "track3": pair(40),
	"track2": {"1111111111111111D1112", "2222222222222222D2201"},
	"time":   {"111111", "022222"}, "original.time": {"111111", "022222"},
	"date": {"1111", "0222"}, "original.date": {"1111", "0222"},
	"original.rrn": pair(12), "original.approval": pair(6), "approval": pair(6),
	"reason": {"no_answer", "other"}, "year": {"11", "02"}, "code": pair(18), "order": pair(16),
	"debit.amount": pair(12), "debit.count": pair(3), "credit.amount": pair(12), "credit.count": pair(3),
	"batch.count": pair(4), "items": pair(40), "items.count": pair(2), "item.trace": pair(6), "item.amount": pair(12),
	"item.pan": pair(16), "item.expiry": pair(4), "item.rrn": pair(12), "item.approval": pair(6), "item.date": pair(4),
	"item.time": pair(6), "item.kind": pair(6),
}

// flexible placeholders have values of any length.
var flexible = map[string]bool{"pan": true, "track2": true, "track3": true, "code": true, "order": true, "items": true, "item.pan": true}

// pair makes two numbers of n digits.
func pair(n int) [2]string { return [2]string{strings.Repeat("1", n), strings.Repeat("2", n)} }

// samplesFor adds numbers of the lengths that the acquirer's terminals and merchants have.
func samplesFor(t Terminal) map[string][2]string {
	all := maps.Clone(samples)
	all["terminal"], all["merchant"] = pair(len(t.ID)), pair(len(t.Merchant))
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
	for _, need := range needs {
		changed, _, err := p.try(name, iso8583.VarMap{need: p.values[need][1]})
		if err != nil {
			return shape{}, fmt.Errorf("%s: %w", name, err)
		}
		for _, path := range s.mark(need, base, changed) {
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
	vars := iso8583.VarMap{}
	for hole, v := range p.values {
		vars[hole] = v[0]
	}
	maps.Copy(vars, but)
	m, err := p.build(name, vars)
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
	return spell(m), m.MTI, nil
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
		if _, known := s.at[hole]; !known {
			s.at[hole] = place{path: path, off: first, n: last + 1 - first}
		}
		l := []byte(s.literal[path])
		for i := first; i <= last && i < len(l); i++ {
			l[i] = wild
			if flexible[hole] {
				l[i] = stretch
			}
		}
		s.literal[path] = string(l)
	}
	return paths
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
