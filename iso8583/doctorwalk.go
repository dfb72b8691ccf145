package iso8583

import (
	"fmt"
	"math/bits"
	"slices"
)

// walks gives the readings of the message: plain, and if there may be one more fault, with it.
func (w *walker) walks(more bool) (list []reading) {
	plain, left := w.whole(walkPlain())
	if left == 0 {
		list = append(list, plain)
	}
	if !more || left == 0 && plain.strain+len(plain.doubts) == 0 {
		return list
	}
	if left > 0 {
		list = append(list, w.trailing(plain, len(w.b)-left))
	}
	list = append(list, w.counts()...)
	list = append(list, w.forms()...)
	list = append(list, w.unmarked()...)
	list = append(list, w.missing()...)
	return append(list, w.cut()...)
}

// whole reads one way and tells how many bytes are left, -1 where it breaks.
func (w *walker) whole(how way) (reading, int) {
	list, end, err := w.steps(how)
	if err != nil || len(w.b) < end && how.b == nil {
		return reading{weight: hopeless}, -1
	}
	return w.judge(list, how.b), len(w.b) - end
}

// counts tries lengths that count bytes where the dialect counts digits, or the other way, in as few fields as will do.
func (w *walker) counts() []reading {
	name, to := FaultCountBytes, countBytes
	eligible := func(s *fieldSpec) bool { return s.prefix > 0 && s.form == formPacked && s.count != countBytes }
	if r := w.alter(name, eligible, func(s *fieldSpec) { s.count, s.max = to, s.max+s.max%2 }); r != nil {
		return r
	}
	eligible = func(s *fieldSpec) bool { return s.prefix > 0 && s.form == formPacked && s.count == countBytes }
	return w.alter(FaultCountDigits, eligible, func(s *fieldSpec) { s.count = countUnits })
}

// forms tries lengths that are written in another form than the dialect's.
func (w *walker) forms() (list []reading) {
	for _, form := range []lengthForm{lengthBCD, lengthBinary, lengthASCII} {
		eligible := func(s *fieldSpec) bool { return s.prefix > 0 && s.lengths != form }
		name := FaultLengthForm
		switch w.mostLengths() {
		case lengthBinary:
			if form == lengthBCD {
				name = FaultBCDLength
			}
		case lengthBCD:
			if form == lengthBinary {
				name = FaultBinaryLength
			}
		case lengthASCII, lengthEBCDIC:
		}
		list = append(list, w.alter(name, eligible, func(s *fieldSpec) { s.lengths = form })...)
	}
	return list
}

// mostLengths is the form of the first length in the message.
func (w *walker) mostLengths() lengthForm {
	for n := w.head.set.next(0); n != 0; n = w.head.set.next(n) {
		if s := w.head.fields[n]; s != nil && s.prefix > 0 {
			return s.lengths
		}
	}
	return lengthBCD
}

// mostAltered bounds how many fields are tried in every combination.
const mostAltered = 8

// alter tries a change to the fields that are eligible: to all of them, to each alone, and, while these are few, to
// every set of them. It gives the best.
func (w *walker) alter(name FaultName, eligible func(*fieldSpec) bool, change func(*fieldSpec)) []reading {
	var fields []int
	for n := w.head.set.next(0); n != 0 && len(fields) < 32; n = w.head.set.next(n) {
		if s := w.head.fields[n]; s != nil && eligible(s) {
			fields = append(fields, n)
		}
	}
	var best []reading
	for _, mask := range masks(len(fields)) {
		r, ok := w.altered(name, fields, mask, change)
		if ok && (best == nil || r.cost() < best[0].cost()) {
			best = []reading{r}
		}
	}
	return best
}

// masks gives the sets of n things to try, small ones first, all of them last.
func masks(n int) (list []uint32) {
	if n == 0 {
		return nil
	}
	all := uint32(1)<<n - 1
	for size := 1; size <= n; size++ {
		for m := uint32(1); n <= mostAltered && m < all; m++ {
			if bits.OnesCount32(m) == size {
				list = append(list, m)
			}
		}
	}
	for i := 0; n > mostAltered && i < n; i++ {
		list = append(list, 1<<i)
	}
	return append(list, all)
}

func (w *walker) altered(name FaultName, fields []int, mask uint32, change func(*fieldSpec)) (reading, bool) {
	var set presence
	for i, n := range fields {
		if mask&(1<<i) != 0 {
			set.add(n)
		}
	}
	how := way{alter: func(n int, s *fieldSpec) *fieldSpec {
		if !set.has(n) {
			return s
		}
		other := *s
		change(&other)
		other.compile()
		return &other
	}}
	list, end, err := w.steps(how)
	if err != nil || end != len(w.b) {
		return reading{}, false
	}
	first := slices.IndexFunc(list, func(s step) bool { return set.has(s.n) })
	if first < 0 {
		return reading{}, false
	}
	at, others := list[first], bits.OnesCount32(mask)-1
	f := Fault{Name: name, Path: fmt.Sprintf("F%d", at.n), Offset: w.base + at.start, Detail: w.readAs(at)}
	if others > 0 {
		f.Detail += fmt.Sprintf("; so it is in %d other fields", others)
	}
	r := w.judge(list, nil).and(f)
	if at.s.holds != "" && w.look(at) != looksRight {
		r.weight += 3
	}
	if at.s.before != w.head.fields[at.n].before && others+1 < len(fields) {
		r.weight += 6 // nobody writes lengths of another size in some fields only
	}
	return r, true
}

func (w *walker) readAs(s step) string {
	want := w.head.fields[s.n]
	said, _ := s.s.lengths.read(w.b[s.start:s.value])
	switch {
	case s.s.count != want.count && s.s.count == countBytes:
		return fmt.Sprintf("the length says %d and counts bytes; the dialect counts digits", said)
	case s.s.count != want.count:
		return fmt.Sprintf("the length says %d and counts digits; the dialect counts bytes", said)
	default:
		return fmt.Sprintf("as %s the length says %d, with which all fits; the dialect has %s", s.s.lengths, said, want.lengths)
	}
}

// longestField is more than any field has, so that only what was cut off is missing.
const longestField = 10000

// cut tries whether more bytes at the end are all that is missing.
func (w *walker) cut() []reading {
	longer := make([]byte, len(w.b)+longestField)
	copy(longer, w.b)
	list, end, err := w.steps(way{b: longer})
	if err != nil || end <= len(w.b) {
		return nil
	}
	for i, s := range list {
		if s.end <= len(w.b) {
			continue
		}
		r := w.judge(list[:i], nil)
		r.strain += strains[looksAnyhow] * (len(list) - i)
		if w.short { // that is what the length says, too
			r.faults, r.weight = nil, 0
		}
		return []reading{r.and(Fault{
			Name: FaultCut, Path: fmt.Sprintf("F%d", s.n), Offset: w.base + s.start,
			Detail: fmt.Sprintf("%d bytes are missing at least", end-len(w.b)),
		})}
	}
	return nil
}
