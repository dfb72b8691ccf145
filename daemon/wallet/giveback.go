package wallet

import (
	"context"

	"posd/daemon/payment"
)

// A gateway may say of an order that it was refunded, and not how much of it: somebody at the shop can have given a part back at
// the merchant's page. That is proof only where what it tells adds up to all that was paid, or where our own refund of all
// that was left has been answered.

// gone tells whether a query says that nothing of the order is held any more.
func (u *undoing) gone(r Result) bool {
	switch {
	case r.Class != ClassClosed && r.Class != ClassReversed:
		return false
	case r.ByRefund:
		return u.notes.Refunded || r.Facts.Refunded >= max(u.a.Amount, r.Facts.Amount)
	}
	return u.a.Refunded == 0
}

// lasts tells whether something has been so for ConfirmGap: that refunds are shown though a cancel was accepted, which does not
// end it then; or that a refund is refused of an order that is said to be paid, which may have been an old answer. since is
// when it was first seen.
func (u *undoing) lasts(since **stamp) bool {
	gap := u.w.o.ConfirmGap
	if *since != nil && u.w.since(**since) >= gap {
		return true
	}
	if *since == nil || u.w.since(**since) < 0 { // or the clock was set back over a restart
		s := u.w.stamp()
		*since = &s
	}
	u.out.After = gap - u.w.since(**since)
	return false
}

// restOf refunds what is left where a cancel does not help. A refusal is the end where refunds were made by hand of nobody knows
// how much: posd can do no more, and a person sees the sum at the merchant's page.
func (u *undoing) restOf(ctx context.Context, q Result) {
	if u.refund(ctx, q) == ClassFailed && q.ByRefund && q.Facts.Refunded == 0 && u.lasts(&u.notes.NoRefund) {
		u.out.Outcome = payment.Refused
		u.out.Text = "refunded by hand, perhaps in part, and the whole is refused: " + u.out.Text
	}
}

// refund gives back what is left, by what a query says, under a number that never changes. It answers ClassFailed only when
// the gateway signs that it will not.
func (u *undoing) refund(ctx context.Context, q Result) Class {
	c := Call{Op: OpRefund, Refund: u.order + refundSuffix, Total: u.a.Amount}
	c.Amount = u.a.Amount - max(u.a.Refunded, q.Facts.Refunded)
	r := u.do(ctx, c)
	if !r.Signed || !ours(u.a, u.l, r) {
		return ClassUnknown
	}
	switch r.Class {
	case ClassFailed, ClassConfig, ClassClosed:
		return ClassFailed
	default:
		u.notes.Refunded, u.notes.NoRefund = r.Class == ClassReversed, nil
		return r.Class
	}
}
