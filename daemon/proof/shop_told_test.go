//go:build proof && linux

package proof

import (
	"regexp"
	"slices"
	"strings"

	"posd/daemon/payment"
)

// mayFollow says which words may come after one that the till was told (I4). What is not listed is not final, and any
// word may follow.
var mayFollow = map[string][]string{
	payment.SaidApproved:       {payment.SaidVoided, payment.SaidRefunded, payment.SaidReversing, payment.SaidReversed, payment.SaidNeedsAttention, payment.SaidSettledPaid, payment.SaidSettledNotPaid},
	payment.SaidDeclined:       {},
	payment.SaidNotPaid:        {},
	payment.SaidReversed:       {},
	payment.SaidVoided:         {},
	payment.SaidRefunded:       {},
	payment.SaidReversing:      {payment.SaidReversed, payment.SaidNeedsAttention, payment.SaidSettledPaid, payment.SaidSettledNotPaid, payment.SaidRefunded},
	payment.SaidNeedsAttention: {payment.SaidReversing, payment.SaidReversed, payment.SaidSettledPaid, payment.SaidSettledNotPaid, payment.SaidRefunded},
	payment.SaidSettledPaid:    {payment.SaidRefunded, payment.SaidVoided},
	payment.SaidSettledNotPaid: {},
}

// checkTold holds what the till was told, answer by answer, against itself and the journal.
func (v *verdict) checkTold(all []heard, sales []payment.Sale, w *walk) {
	by := map[string][]heard{}
	for _, h := range all {
		k := h.sale + "/" + h.attempt
		by[k] = append(by[k], h)
	}
	known := map[string]bool{}
	for _, s := range sales {
		for _, a := range s.Attempts {
			known[a.Key.String()] = true
			v.checkWords(a, by[a.Key.String()], w.states[a.Key])
		}
	}
	for k := range by {
		if !known[k] {
			v.breach("I10: the till was told of %s, and the journal has nothing of it", k)
		}
	}
}

// checkWords is checkTold for one attempt. An answer comes after another one if it was asked for when that was there.
func (v *verdict) checkWords(a payment.Attempt, told []heard, states []payment.State) {
	for i, h := range told {
		allowed, final := mayFollow[h.state]
		if h.state == payment.SaidApproved && !slices.Contains(states, payment.ApprovedState) {
			v.breach("I4: the till was told that %s is approved, and it never was", a.Key)
		}
		if said := a.Said(); final && said != h.state && !slices.Contains(allowed, said) {
			v.breach("I4: the till was told %q of %s, and it is %q now", h.state, a.Key, said)
		}
		for _, later := range told[i+1:] {
			if !final || later.asked.Before(h.got) {
				continue
			}
			if later.state != h.state && !slices.Contains(allowed, later.state) {
				v.breach("I4: the till was told %q of %s, and then %q", h.state, a.Key, later.state)
			}
			if later.state == h.state && len(allowed) == 0 && later.raw != h.raw {
				v.breach("I4: the answer about %s has changed: %s, and then %s", a.Key, h.raw, later.raw)
			}
		}
	}
	back := a.State == payment.Reversing || a.State == payment.Reversed
	approved := slices.ContainsFunc(told, func(h heard) bool { return h.state == payment.SaidApproved })
	if approved && back && a.Reason != payment.ReasonUnwanted {
		v.breach("I4: the till was told that %s is approved, and it was reversed for %q", a.Key, a.Reason)
	}
}

// saleLine is where a slip in English tells whose it is.
var saleLine = regexp.MustCompile(`(?m)^Sale +(\S+)$`)

// checkSlips holds what was printed against the journal: PAID is on paper for what is paid, and for nothing else.
func (s *shop) checkSlips(v *verdict, sales []payment.Sale, w *walk) error {
	if !s.prints() {
		return nil
	}
	all, reprints, err := s.papers()
	if err != nil {
		return err
	}
	for _, sale := range sales {
		receipt := paper{sale.ID, paidTitle}
		v.checkPaper(sale, w, all[receipt], reprints[receipt])
	}
	return nil
}

// checkPaper holds the PAID slips of a sale against its attempts. A slip of which nobody knows whether it came out comes
// again, and says so.
func (v *verdict) checkPaper(s payment.Sale, w *walk, paid, reprint int) {
	may := 0
	for _, a := range s.Attempts {
		pays := a.Kind == payment.KindSale || a.Kind == payment.KindCompletion
		approved := slices.Contains(w.states[a.Key], payment.ApprovedState) && (!a.Confirm || a.Acked) // rule 12: no receipt before
		if pays && (approved || a.State == payment.SettledPaid) {
			may++
		}
	}
	if paid-reprint > may || may == 0 && paid > 0 {
		v.breach("rule 14: sale %s has %d PAID slips, %d of them reprints; %d may be there", s.ID, paid, reprint, may)
	}
}

// paper is a slip: of a sale, and what it says of it.
type paper struct{ sale, title string }

const paidTitle = "PAID"

// titles are what slips say in English of what is done, by kind of attempt.
var titles = map[payment.Kind]string{
	payment.KindSale: paidTitle, payment.KindCompletion: paidTitle, payment.KindPreAuth: "PRE-AUTHORISED",
	payment.KindVoid: "VOIDED", payment.KindRefund: "REFUNDED",
}

// papers counts the slips that are out; reprints says how many of them say that they may be there twice.
func (s *shop) papers() (all, reprints map[paper]int, err error) {
	slips, err := s.slips()
	all, reprints = map[paper]int{}, map[paper]int{}
	for _, slip := range slips {
		sale := first(saleLine, slip)
		for _, title := range []string{paidTitle, titles[payment.KindPreAuth], titles[payment.KindVoid], titles[payment.KindRefund]} {
			if !hasLine(slip, title) {
				continue
			}
			all[paper{sale, title}]++
			if strings.Contains(slip, "REPRINT") {
				reprints[paper{sale, title}]++
			}
		}
	}
	return all, reprints, err
}

// prints tells whether the shop's slips can be read here.
func (s *shop) prints() bool { return s.printer != nil && s.plan.language == "" }

// hasLine tells whether a line of a slip says that and nothing else.
func hasLine(slip, says string) bool {
	for line := range strings.Lines(slip) {
		if strings.TrimSpace(line) == says {
			return true
		}
	}
	return false
}
