package iso8583

import (
	"cmp"
	"fmt"
	"slices"
)

// reading is bytes read from the first to the last, under the assumption that some things are wrong with them.
type reading struct {
	faults []Fault
	weight int
	doubts []string
	strain int // of values that are possible, but do not show that the reading has kept its step
}

// cost orders readings: unlikely faults, and doubts and strain that stay under them.
func (r reading) cost() int { return r.burden() + r.strain }

// burden is the cost that does not grow with the number of fields.
func (r reading) burden() int { return r.weight + doubtWeight*len(r.doubts) }

const doubtWeight = 8

// strains is what a value adds that looks so.
var strains = map[look]int{looksRight: 0, looksAnyhow: 2, looksOdd: 5, looksWrong: 0}

func (r reading) and(f Fault) reading {
	r.faults = append(r.faults[:len(r.faults):len(r.faults)], f)
	r.weight += faultsKnown[f.Name].weight
	return r
}

// judge decodes what a walk has found and holds it against what such values look like.
func (w *walker) judge(list []step, other []byte) reading {
	r := reading{faults: w.faults, weight: w.weight}
	b := w.b
	if other != nil {
		b = other
	}
	switch version, known := w.d.speaks(w.head.mti); {
	case known:
	case version:
		r.strain += strains[looksOdd]
	default:
		r.doubts = append(r.doubts, "the dialect has no messages of this version")
	}
	if n := w.unanswered(list); n > 0 {
		r.doubts = append(r.doubts, fmt.Sprintf("an answer without F%d", n))
	}
	for _, s := range list {
		value, kind, _, err := s.s.decode(nil, b[s.value:s.end], s.units)
		if err != nil {
			err = err.from(s.value + w.base)
			r = r.and(Fault{Name: FaultValue, Path: fmt.Sprintf("F%d", s.n), Offset: err.Offset, Detail: err.Rule})
			continue
		}
		look := w.d.looks(w.head.mti, s, value, kind)
		r.strain += strains[look]
		if look == looksWrong {
			r.doubts = append(r.doubts, fmt.Sprintf("F%d does not look like a %s", s.n, cmp.Or(s.s.name, "value of its kind")))
		}
		clear(value)
	}
	return r
}

// unanswered gives the field of the answer code where an answer lacks it, else 0.
func (w *walker) unanswered(list []step) int {
	code := w.d.roles["code"].field
	if code == 0 || w.head.mti[2]&1 == 0 || w.head.set.has(code) || slices.ContainsFunc(list, func(s step) bool { return s.n == code }) {
		return 0
	}
	return code
}

// speaks tells whether the dialect has messages of an MTI's version, and whether it has this very one.
func (d *Dialect) speaks(mti string) (version, known bool) {
	for _, t := range d.transaction {
		for _, m := range []*messageTemplate{&t.request, t.reversal} {
			if m == nil {
				continue
			}
			version = version || m.mti[0] == mti[0]
			known = known || m.mti == mti || answers(m.mti, mti)
		}
	}
	return version || len(d.transaction) == 0, known
}

// look judges the value of one step of a walk over the message itself.
func (w *walker) look(at step) look {
	value, kind, _, err := at.s.decode(nil, w.b[at.value:at.end], at.units)
	defer clear(value)
	if err != nil {
		return looksWrong
	}
	return w.d.looks(w.head.mti, at, value, kind)
}
