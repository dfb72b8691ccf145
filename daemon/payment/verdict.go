package payment

import (
	"context"
	"time"
)

// Settle carries out a person's verdict on a stuck attempt: "paid", "not-paid", or "retry" to try the reversal again.
func (d *Desk) Settle(ctx context.Context, k Key, v Settlement) (Attempt, error) {
	if v.By == "" || v.Reason == "" || verdicts[v.As] == "" {
		return Attempt{}, &Problem{Code: "bad_request", Status: 422, Detail: "a settlement needs as, by and reason", Remedy: `give as "paid", "not-paid" or "retry", who decides, and why`}
	}
	v.At = d.now()
	a, err := d.book.Attempt(ctx, k)
	if err != nil {
		return a, err
	}
	if a.Kind == KindVoid && v.Amount != 0 && v.Amount != a.Amount {
		return a, &Problem{Code: "bad_request", Status: 422, Detail: "a void is of all of it", Remedy: "leave amount out; if a part was given back, that was a refund: ask the acquirer what it was"}
	}
	if v.Amount < 0 || v.Amount > a.Amount {
		return a, &Problem{Code: "bad_request", Status: 422, Detail: "amount is more than the attempt's", Remedy: "give what the acquirer or gateway holds, in minor units"}
	}
	if a.State != Stuck {
		if a.Settled != nil && a.Settled.As == v.As {
			return a, nil
		}
		return a, notStuck(a)
	}
	if p := d.tooEarly(a, v); p != nil {
		return a, p
	}
	err = d.visit(ctx, func(ctx context.Context) error {
		if a, err = d.commit(ctx, k, event{verdict: &v}, Policy{}); err != nil {
			return err
		}
		if a.State != verdicts[v.As] { // somebody else was faster, and said something else
			return notStuck(a)
		}
		d.resume(a)
		return nil
	})
	if err != nil {
		return a, err
	}
	d.log.Warn("attempt settled by a person", "sale", a.Sale, "attempt", a.Attempt, "payment", a.ShortID, "as", v.As, "by", v.By, "reason", v.Reason)
	return d.book.Attempt(ctx, k)
}

// tooEarly refuses a verdict while what was sent may still arrive: the reversal, or, of what is said not to be paid, the
// request itself. What a person has just seen in the other side's books would not be true any more.
func (d *Desk) tooEarly(a Attempt, v Settlement) *Problem {
	if v.As == "retry" {
		return nil
	}
	limit := usualInFlightMax // of a tender that is not configured any more
	if t := d.tenderOf(a); t != nil {
		limit = t.Policy().InFlightMax
	}
	sent := a.Undo.UnderWay
	if a.Undo.Since.Before(d.began) && a.Undo.LastTry.After(d.began) && d.began.After(sent) {
		sent = d.began // posd was stopped while it was reversing
	}
	if until := sent.Add(limit); isUnderWay(sent, v.At, until) {
		return &Problem{
			Code: "reversal_under_way", Status: 409, RetryAt: until, Remedy: settleAfter(until),
			Detail: "a reversal of attempt " + a.Key.String() + " was sent and not answered: it may still arrive",
		}
	}
	asked := a.lastAsked()
	if until := asked.Add(limit); v.As == "not-paid" && isUnderWay(asked, v.At, until) {
		return &Problem{
			Code: "request_under_way", Status: 409, RetryAt: until, Remedy: settleAfter(until),
			Detail: "attempt " + a.Key.String() + " was sent and not answered: it may still arrive",
		}
	}
	return nil
}

// usualInFlightMax is how long a request may be under way where nobody says so.
const usualInFlightMax = 2 * time.Minute

// lastAsked is when posd gave up waiting for an answer to the request, or to its last copy; zero if it was answered.
func (a *Attempt) lastAsked() time.Time {
	switch {
	case a.Approved > 0:
		return time.Time{}
	case a.Undo.Since.After(a.SentAt):
		return a.Undo.Since
	}
	return a.SentAt
}

// isUnderWay tells whether what was sent may still arrive. By a clock that was set back it was sent in the future: that
// holds nobody up until the clock comes to that time again.
func isUnderWay(sent, now, until time.Time) bool {
	return !sent.IsZero() && !now.Before(sent) && now.Before(until)
}

func settleAfter(t time.Time) string {
	return "look at the other side's books after " + t.Local().Format(time.TimeOnly) + ", and settle then"
}

func notStuck(a Attempt) error {
	return &Problem{
		Code: "not_stuck", Status: 409, Detail: "attempt " + a.Key.String() + " is " + a.Said() + ": there is nothing to settle",
		Remedy: "look at posd owed (GET /v1/owed)",
	}
}
