package iso8583

import (
	"bytes"
	"cmp"
	"fmt"
	"time"
)

// judge decodes what a walk has found and holds it against what such values look like.
func (w *walker) judge(list []step, other []byte) reading {
	r := reading{faults: w.faults, weight: w.weight}
	b := w.b
	if other != nil {
		b = other
	}
	if version, known := w.d.speaks(w.head.mti); known {
		r.good++
	} else if !version {
		r.doubts = append(r.doubts, "the dialect has no messages of this version")
	}
	for _, s := range list {
		value, kind, _, err := s.s.decode(nil, b[s.value:s.end], s.units)
		if err != nil {
			err = err.from(s.value + w.base)
			r = r.and(Fault{Name: FaultValue, Path: fmt.Sprintf("F%d", s.n), Offset: err.Offset, Detail: err.Rule})
			continue
		}
		switch looks(w.d, s, value, kind) {
		case looksRight:
			r.good++
		case looksWrong:
			r.doubts = append(r.doubts, fmt.Sprintf("F%d does not look like a %s", s.n, cmp.Or(s.s.name, "value of its kind")))
		case looksAnyhow:
		}
		clear(value)
	}
	return r
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

// look is whether a value looks like what its field should hold.
type look int

const (
	looksAnyhow look = iota
	looksRight
	looksWrong
)

func lookOf(right bool) look {
	if right {
		return looksRight
	}
	return looksWrong
}

// looks judges one value. It is no validation: hosts write odd things, and only the sum of doubts counts.
func looks(d *Dialect, s step, v []byte, kind valueKind) look {
	switch {
	case s.s.holds == holdsPAN && s.s.kind == numeric:
		if len(v) >= 12 && !luhn(v) {
			return looksAnyhow
		}
		return lookOf(len(v) >= 12)
	case s.s.holds == holdsTrack:
		if i := bytes.IndexAny(v, "D=^"); i >= 12 && i <= 20 {
			return looksRight
		}
		return looksAnyhow // encrypted ones look like anything
	case s.s.holds == holdsEMV && kind == isBytes:
		return lookOf(isTLV(v))
	case s.s.kind == text && kind != isText:
		return lookOf(s.s.class != Public) // what acquirers put into fields of their own is often no text
	case s.n == d.roles["code"].field && len(v) > 0:
		_, known := d.answers[string(v)]
		if known {
			return looksRight
		}
		return looksAnyhow
	case s.s.kind == numeric:
		return looksLikeTime(s.n, v)
	case s.s.kind == text && len(v) > 0:
		return lookOf(allPrint(v))
	default:
		return looksAnyhow
	}
}

// layouts of dates and times by field, for each length that versions of the standard give them.
var layouts = map[int][]string{
	7: {"0102150405"}, 12: {"150405", "060102150405", "20060102150405"}, 13: {"0102", "0601"}, 14: {"0601"},
	15: {"0102", "060102"}, 16: {"0102"}, 17: {"0102"}, 73: {"060102"},
}

// looksLikeTime judges numbers that are a date or a time. All zeros mean none.
func looksLikeTime(n int, v []byte) look {
	if len(bytes.Trim(v, "0")) == 0 {
		return looksAnyhow
	}
	for _, layout := range layouts[n] {
		if len(layout) != len(v) {
			continue
		}
		// A leap day has no year in most of these fields; 2024 has one.
		text := string(v)
		if layout[:2] == "01" {
			layout, text = "2006"+layout, "2024"+text
		}
		_, err := time.Parse(layout, text)
		return lookOf(err == nil)
	}
	return looksAnyhow
}

// luhn tells whether the last digit is the check digit of ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

func isTLV(b []byte) bool {
	for pos := 0; pos < len(b); {
		o, rule := nextTLV(b, pos)
		if rule != "" {
			return false
		}
		pos = o.end
	}
	return len(b) > 0
}

func allPrint(v []byte) bool {
	for _, c := range v {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return true
}

// look judges the value of one step of a walk over the message itself.
func (w *walker) look(at step) look {
	value, kind, _, err := at.s.decode(nil, w.b[at.value:at.end], at.units)
	defer clear(value)
	if err != nil {
		return looksWrong
	}
	return looks(w.d, at, value, kind)
}
