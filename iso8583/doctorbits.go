package iso8583

import (
	"fmt"
	"slices"
	"strings"
)

// unmarked tries fields that are there though their bit is not set.
func (w *walker) unmarked() (list []reading) {
	alike := map[step][]int{} // by place: which fields fit there, so that nothing tells them apart but their number
	var places []step
	for n := 2; n <= 64*w.head.maps; n++ {
		s := w.head.fields[n]
		if s == nil || n == 65 || w.head.set.has(n) {
			continue
		}
		steps, end, err := w.steps(way{add: n})
		if err != nil || end != len(w.b) {
			continue
		}
		at := steps[slices.IndexFunc(steps, func(s step) bool { return s.n == n })]
		r := w.judge(steps, nil).and(Fault{
			Name: FaultNoBit, Path: fmt.Sprintf("F%d", n), Offset: w.base + at.start,
			Detail: fmt.Sprintf("with F%d (%s) here all fits; its bit is not set", n, s.name),
		})
		r.weight += w.rare(n) + w.unlikely(at)
		list = append(list, r)
		place := step{start: at.start, value: at.value, end: at.end}
		alike[place], places = append(alike[place], n), append(places, place)
	}
	for i := range list {
		if n := len(alike[places[i]]) - 1; n > 0 {
			f := &list[i].faults[len(list[i].faults)-1]
			f.Detail += fmt.Sprintf("; %s would fit as well", fieldsBut(alike[places[i]], f.Path))
		}
	}
	return list
}

// fieldsBut lists fields without one of them, a few at most.
func fieldsBut(list []int, path string) string {
	var words []string
	for _, n := range list {
		if word := fmt.Sprintf("F%d", n); word != path {
			words = append(words, word)
		}
	}
	if len(words) > 4 {
		return fmt.Sprintf("%s and %d others", strings.Join(words[:3], ", "), len(words)-3)
	}
	return strings.Join(words, ", ")
}

// rare weighs how seldom messages of that type have a field.
func (w *walker) rare(n int) (weight int) {
	expected, usual := w.d.expected(w.head.mti), usualFields(w.head.mti)
	switch {
	case expected.has(n) && n == w.d.roles["code"].field:
		return -6
	case expected.has(n):
		return -4
	case usual.has(n) || n == w.d.mac.Field:
		return -2
	default:
		return 3
	}
}

// unlikely weighs whether bytes are a field without its bit: a length that is right by chance is rare, some bytes that
// are just as many as a field has are not.
func (w *walker) unlikely(at step) (weight int) {
	value := w.b[at.value:at.end]
	switch {
	case at.units == 0:
		weight += 6
	case at.n != w.d.mac.Field && (filled(value, 0x00) || filled(value, ' ') || filled(value, 0xFF)):
		weight += 6 // as what is stray often is
	}
	switch {
	case at.end-at.value < 3:
		weight += 3
	case at.s.prefix > 0 && at.units > 0:
		weight -= 2 + 2*int(at.s.prefix)
	case at.s.prefix == 0 && w.look(at) == looksRight:
		weight -= 4
	case at.s.kind == binary && at.n != w.d.mac.Field:
		weight += 4
	}
	return weight
}

// usualFields are what messages of a kind have in most dialects: of money, of the network and of totals; and what
// answers have besides.
func usualFields(mti string) (set presence) {
	list := []int{3, 11, 24, 41, 42, 60, 63}
	answer := mti[2]&1 == 1
	switch {
	case mti[1] == '8':
		list = append(list, 7, 12, 13, 62, 70)
	case mti[1] == '5' || mti[1] == '3':
		list = append(list, 12, 13, 48, 49, 50, 62, 66, 74, 75, 76, 77, 86, 87, 88, 89, 97)
	case answer:
		list = append(list, 2, 4, 7, 12, 13, 14, 25, 38, 44, 48, 49, 54, 55, 62)
	default:
		list = append(list, 2, 4, 7, 12, 13, 14, 22, 23, 25, 26, 35, 36, 37, 38, 49, 52, 53, 55, 61, 62)
	}
	if answer {
		list = append(list, 12, 13, 15, 32, 37, 39)
	}
	if mti[1] == '4' {
		list = append(list, 39, 90, 95)
	}
	for _, n := range list {
		set.add(n)
	}
	return set
}

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

// expect adds the template's fields, if mti is its type. If mti answers it, it adds what hosts send back: the fields
// that an answer must repeat, and those that tell the outcome.
func (t *messageTemplate) expect(d *Dialect, mti string, set *presence) {
	switch {
	case t.mti == mti:
		for n := range t.fields {
			set.add(n)
		}
		for path := range t.parts {
			field, _, _ := strings.Cut(path, ".")
			set.add(number(field))
		}
	case answers(t.mti, mti):
		for _, n := range slices.Concat(d.equal, d.equalPaid) {
			if _, has := t.fields[n]; has {
				set.add(n)
			}
		}
		for _, role := range []string{"code", "rrn", "approval", "time", "date", "currency"} {
			if n := d.RoleField(role); n > 1 {
				set.add(n)
			}
		}
		if _, has := t.fields[d.mac.Field]; has {
			set.add(d.mac.Field)
		}
		if n := d.RoleField("keys"); n > 1 && mti[1] == '8' {
			set.add(n)
		}
	}
}

// missing tries fields that are not there though their bit is set.
func (w *walker) missing() (list []reading) {
	expected, usual := w.d.expected(w.head.mti), usualFields(w.head.mti)
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
