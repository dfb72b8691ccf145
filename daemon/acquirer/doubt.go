package acquirer

import (
	"context"
	"errors"
	"fmt"

	"posd/daemon/payment"
)

// suspectAfter is how many payments in a row the host may leave without an answer that can be believed, before that is a
// concern: one may be the line, and each is reversed.
const suspectAfter = 3

// doubts are payments in a row that the host gave no answer to, or none that can be believed.
type doubts struct {
	row    int
	badMAC bool   // one of them had a wrong MAC
	last   string // what was wrong with the last one
	remedy string
}

// weigh counts what came of a payment's request. The log has the first wrong MAC of a row, and a row that is too long.
func (a *Acquirer) weigh(at payment.Attempt, ans payment.Answer, x exchanged) {
	if ans.Outcome == payment.NotSent || at.Kind == payment.KindBalance || !first(at) || errors.Is(x.err, context.Canceled) {
		return // it says nothing about the host, or nothing was to be paid
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ans.Outcome != payment.Unknown {
		a.doubts = doubts{}
		return
	}
	d := &a.doubts
	d.row++
	d.last, d.remedy = ans.Text, remedyFor(ans, x)
	news := d.row == suspectAfter
	if ans.Reason == payment.ReasonBadAnswer {
		news, d.badMAC = news || !d.badMAC, true
	}
	if news {
		a.o.Log.Warn("card payment without an answer that can be believed", "payment", at.ShortID, "trace", at.Numbers.Trace.String(), "in_a_row", d.row, "err", ans.Text)
	}
}

func remedyFor(ans payment.Answer, x exchanged) string {
	switch {
	case ans.Reason == payment.ReasonBadAnswer:
		return "tell the acquirer; check acquirer.tmk_file"
	case x.reached && x.err != nil, x.unread != nil:
		return "tell the acquirer; check that the dialect is the acquirer's"
	default:
		return "tell the acquirer; wallet payments may still work"
	}
}

// Suspect is the concern that payments are reversed one after the other; false if the last ones were answered well.
func (a *Acquirer) Suspect() (payment.Concern, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return payment.Concern{
		Code:   "acquirer_suspect",
		Detail: fmt.Sprintf("the last %d card requests had no answer that can be believed: %s", a.doubts.row, a.doubts.last),
		Remedy: a.doubts.remedy,
	}, a.doubts.row >= suspectAfter
}
