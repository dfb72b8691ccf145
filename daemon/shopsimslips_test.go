package main

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
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
		s.undoneOnPaper(text)
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
	orderOn  = regexp.MustCompile(`(?:Order|订单号)\W+([0-9A-Z]{23})`)
	traceOn  = regexp.MustCompile(`(?:Trace|凭证号)\W+([0-9]{6})`)
	amountOn = regexp.MustCompile(`(?m)^(?:Amount|金额)\s+(?:CNY|￥)?\s*([0-9,]+)\.([0-9]{2})\s*$`)
	batchOn  = regexp.MustCompile(`(?:Batch|批次号)\W+([0-9]{6})`)
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
	case !slices.Contains(amountsOn(text), int64(t.due())):
		s.breachHeld("rule 14: a slip says PAID of %s, which took %d:\n%s", t.Key, t.due(), text)
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

// amountsOn reads what stands on a slip as its amount, in minor units.
func amountsOn(text string) (all []int64) {
	for _, m := range amountOn.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", "")+m[2], 10, 64)
		if err == nil {
			all = append(all, n)
		}
	}
	return all
}

// checkReceipts looks for what was paid and has no slip.
func (s *shop) checkReceipts() {
	for k, t := range s.mirror.attempts {
		if t.print && t.state == payment.ApprovedState && !t.entered("attempt.voided") && (t.kind == payment.KindSale || t.kind == payment.KindCompletion) &&
			(!t.confirm || s.mirror.ackedAt[k.Client+"/"+k.Sale] > t.yesAt) && !s.mirror.queued["print/"+k.Client+"/"+k.String()+"/paid"] {
			s.breach("rule 14: %s is paid, and no receipt was ever queued", k)
		}
	}
}

// undoing says which events must be on disk before a title is printed.
var undoing = map[string][]string{
	"CANCELLED": {"attempt.reversed", "attempt.settled"}, "NOT PAID YET": {"attempt.reversing"},
	"VOIDED": {"attempt.approved", "attempt.settled"}, "REFUNDED": {"attempt.approved", "attempt.settled"},
}

// undoneOnPaper holds a slip that is no receipt to the truth (rule 14). The caller holds mu.
func (s *shop) undoneOnPaper(text string) {
	t := s.mirror.orders[first(orderOn, text)]
	if t == nil {
		t = s.mirror.traces[first(batchOn, text)+"/"+first(traceOn, text)]
	}
	for l := range strings.Lines(text) {
		kinds, is := undoing[strings.TrimSpace(l)]
		if is && t != nil && !slices.ContainsFunc(kinds, t.entered) {
			s.breachHeld("rule 14: a slip says %s of %s, which has not come to that:\n%s", strings.TrimSpace(l), t.Key, text)
		}
	}
}
