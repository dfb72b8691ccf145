package iso8583

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Survey is what a dialect file amounts to, for the person who wrote it.
type Survey struct {
	Dialect  *Dialect
	Facts    []Fact          // what is in it, in the order of the file
	Warnings []*DialectError // what loads and is hardly meant; in the order of their lines
}

// Fact is one line of a survey.
type Fact struct{ Name, Text string }

// Inspect is Load that also tells what the file amounts to and what it leaves open. Its error is that of Load.
func Inspect(file string, text []byte) (*Survey, error) {
	l, err := load(file, text)
	if err != nil {
		return nil, err
	}
	s := &Survey{Dialect: &l.d}
	s.add("dialect", "%s: %s", l.d.name, l.d.title)
	if l.raw.Base != "" {
		s.add("based on", "%s", l.raw.Base)
	}
	s.add("frame", "%s", l.d.frame.words())
	c := l.raw.Codec
	s.add("codec", "MTI in %s, bitmap %s of up to %d bits, numbers %s, text %s, lengths %s that count %s, bytes %s",
		l.d.mti, bitmapForm(l.d.bitmapText), 64*l.d.maps, c.Numbers, c.Text, c.Lengths, c.Count, c.Binary)
	s.fields(l)
	s.macs(l)
	s.add("match key", "MTI class and function, fields %s", numbers(l.d.match))
	s.add("checked", "fields %s; of approvals also %s", numbers(l.d.equal), numbers(l.d.equalPaid))
	s.transactions(l)
	s.answers(l)
	switch n := l.d.settlement.items; n {
	case 0:
	case 1:
		s.add("batch upload", "1 item in a message")
	default:
		s.add("batch upload", "%d items in a message", n)
	}
	s.Warnings = l.warnings()
	return s, nil
}

// InspectPreset is Inspect for an embedded dialect.
func InspectPreset(name string) (*Survey, error) {
	text, err := presetText(name)
	if err != nil {
		return nil, err
	}
	return Inspect("dialects/"+name+".toml", text)
}

func (s *Survey) add(name, text string, args ...any) {
	s.Facts = append(s.Facts, Fact{name, fmt.Sprintf(text, args...)})
}

// words says what surrounds a message.
func (f *frameSpec) words() string {
	out := fmt.Sprintf("length %s", f.length)
	if f.inclusive {
		out += " that counts itself"
	}
	if f.tpduBytes > 0 {
		out += fmt.Sprintf(", TPDU of %d bytes", f.tpduBytes)
	}
	if f.headerBytes > 0 {
		out += fmt.Sprintf(", header of %d", f.headerBytes)
	}
	if len(f.trailer) > 0 {
		out += fmt.Sprintf(", trailer %X", f.trailer)
	}
	return out + fmt.Sprintf(", at most %d bytes", f.max)
}

func bitmapForm(text bool) string {
	if text {
		return "in hex"
	}
	return "binary"
}

func (s *Survey) fields(l *loader) {
	count := map[string]int{}
	all := 0
	for _, n := range slices.Sorted(maps.Keys(l.raw.Fields)) {
		all++
		word := l.raw.Fields[n].Class
		if word == "" {
			word = "secret because nothing is said"
		}
		count[word]++
	}
	s.add("fields", "%d: %s", all, counted(count, "public", "masked", "private", "secret", "secret because nothing is said"))
	var own []string
	for _, t := range l.d.byMTI {
		own = append(own, t.mti)
	}
	if len(own) > 0 {
		s.add("overrides", "for %s", strings.Join(own, " "))
	}
	var inside []string
	for n := range MaxField + 1 {
		for _, mti := range slices.Sorted(maps.Keys(l.d.subs)) {
			if l.d.subs[mti][n] != nil {
				inside = append(inside, strconv.Itoa(n))
				break
			}
		}
	}
	if len(inside) > 0 {
		s.add("opened", "fields %s", strings.Join(inside, " "))
	}
}

// counted lists how many there are of each, in the given order.
func counted(count map[string]int, order ...string) string {
	var list []string
	for _, word := range order {
		if count[word] > 0 {
			list = append(list, fmt.Sprintf("%d %s", count[word], word))
		}
	}
	return strings.Join(list, ", ")
}

func (s *Survey) macs(l *loader) {
	r := l.d.mac
	if r.Field == 0 {
		s.add("MAC", "none")
		return
	}
	size := "a key as the sign-on brings it"
	if r.KeyBytes > 0 {
		size = fmt.Sprintf("a key of %d bytes", r.KeyBytes)
	}
	s.add("MAC", "%s in field %d over all from the %s on, padding %s, written as %s, %s", r.Algorithm, r.Field, strings.ToUpper(r.Range), r.Padding, r.Output, size)
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, " ")
}

func (s *Survey) transactions(l *loader) {
	var list []string
	for _, name := range l.d.Transactions() {
		t := l.d.transaction[name]
		word := name + " " + t.request.mti
		if t.reversal != nil {
			word += " (reversed by " + t.reversal.mti + ")"
		}
		list = append(list, word)
	}
	s.add("transactions", "%s", strings.Join(list, ", "))
}

func (s *Survey) answers(l *loader) {
	count, undo := map[string]int{}, map[ReversalAction][]string{}
	for _, a := range l.d.answers {
		count[a.Action.String()]++
	}
	order := slices.SortedFunc(maps.Keys(actionNames), func(a, b string) int { return int(actionNames[a] - actionNames[b]) })
	s.add("answers", "%d codes: %s; any other is a decline", len(l.d.answers), counted(count, order...))
	if len(l.d.undo) == 0 {
		return
	}
	for _, code := range slices.Sorted(maps.Keys(l.d.undo)) {
		undo[l.d.undo[code]] = append(undo[l.d.undo[code]], code)
	}
	words := []string{"ends with " + strings.Join(undo[ReversalFinal], " ")}
	for _, a := range []ReversalAction{ReversalInDoubt, ReversalRefused, ReversalSignOn} {
		if len(undo[a]) > 0 {
			words = append(words, strings.ReplaceAll(a.String(), "_", " ")+" with "+strings.Join(undo[a], " "))
		}
	}
	s.add("reversal", "%s; with any other it is sent again", strings.Join(words, ", "))
}
