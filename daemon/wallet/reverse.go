package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"posd/daemon/payment"
	"posd/daemon/step"
)

// refundSuffix makes the fixed number under which an order is refunded when it can no longer be cancelled.
const refundSuffix = "R"

// notes is Undo.Progress: how far the undoing of an order has come.
type notes struct {
	Accepted bool   `json:"accepted,omitempty"`  // the gateway has accepted a cancel, and no query contradicts it
	Refused  string `json:"refused,omitempty"`   // it has refused to cancel, with this code: a refund is tried instead
	NotPaid  *stamp `json:"not_paid,omitempty"`  // when a query first knew no paid order after that
	Refunded bool   `json:"refunded,omitempty"`  // the gateway has given all that was left back under our number, and no query contradicts it
	NoRefund *stamp `json:"no_refund,omitempty"` // when a refund was first refused, of an order that was said to be paid
	Partly   *stamp `json:"partly,omitempty"`    // when a query first showed refunds, perhaps of a part, after an accepted cancel
	Begun    *begun `json:"begun,omitempty"`     // when the undoing began, of an order that an earlier run had sent
}

// begun is when an undoing began, and how old its order was then by the wall clock.
type begun struct {
	stamp
	Age time.Duration `json:"age"`
}

// stamp is a moment that survives a restart by wall time, and clock changes within one run by monotonic time.
type stamp struct {
	Wall  time.Time     `json:"wall"`
	Run   string        `json:"run"`
	Since time.Duration `json:"since"`
}

// Reverse makes one step of undoing a sale: at most one cancel (or, past the window, refund) and one query.
//
// It is confirmed by a query only, since gateways accept the cancelling of anything: an order that is closed or
// reversed, or one that is absent in two queries at least ConfirmGap apart after a cancel was accepted, the last of them
// when no copy of the payment can be under way any more. An order that still waits for its customer is no proof, it can
// still be paid, so it is cancelled again; so is one seen paid, and one of which somebody may have refunded a part by hand.
func (w *Wallet) Reverse(ctx context.Context, a payment.Attempt) payment.Undo {
	d, l, err := w.of(a)
	if away := (*awayError)(nil); errors.As(err, &away) {
		out := payment.Again
		if w.o.Now().Sub(a.SentAt) >= awayWindow {
			out = payment.WindowOver
		}
		return payment.Undo{Outcome: out, Code: "not_configured", Text: away.Error()}
	}
	if err != nil {
		return payment.Undo{Outcome: payment.Refused, Code: "unplanned", Text: err.Error()}
	}
	if a.Kind != payment.KindSale {
		return payment.Undo{Outcome: payment.Refused, Code: "not_reversible", Text: "a wallet refund is repeated, not reversed"}
	}
	u := undoing{w: w, l: l, a: a, order: d.Order, planned: d.Planned}
	if len(a.Undo.Progress) > 0 {
		_ = json.Unmarshal(a.Undo.Progress, &u.notes) // notes that cannot be read are begun anew: that only costs time
	}
	switch {
	case u.early():
	case w.o.Now().Sub(a.SentAt) >= l.terms.ReverseWindow:
		u.late(ctx)
	default:
		u.inWindow(ctx)
	}
	return u.result()
}

// undoing is one call of Reverse.
type undoing struct {
	w       *Wallet
	l       *line
	a       payment.Attempt
	order   string
	planned *stamp // when the order was about to be sent; nil in the data of older versions
	notes   notes
	out     payment.Undo
}

func (u *undoing) result() payment.Undo {
	u.out.Progress, _ = json.Marshal(u.notes) // a struct of plain fields does not fail
	return u.out
}

// early holds the undoing back until the gateway allows it.
func (u *undoing) early() bool {
	u.out.After = max(0, u.l.terms.ReverseNotBefore-u.age())
	return u.out.After > 0
}

// age is for how long the order has been sent, by monotonic time. Of one that an earlier run had sent only the wall clock can
// tell how old it was when its undoing began; a clock that is set back later holds it back for no longer than from then on.
func (u *undoing) age() time.Duration {
	if u.planned != nil && u.planned.Run == u.w.run {
		return u.w.since(*u.planned)
	}
	if u.notes.Begun == nil || u.w.since(u.notes.Begun.stamp) < 0 {
		u.notes.Begun = &begun{u.w.stamp(), max(0, u.w.o.Now().Sub(u.a.SentAt))}
	}
	return u.notes.Begun.Age + u.w.since(u.notes.Begun.stamp)
}

// inWindow cancels unless a cancel is already accepted, and asks what came of it.
func (u *undoing) inWindow(ctx context.Context) {
	if !u.notes.Accepted && !u.cancel(ctx) {
		return
	}
	q, ok := u.query(ctx)
	switch {
	case !ok || u.out.Outcome == payment.Confirmed:
	case u.notes.Refused != "" && (q.Class == ClassPaid || q.ByRefund):
		u.out.Code, u.out.Text = u.notes.Refused, "cancel refused, refund follows"
		u.restOf(ctx, q)
	case q.ByRefund && u.lasts(&u.notes.Partly):
		u.restOf(ctx, q)
	}
}

// late is for an order older than the gateway's window: what is paid is refunded, under a number that never changes;
// what is absent is cancelled, which gateways allow at any time.
func (u *undoing) late(ctx context.Context) {
	q, ok := u.query(ctx)
	switch {
	case !ok || u.out.Outcome == payment.Confirmed:
	case q.Class == ClassPaid, q.ByRefund:
		if u.refund(ctx, q) == ClassFailed && u.lasts(&u.notes.NoRefund) {
			u.out.Outcome = payment.WindowOver
		}
	case !u.notes.Accepted:
		_ = u.cancel(ctx)
	}
}

// cancel tells whether the gateway answered at all.
func (u *undoing) cancel(ctx context.Context) bool {
	step.At("wallet cancel")
	r := u.do(ctx, Call{Op: OpCancel})
	step.At("wallet cancel answered")
	if !r.Reached {
		return false
	}
	if !r.Signed || !ours(u.a, u.l, r) {
		return true
	}
	switch r.Class {
	case ClassReversed, ClassClosed:
		u.notes.Accepted, u.notes.Refused = true, ""
	case ClassUnknown, ClassFailed, ClassConfig:
		u.notes.Refused = r.Code
	default: // to be called again
	}
	return true
}

// query asks for the order and takes notes; ok is false when the answer cannot be believed.
func (u *undoing) query(ctx context.Context) (r Result, ok bool) {
	r = u.do(ctx, Call{Op: OpQuery, Sum: !u.notes.Refunded})
	if !r.Signed || !ours(u.a, u.l, r) {
		return r, false
	}
	switch {
	case r.Facts.Order == u.order && u.gone(r):
		u.out.Outcome = payment.Confirmed
	case r.ByRefund:
		u.notes.Accepted, u.notes.NotPaid = false, nil
	case r.Class == ClassPaid, r.Class == ClassPending:
		u.notes = notes{Refused: u.notes.Refused, NoRefund: u.notes.NoRefund, Begun: u.notes.Begun}
	case u.notes.Accepted && (r.Absent || r.Class == ClassFailed):
		u.notes.NoRefund = nil
		u.absent(r)
	}
	return r, true
}

// absent counts the queries that knew no paid order: two, far enough apart, end it. Where there is no order at all the
// payment may be under way yet, so it is asked for until it cannot be.
func (u *undoing) absent(r Result) {
	gap := u.w.o.ConfirmGap
	if u.notes.NotPaid == nil || u.w.since(*u.notes.NotPaid) < 0 { // the clock was set back over a restart: the wait begins anew
		s := u.w.stamp()
		u.notes.NotPaid, u.out.After = &s, gap
		return
	}
	left := gap - u.w.since(*u.notes.NotPaid)
	if r.Absent {
		left = max(left, min(gap, u.w.o.InFlightMax-u.age()))
	}
	if left <= 0 {
		u.out.Outcome = payment.Confirmed
		return
	}
	u.out.After = left
}

// do fills in what all calls of one undoing share, and keeps the words and messages for the journal.
func (u *undoing) do(ctx context.Context, c Call) Result {
	c.Order, c.Currency = u.order, u.a.Currency
	if c.Op != OpRefund {
		c.Amount = u.a.Amount
	}
	out := u.l.Request(c)
	r := u.l.do(ctx, c)
	u.out.Messages = append(append(u.out.Messages, out), r.Messages...)
	u.out.UnderWay = u.out.UnderWay || c.Op != OpQuery && !r.Reached && !r.NotSent
	if r.Code != "" || u.out.Code == "" {
		u.out.Code, u.out.Text = r.Code, r.Text
	}
	return r
}

func (w *Wallet) stamp() stamp {
	return stamp{Wall: w.o.Now(), Run: w.run, Since: time.Since(w.started)}
}

// since is how long ago a stamp was made: by monotonic time within this run, else by the wall clock.
func (w *Wallet) since(s stamp) time.Duration {
	if s.Run == w.run {
		return time.Since(w.started) - s.Since
	}
	return w.o.Now().Sub(s.Wall)
}
