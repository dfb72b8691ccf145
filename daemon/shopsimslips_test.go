package main

import (
	"context"
	"regexp"
	"strings"
	"time"
)

// slipped is a slip that has come out.
type slipped struct {
	at   time.Duration
	text string
}

// titles are those that say that a payment was made, in both languages.
var titles = []string{"PAID", "付款成功"}

// readSlips looks at each slip as it comes out: one that says PAID is of what is approved, on disk, by then.
func (s *shop) readSlips(ctx context.Context) {
	for n := 1; ; n++ {
		slips, err := s.printer.WaitSlips(ctx, n)
		if err != nil {
			return
		}
		text := slips[n-1]
		s.mu.Lock()
		s.slips = append(s.slips, slipped{time.Since(s.began), text})
		s.noteHeld("slip", strings.Join(strings.Fields(text), " "))
		if saysPaid(text) && !mayBeCutShort(text) {
			s.paidOnPaper(text)
		}
		s.mu.Unlock()
	}
}

// saysPaid tells whether PAID is the slip's title.
func saysPaid(text string) bool {
	for l := range strings.Lines(text) {
		for _, title := range titles {
			if strings.TrimSpace(l) == title {
				return true
			}
		}
	}
	return false
}

// mayBeCutShort tells whether a slip says so: its numbers may be missing.
func mayBeCutShort(text string) bool {
	return strings.Contains(text, "IF CUT SHORT") || strings.Contains(text, "如不完整")
}

var (
	orderOn = regexp.MustCompile(`(?:Order|订单号)\W+([0-9A-Z]{17})`)
	traceOn = regexp.MustCompile(`(?:Trace|凭证号)\W+([0-9]{6})`)
	batchOn = regexp.MustCompile(`(?:Batch|批次号)\W+([0-9]{6})`)
)

// paidOnPaper finds the attempt of a slip by its numbers. The caller holds mu.
func (s *shop) paidOnPaper(text string) {
	t := s.mirror.orders[first(orderOn, text)]
	if t == nil {
		t = s.mirror.traces[first(batchOn, text)+"/"+first(traceOn, text)]
	}
	switch {
	case t == nil:
		s.breachHeld("I4: a slip says PAID for what is not on disk:\n%s", text)
	case !t.entered("attempt.approved") && !t.entered("attempt.settled"):
		s.breachHeld("I4: a slip says PAID of %s, which was never approved:\n%s", t.Key, text)
	case t.confirm && !t.entered("sale.acked") && !s.mirror.acked[t.Client+"/"+t.Sale]:
		s.breachHeld("rule 12: a slip says PAID of %s before the till has acknowledged it", t.Key)
	}
}

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// unmarked is what must not come out twice.
var markedAs = []string{"REPRINT", "COPY", "PRINTED LATE", "重打印", "副本", "补打"}

// checkSlips looks for a slip that came out twice and does not say so.
func (s *shop) checkSlips() {
	seen := map[string]time.Duration{}
	for _, slip := range s.slips {
		s.tally.add("search", "slips read")
		marked := false
		for _, m := range markedAs {
			marked = marked || strings.Contains(slip.text, m)
		}
		if marked {
			s.tally.add("search", "slips that say that they come again, or late")
			continue
		}
		if was, twice := seen[slip.text]; twice {
			s.breach("rule 14: a slip of %v came out again at %v unmarked:\n%s", was, slip.at, slip.text)
		}
		seen[slip.text] = slip.at
	}
}
