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
	t := d.tenderOf(a)
	if t == nil || v.As == "retry" {
		return nil
	}
	sent := a.Undo.UnderWay
	if a.Undo.Since.Before(d.began) && a.Undo.LastTry.After(d.began) && d.began.After(sent) {
		sent = d.began // posd was stopped while it was reversing
	}
	if until, may := mayArrive(sent, v.At, t.Policy()); may {
		return &Problem{
			Code: "reversal_under_way", Status: 409, RetryAt: until, Remedy: settleAfter(until),
			Detail: "a reversal of attempt " + a.Key.String() + " was sent and not answered: it may still arrive",
		}
	}
	if until, may := mayArrive(a.SentAt, v.At, t.Policy()); may && v.As == "not-paid" {
		return &Problem{
			Code: "request_under_way", Status: 409, RetryAt: until, Remedy: settleAfter(until),
			Detail: "attempt " + a.Key.String() + " was sent a moment ago: it may still arrive",
		}
	}
	return nil
}

// mayArrive tells whether what was sent may still be under way, and until when. A clock that was set back holds nobody up.
func mayArrive(sent, now time.Time, pol Policy) (until time.Time, may bool) {
	until = sent.Add(pol.InFlightMax)
	return until, !sent.IsZero() && !now.Before(sent) && now.Before(until)
}

func settleAfter(t time.Time) string {
	return "look at the other side's books after " + t.Format(time.TimeOnly) + ", and settle then"
}

func notStuck(a Attempt) error {
	return &Problem{
		Code: "not_stuck", Status: 409, Detail: "attempt " + a.Key.String() + " is " + a.Said() + ": there is nothing to settle",
		Remedy: "look at posd owed (GET /v1/owed)",
	}
}
