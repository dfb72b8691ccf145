package payment

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Order is a supervisor's word that what an attempt took goes back, because the other side's bill shows it. An attempt
// that ended without money here (no state leads out of that) keeps its state; what the bill shows is written beside it,
// once, and a refund that names it gives that back.
type Order struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Amount is what the other side holds of the attempt, in minor units. It must be given where the attempt holds nothing
	// here; else 0 gives back all that it holds.
	Amount Cents `json:"amount,omitempty"`
}

// orderedPrefix begins the ids of refunds that a supervisor has ordered; the original's id follows.
const orderedPrefix = systemPrefix + "found-"

// Disowned tells that a payment was sent and ended without money, as far as posd knows: only a bill can say otherwise.
func (a Attempt) Disowned() bool {
	ended := a.State == DeclinedState || a.State == Unsent || a.State == Reversed || a.State == SettledNotPaid
	return ended && a.Kind.captures() && !a.SentAt.IsZero()
}

// Owes is what a bill has shown that an attempt took, though it ended without, and what is not given back yet.
func (a Attempt) Owes() Cents {
	if a.Found == nil || !a.Disowned() {
		return 0
	}
	return max(0, a.Found.Amount-a.Refunded)
}

// Ordered gives the last refund of an attempt that a supervisor has ordered. failed tells that it is proven to have given
// nothing back: only then may another one be.
func (s Sale) Ordered(attempt string) (refund Attempt, ordered, failed bool) {
	for _, a := range s.Attempts {
		if a.Ordered != nil && a.Original == attempt {
			refund, ordered = a, true
		}
	}
	return refund, ordered, ordered && s.gaveNothing(refund)
}

// gaveNothing tells that a refund is proven to have given nothing back.
func (s Sale) gaveNothing(refund Attempt) bool { return s.clean(refund) && refund.held() == 0 }

// orderedOf gives the refund that an order over an amount has begun, unless it has given nothing back.
func (s Sale) orderedOf(attempt string, amount Cents) (refund Attempt, ordered bool) {
	for _, a := range s.Attempts {
		if a.Ordered != nil && a.Original == attempt && a.Ordered.Amount == amount && !s.gaveNothing(a) {
			refund, ordered = a, true
		}
	}
	return refund, ordered
}

// Refund gives back what an attempt took, at a supervisor's order, and returns the refund as it stands; Wait gives its
// outcome. It is repeated under its number until it is answered. Calling it again with the same amount gives the same refund,
// unless that was refused; another amount is of what is left. A *Problem says why nothing was begun.
func (d *Desk) Refund(ctx context.Context, k Key, o Order) (a Attempt, err error) {
	if o.By == "" || o.Reason == "" || o.Amount < 0 {
		return a, badRequest("an ordered refund needs by and reason", "say who decides, and why; amount, if given, is above 0")
	}
	err = d.visit(ctx, func(ctx context.Context) error {
		a, err = d.refundOrdered(ctx, k, o)
		return err
	})
	return a, err
}

func (d *Desk) refundOrdered(ctx context.Context, k Key, o Order) (Attempt, error) {
	done, err := d.begin(ctx, Key{k.Client, k.Sale, orderedPrefix + k.Attempt})
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	s, err := d.book.Sale(ctx, k.Client, k.Sale)
	if err != nil {
		return Attempt{}, err
	}
	if refund, ordered := s.orderedOf(k.Attempt, o.Amount); ordered {
		return refund, nil
	}
	r, err := s.orderedRefund(k, o)
	if err != nil {
		return Attempt{}, err
	}
	began := time.Now()
	t, err := d.orderedTender(ctx, r)
	if err != nil {
		return Attempt{}, err
	}
	d.log.Warn("refund ordered by a person", "sale", k.Sale, "attempt", k.Attempt, "refund", r.Key.Attempt, "by", o.By, "reason", o.Reason)
	p := d.hold(ctx, r, t, began)
	if p.err != nil {
		return Attempt{}, p.err
	}
	l := d.bear(r.Key)
	a, err := d.sendAtOnce(ctx, l, r, p)
	if err != nil {
		d.bury(l)
	}
	return a, err
}

// orderedRefund is the request for it, under the first id that is free.
func (s Sale) orderedRefund(k Key, o Order) (Request, error) {
	orig, ok := s.Find(k.Attempt)
	if !ok {
		return Request{}, found(errNotFound, "attempt "+k.String())
	}
	id := orderedPrefix + k.Attempt
	for n := 2; ; n++ {
		if _, used := s.Find(id); !used {
			break
		}
		id = fmt.Sprintf("%s%s.%d", orderedPrefix, k.Attempt, n)
	}
	return fitSale(Request{
		Key: Key{k.Client, k.Sale, id}, Rail: orig.Rail, Kind: KindRefund, Original: &orig, Language: orig.Language, Print: true, order: &o,
	}, s)
}

// orderedTender gives the tender of an ordered refund, ready. What a card terminal's host has kept of a reversed payment is
// given back by hand, and a card that is gone has to be shown at the till.
func (d *Desk) orderedTender(ctx context.Context, r Request) (Tender, error) {
	if r.Original.Disowned() && r.Original.Numbers.Terminal != "" {
		return byHand{r.Original.Rail}, nil
	}
	able, err := d.ready(ctx, r)
	if err != nil {
		return nil, err
	}
	if d.cardAgain(ctx, r, able[0]) {
		return nil, &Problem{
			Code: "card_needed", Status: 409, Detail: "the card has to be shown for this refund",
			Remedy: "begin a refund at the till, with the same card; or let the acquirer give it back",
		}
	}
	return able[0], nil
}

// fitOrdered checks a refund that a supervisor has ordered. What comes back over all refunds is never more than is held
// here, or than the bill shows.
func fitOrdered(r Request, s Sale, orig Attempt) (Request, error) {
	left := orig.Net()
	switch {
	case orig.State.Open():
		return r, &Problem{Code: "still_open", Status: 409, Detail: "attempt " + orig.Attempt + " is " + orig.Said() + ": posd is still at it", Remedy: "wait for its outcome"}
	case orig.State == Stuck:
		return r, &Problem{Code: "not_settled", Status: 409, Detail: "nobody has said yet whether attempt " + orig.Attempt + " is paid", Remedy: "settle it first"}
	case orig.Disowned() && orig.Found != nil:
		left = orig.Owes()
	case orig.Disowned() && r.order.Amount == 0:
		return r, badRequest("attempt "+orig.Attempt+" holds nothing here", "give in amount what the other side's bill shows")
	case orig.Disowned():
		left = r.order.Amount
	}
	switch {
	case left <= 0:
		return r, &Problem{Code: "original_not_paid", Status: 409, Detail: "attempt " + orig.Attempt + " is " + orig.Said() + ": there is nothing to give back", Remedy: "look at the sale"}
	case orig.Disowned() && r.order.Amount > orig.Amount, !orig.Disowned() && r.order.Amount > left:
		return r, &Problem{Code: "refund_too_high", Status: 422, Detail: fmt.Sprintf("%d is more than attempt %s may have taken", r.order.Amount, orig.Attempt), Remedy: "give back the rest at the other side's own page"}
	}
	if a, runs := s.naming(orig.Attempt); runs {
		return r, lockProblem(a)
	}
	r.Amount = left
	if !orig.Disowned() && r.order.Amount > 0 {
		r.Amount = r.order.Amount
	}
	return r, nil
}

// finding is what is written beside the original when its refund is ordered: nothing where it holds the money here, or
// where that was found before.
func finding(r Request, s Sale) []Fact {
	orig := r.Original
	if r.order == nil || orig == nil || !orig.Disowned() || orig.Found != nil {
		return nil
	}
	return []Fact{{Kind: factFound, Key: Key{s.Client, s.ID, orig.Attempt}, Order: r.order}}
}

// shownPaid are the attempts that a bill has shown to be paid, and that are not given back.
func shownPaid(attempts []Attempt) []Attempt {
	return slices.DeleteFunc(attempts, func(a Attempt) bool { return a.Owes() <= 0 })
}
