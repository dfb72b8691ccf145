package wallet

import (
	"context"
	"time"

	"posd/daemon/payment"
	"posd/daemon/step"
)

// Authorize sends the payment, once, or the refund, which may be repeated under its number.
func (w *Wallet) Authorize(ctx context.Context, a payment.Attempt, in payment.Input) payment.Answer {
	d, l, err := w.of(a)
	if err != nil {
		return unplanned(err)
	}
	call := d.call(a.Kind, a.Amount, a.Currency)
	if call.Op == OpRefund {
		step.At("wallet refund")
		r := l.do(ctx, call)
		step.At("wallet refund answered")
		return refunded(a, call, r)
	}
	c, ok := in.(*code)
	if !ok { // repeated without the code: it was sent before, and is never sent again
		return payment.Answer{Reason: payment.ReasonNoAnswer}
	}
	if time.Since(c.read) > w.o.CodeAge {
		return payment.Answer{Outcome: payment.NotSent, Code: "code_too_old", Text: "the code waited too long, scan a fresh one"}
	}
	call.Code = c.secret
	if left := l.terms.Deadline; left > 0 { // after it nobody waits for the answer: the order is asked for and undone
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	step.At("wallet pay")
	r := l.do(ctx, call)
	step.At("wallet pay answered")
	return w.paid(a, l, r)
}

// Ask queries a sale. A refund cannot be asked for: it is repeated.
func (w *Wallet) Ask(ctx context.Context, a payment.Attempt) payment.Answer {
	d, l, err := w.of(a)
	if err != nil {
		return unplanned(err)
	}
	if a.Kind != payment.KindSale {
		return payment.Answer{Reason: payment.ReasonNoAnswer}
	}
	call := Call{Op: OpQuery, Order: d.Order, Amount: a.Amount, Currency: a.Currency}
	out := l.Request(call)
	step.At("wallet query")
	r := l.do(ctx, call)
	step.At("wallet query answered")
	ans := w.asked(a, l, r)
	ans.Messages = append([]payment.Message{out}, ans.Messages...)
	return ans
}

func unplanned(err error) payment.Answer {
	return payment.Answer{Reason: payment.ReasonOther, Code: "unplanned", Text: err.Error()}
}

// paid reads the answer to pay.
func (w *Wallet) paid(a payment.Attempt, l *line, r Result) payment.Answer {
	ans := answer(l, r)
	switch {
	case r.NotSent:
		ans.Outcome = payment.NotSent
	case !r.Signed:
		ans.Reason = r.Doubt
	case r.Class == ClassPaid:
		w.approve(&ans, a, l, r)
	case !ours(a, l, r):
		ans.Reason = payment.ReasonOther
	case r.Class == ClassPending:
		ans.Outcome = payment.Pending
	case r.Class == ClassFailed, r.Class == ClassFailedNewCode, r.Class == ClassConfig, r.Class == ClassClosed:
		ans.Outcome = payment.Declined
	default:
		ans.Reason = payment.ReasonOther
	}
	return ans
}

// asked reads the answer to a query. A final no that is found only afterwards is not taken for a decline: the payment
// was sent, so the order is undone and that is confirmed.
func (w *Wallet) asked(a payment.Attempt, l *line, r Result) payment.Answer {
	ans := answer(l, r)
	switch {
	case !r.Signed:
		ans.Reason = r.Doubt
	case r.Class == ClassPaid:
		w.approve(&ans, a, l, r)
	case !ours(a, l, r):
		ans.Reason = payment.ReasonOther
	case r.Class == ClassPending:
		ans.Outcome = payment.Pending
	case r.Class == ClassClosed, r.Class == ClassReversed, r.Class == ClassFailed:
		ans.Reason, ans.Hopeless = payment.ReasonOther, true
	case r.Absent:
		ans.Reason = payment.ReasonNoAnswer // the request may still be under way
	default:
		ans.Reason = payment.ReasonOther
	}
	return ans
}

// refunded reads the answer to a refund that is an attempt of its own. A refusal of our settings says nothing of the
// copy that was sent before.
func refunded(a payment.Attempt, c Call, r Result) payment.Answer {
	ans := payment.Answer{Code: r.Code, Text: r.Text, Messages: r.Messages, Reason: r.Doubt}
	ans.Host.Reference = r.Facts.Reference
	switch {
	case r.NotSent:
		ans.Outcome = payment.NotSent
	case !r.Signed:
	case r.Facts.Order != "" && r.Facts.Order != c.Order:
		ans.Reason = payment.ReasonOther
	case r.Class == ClassReversed:
		ans.Outcome, ans.Amount = payment.Approved, a.Amount
	case r.Class == ClassConfig && a.Asks > 0:
		ans.Reason = payment.ReasonOther
	case r.Class == ClassFailed, r.Class == ClassConfig, r.Class == ClassClosed:
		ans.Outcome = payment.Declined
	default:
		ans.Reason = payment.ReasonOther
	}
	return ans
}

// answer begins an Answer that says Unknown.
func answer(l *line, r Result) payment.Answer {
	return payment.Answer{
		After: l.terms.QueryEvery, Code: r.Code, Text: r.Text, Messages: r.Messages,
		Host: payment.HostNumbers{Wallet: l.terms.Name},
	}
}

// approve makes it Approved when the five checks hold.
func (w *Wallet) approve(ans *payment.Answer, a payment.Attempt, l *line, r Result) {
	why := w.doubt(a, l, r)
	w.noteClock(l, why, r.Facts.PaidAt)
	if why != "" {
		ans.Reason, ans.Text = payment.ReasonOther, why
		w.o.Log.Warn("wallet answer says paid but does not fit", "payment", a.ShortID, "why", why)
		return
	}
	ans.Outcome, ans.Amount = payment.Approved, r.Facts.Amount
	ans.Host.Reference = r.Facts.Reference
}

// implausibleTime is what doubt says of the time that a payment was made at. As the number is ours, and was never used
// before, one of the two clocks is wrong, or was when the order was sent.
const implausibleTime = "paid, but at an implausible time"

// noteClock keeps how far a gateway's clock is from ours where that costs payments, by our clock of now: it may have been set
// since the order was sent.
func (w *Wallet) noteClock(l *line, why string, paid time.Time) {
	off := paid.Sub(w.o.Now())
	switch {
	case why != "" && why != implausibleTime || paid.IsZero(): // it says nothing of the clocks
	case why == implausibleTime && off.Abs() > w.o.PaidWithin:
		l.setOff(off)
	default:
		l.setOff(0)
	}
}

// doubt names the first of the five checks that fails: signature, our number, amount and currency, our merchant,
// plausible time. It is empty when all hold.
func (w *Wallet) doubt(a payment.Attempt, l *line, r Result) string {
	sent := a.SentAt
	if sent.IsZero() {
		sent = w.o.Now()
	}
	f := r.Facts
	switch {
	case !r.Signed:
		return "the answer is not signed"
	case f.Order != a.Numbers.Order:
		return "paid, but under another number"
	case f.Amount != a.Amount:
		return "paid, but another amount"
	case f.Currency != a.Currency:
		return "paid, but in another currency"
	case f.Merchant != l.terms.Merchant:
		return "paid, but to another merchant"
	case f.PaidAt.IsZero() || f.PaidAt.Sub(sent).Abs() > w.o.PaidWithin:
		return implausibleTime
	}
	return ""
}

// ours tells that a signed answer does not name another order or merchant. Refusals may name neither.
func ours(a payment.Attempt, l *line, r Result) bool {
	return (r.Facts.Order == "" || r.Facts.Order == a.Numbers.Order) &&
		(r.Facts.Merchant == "" || r.Facts.Merchant == l.terms.Merchant)
}
