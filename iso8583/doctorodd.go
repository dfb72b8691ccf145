package iso8583

import (
	"cmp"
	"fmt"
	"slices"
)

// ExamineOddHex is Examine for text with an odd number of hex digits: it finds where a digit was lost or doubled.
// The first fault of each verdict is FaultOddHex.
func ExamineOddHex(digits string, dialects ...*Dialect) []Verdict {
	list := make([]Verdict, 0, len(dialects))
	for _, d := range dialects {
		list = append(list, d.examineOdd(digits))
	}
	slices.SortStableFunc(list, func(a, b Verdict) int { return cmp.Compare(a.cost, b.cost) })
	return list
}

// mostOdd bounds the search for a lost digit.
const mostOdd = 4096

func (d *Dialect) examineOdd(digits string) Verdict {
	odd := Fault{Name: FaultOddHex, Path: "hex", Offset: -1, Detail: fmt.Sprintf("%d hex digits make no whole bytes", len(digits))}
	best := Verdict{Dialect: d.name, cost: unread, Faults: []Fault{odd}}
	last := d.brokenBy(digits)
	for i := 0; i <= last && len(digits) <= mostOdd; i++ {
		for _, text := range mended(digits, i) {
			raw, err := decodeHex(text)
			if err != nil {
				continue
			}
			r, ok := d.plainReading(raw)
			if c := faultsKnown[FaultOddHex].weight + r.cost(); ok && c < best.cost {
				odd.Offset = max(0, i-1) / 2
				odd.Detail = fmt.Sprintf("%d hex digits make no whole bytes: one is lost or doubled, probably at digit %d", len(digits), i+1)
				best = Verdict{Dialect: d.name, cost: c, Faults: []Fault{odd}, Doubts: r.doubts}
			}
		}
	}
	return best
}

// mended gives digits without the one before i, and with each possible one put in there.
func mended(digits string, i int) []string {
	list := make([]string, 0, 17)
	if i > 0 {
		list = append(list, digits[:i-1]+digits[i:])
	}
	for _, lost := range upperDigits {
		list = append(list, digits[:i]+string(lost)+digits[i:])
	}
	return list
}

// brokenBy gives a digit behind the one that was lost or doubled: with all that come before that one the message can be
// read, so that it does not come after the place where the reading breaks.
func (d *Dialect) brokenBy(digits string) int {
	raw, err := decodeHex(digits[:len(digits)&^1])
	if err != nil {
		return 0
	}
	const margin = 4 // bytes of a length that is read wrong
	end := 0
	for _, at := range []int{0, d.frame.length.size()} {
		w := walker{d: d, b: raw[min(at, len(raw)):]}
		if !w.begin() {
			end = max(end, at+longestHeader)
			continue
		}
		_, pos, _ := w.steps(walkPlain())
		end = max(end, at+pos)
	}
	return min(len(digits), 2*(end+margin))
}
