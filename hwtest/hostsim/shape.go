package hostsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"posd/iso8583"
)

// shape is how a transaction of the dialect looks on the wire: what stands in it always, and where its variables lie.
// The host learns it by building the transaction with sample values and watching what changes (learn.go), so that no
// dialect hides in its code.
type shape struct {
	name     string
	reversal bool
	mti      string
	mac      string            // path of the MAC
	signed   bool              // it has one
	literal  map[string]string // by path; wild or stretch where a variable stands
	optional map[string]bool   // paths that may be missing, since their variables may be empty
	at       map[string]place  // where a variable stands
}

// place is where a variable lies in the text of a path.
type place struct {
	path   string
	off, n int
}

// Positions of a literal that a variable fills: one character each, or any number together.
const (
	wild    = '\x00'
	stretch = '\x01'
)

// contents are the texts of a message by path: "60" for a field, "127.2" for a part of one.
type contents map[string]string

// spell lays a message out: fields with an inner structure by their parts, but for those that are only cut into
// stretches, since templates fill these across the cuts. A field whose inside cannot be read stands there as a whole, and
// so does its path in odd.
func spell(d *iso8583.Dialect, m *iso8583.Message) (c contents, odd []string) {
	c = contents{}
	for _, n := range m.Fields() {
		parts, err := d.Parts(m, n)
		if err != nil {
			odd = append(odd, number(n))
		}
		parts = slices.DeleteFunc(parts, func(p iso8583.Part) bool { return p.Group })
		var joined strings.Builder
		for _, p := range parts {
			joined.WriteString(p.Text())
		}
		if len(parts) == 0 || err != nil || joined.String() == m.Text(n) {
			c[number(n)] = m.Text(n)
			continue
		}
		for _, p := range parts {
			c[p.Path] = p.Text()
		}
	}
	return c, odd
}

// paths lists the paths in the order of the fields.
func (c contents) paths() []string {
	return slices.SortedFunc(maps.Keys(c), byNumber)
}

// byNumber sorts paths as numbers, part by part.
func byNumber(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if c := cmp.Or(cmp.Compare(m, n), strings.Compare(x[i], y[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func number(field int) string { return strconv.Itoa(field) }

// fault is what is wrong with a message: where, and in which way, never the content.
type fault struct{ path, rule string }

// fit is how well a message has a shape.
type fit struct {
	shape  *shape
	faults []fault
	score  int // literal characters that agree
}

// hold compares a message with the shape.
func (s *shape) hold(c contents) fit {
	f := fit{shape: s}
	for _, path := range contents(s.literal).paths() {
		text, has := c[path]
		if !has {
			if !s.optional[path] {
				f.faults = append(f.faults, fault{path, "is missing"})
			}
			continue
		}
		same, wrong := agree(s.literal[path], text)
		f.score += same
		if wrong != "" {
			f.faults = append(f.faults, fault{path, wrong})
		}
	}
	for _, path := range c.paths() {
		if _, known := s.literal[path]; !known && !(path == s.mac && s.signed) && !s.chip(path) {
			f.faults = append(f.faults, fault{path, "is not part of a " + s.kind()})
		}
	}
	return f
}

// agree counts the literal characters that a text has, and says what is wrong with the others. A text may end before
// the literal does, where no variable is lost: terminals leave out the end of a structure.
func agree(literal, text string) (score int, wrong string) {
	first, last := strings.IndexByte(literal, stretch), strings.LastIndexByte(literal, stretch)
	if first >= 0 { // compare what is before and after, from both ends
		tail := literal[last+1:]
		if len(text) <= first+len(tail) {
			return 0, "is too short"
		}
		a, wrong := agree(literal[:first], text[:first])
		b, wrongToo := agree(tail, text[len(text)-len(tail):])
		return a + b, cmp.Or(wrong, wrongToo)
	}
	for i := range len(literal) {
		switch {
		case i >= len(text) && literal[i] == wild:
			return score, "is too short"
		case i >= len(text) || literal[i] == wild:
		case literal[i] != text[i]:
			return score, "is not that of the transaction"
		default:
			score++
		}
	}
	if len(text) > len(literal) {
		return score, "is too long"
	}
	return score, ""
}

// The fields of a chip card: its number among cards of one account, and its data.
const (
	chipSequence = "23"
	chipData     = "55"
)

// chip tells whether a field may come besides: a chip's, with a card that is there. What is in it is looked at by check.
func (s *shape) chip(path string) bool {
	return (path == chipSequence || path == chipData || strings.HasPrefix(path, chipData+".")) && !s.reversal && s.has("track2")
}

// kind is what rules call it.
func (s *shape) kind() string {
	if s.reversal {
		return s.name + "-" + KindReversal
	}
	return s.name
}

// get reads a variable out of a message; "" where it is not there.
func (s *shape) get(c contents, hole string) string {
	at, ok := s.at[hole]
	if !ok {
		return ""
	}
	text, literal := c[at.path], s.literal[at.path]
	if text == "" {
		return ""
	}
	from, to := at.off, at.off+at.n
	if first := strings.IndexByte(literal, stretch); first >= 0 && from >= first {
		more := len(text) - len(literal)
		to += more
		if from > first {
			from += more
		}
	}
	if from < 0 || to > len(text) || from > to {
		return ""
	}
	return text[from:to]
}

// has tells whether the transaction has a variable.
func (s *shape) has(hole string) bool {
	_, ok := s.at[hole]
	return ok
}

// recognise gives the shapes that a message fits best, which are more than one where the dialect writes two transactions
// alike. It is empty when the dialect has no message of that type.
func recognise(shapes []shape, mti string, c contents) []fit {
	var best []fit
	for i := range shapes {
		if shapes[i].mti != plainMTI(mti) {
			continue
		}
		f := shapes[i].hold(c)
		order := -1
		if len(best) > 0 {
			order = cmp.Or(cmp.Compare(len(f.faults), len(best[0].faults)), cmp.Compare(best[0].score, f.score))
		}
		switch {
		case order < 0:
			best = []fit{f}
		case order == 0:
			best = append(best, f)
		}
	}
	return best
}

// plainMTI is the type of what a repeat repeats: 0401 is a 0400 again.
func plainMTI(mti string) string {
	if len(mti) == 4 && (mti[3] == '1' || mti[3] == '3' || mti[3] == '5') {
		return mti[:3] + string(mti[3]-1)
	}
	return mti
}
