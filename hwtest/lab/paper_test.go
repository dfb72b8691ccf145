//go:build lab && usb

package lab

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheCountOnPaperTellsLostAndDoubledJobs(t *testing.T) {
	lines := func(id string, from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "%s-%02d. 19.99\n", id, i)
		}
		return b.String()
	}
	all, head, other := lines("J001", 0, jobLines), lines("J001", 0, 3), lines("J002", 0, jobLines)
	const reprint, torn = "*** REPRINT ***\n", "*** IF CUT SHORT, SEE REPRINT ***\n"
	for name, c := range map[string]struct {
		slips                  []string
		whole, doubled, marked int
	}{
		"printed once":           {[]string{other, all}, 1, 0, 0},
		"lost":                   {[]string{other}, 0, 0, 0},
		"cut short":              {[]string{head}, 0, 0, 0},
		"printed twice":          {[]string{all, other, all}, 2, jobLines, 0},
		"its head printed twice": {[]string{head + all}, 1, 3, 0},
		"torn, and reprinted":    {[]string{head + torn, reprint + all}, 1, 0, 1},
	} {
		whole, doubled, marked := onPaper(c.slips, "J001")
		if whole != c.whole || doubled != c.doubled || marked != c.marked {
			t.Errorf("%s: %d whole, %d doubled, %d marked; want %d, %d, %d", name, whole, doubled, marked, c.whole, c.doubled, c.marked)
		}
	}
}
