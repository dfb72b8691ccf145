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
	if !more || left == 0 && len(plain.doubts) == 0 {
		return list
	}
	if left > 0 {
		at := len(w.b) - left
		list = append(list, plain.and(Fault{
			Name: FaultTrailing, Path: "frame", Offset: w.base + at,
			Detail: fmt.Sprintf("%d bytes follow the last field of the bitmap", left),
		}))
	}
	list = append(list, w.counts()...)
	list = append(list, w.forms()...)
	list = append(list, w.unmarked()...)
	list = append(list, w.missing()...)
	return append(list, w.cut()...)
}

func (r reading) and(f Fault) reading {
	r.faults = append(r.faults[:len(r.faults):len(r.faults)], f)
	r.weight += faultsKnown[f.Name].weight
	return r
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
	r := w.judge(list, nil)
	for _, s := range list {
		if set.has(s.n) {
			f := Fault{Name: name, Path: fmt.Sprintf("F%d", s.n), Offset: w.base + s.start, Detail: w.readAs(s)}
			if more := bits.OnesCount32(mask) - 1; more > 0 {
				f.Detail += fmt.Sprintf("; so it is in %d other fields", more)
			}
			return r.and(f), true
		}
	}
	return r, false
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

// unmarked tries fields that are there though their bit is not set.
func (w *walker) unmarked() (list []reading) {
	expected := w.d.expected(w.head.mti)
	for n := 2; n <= 64*w.head.maps; n++ {
		s := w.head.fields[n]
		if s == nil || n == 65 || w.head.set.has(n) {
			continue
		}
		steps, end, err := w.steps(way{add: n})
		if err != nil || end != len(w.b) {
			continue
		}
		r := w.judge(steps, nil)
		at := steps[slices.IndexFunc(steps, func(s step) bool { return s.n == n })]
		r = r.and(Fault{
			Name: FaultNoBit, Path: fmt.Sprintf("F%d", n), Offset: w.base + at.start,
			Detail: fmt.Sprintf("with F%d (%s) here all fits; its bit is not set", n, s.name),
		})
		r.weight += w.unlikely(at, expected.has(n))
		list = append(list, r)
	}
	return list
}

// unlikely weighs whether bytes are a field without its bit: a length that is right by chance is rare, eight bytes
// that are just eight bytes are not.
func (w *walker) unlikely(at step, expected bool) (weight int) {
	switch {
	case at.units == 0:
		weight += 6
	case at.s.kind == track && w.look(at) != looksRight:
		weight += 4
	case at.end-at.value < 3:
		weight += 4
	case at.s.prefix > 0:
		weight -= 2
	case at.s.kind == binary && at.n == w.d.mac.Field && expected:
	case at.s.kind == binary:
		weight += 4
	}
	if expected {
		weight -= 3
	}
	if usual.has(at.n) {
		weight -= 2
	}
	return weight
}

// usual are the fields that most messages of a till have, whatever the dialect.
var usual = func() (set presence) {
	for _, n := range []int{2, 3, 4, 11, 12, 13, 14, 22, 23, 24, 25, 35, 37, 38, 39, 41, 42, 49, 52, 53, 55, 60, 62} {
		set.add(n)
	}
	return set
}()

// expected gives the fields that messages of that type have by the dialect's transactions.
func (d *Dialect) expected(mti string) (set presence) {
	for _, t := range d.transaction {
		t.request.expect(d, mti, &set)
		if t.reversal != nil {
			t.reversal.expect(d, mti, &set)
		}
	}
	return set
}

// expect adds the template's fields, if mti is its type or answers it, and for an answer what hosts add.
func (t *messageTemplate) expect(d *Dialect, mti string, set *presence) {
	answer := answers(t.mti, mti)
	if t.mti != mti && !answer {
		return
	}
	for n := range t.fields {
		set.add(n)
	}
	for _, role := range []string{"code", "rrn", "approval", "time", "date"} {
		if n := d.RoleField(role); n > 1 && answer {
			set.add(n)
		}
	}
}

// missing tries fields that are not there though their bit is set.
func (w *walker) missing() (list []reading) {
	expected := w.d.expected(w.head.mti)
	for n := w.head.set.next(0); n != 0; n = w.head.set.next(n) {
		r, left := w.whole(way{drop: n})
		if left != 0 {
			continue
		}
		r = r.and(Fault{
			Name: FaultNoField, Path: fmt.Sprintf("F%d", n), Offset: w.base + w.head.pos,
			Detail: fmt.Sprintf("without F%d all fits; its bit is set", n),
		})
		if expected.has(n) || usual.has(n) {
			r.weight += 4 // more likely to be there
		}
		list = append(list, r)
	}
	return list
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
