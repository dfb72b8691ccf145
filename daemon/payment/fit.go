package payment

import (
	"fmt"
	"slices"
)

// fitSale checks a new attempt against its sale and fills in amount, currency, original and rail.
func fitSale(r Request, s Sale) (Request, error) {
	print := fingerprint(r, s)
	r.fingerprint, r.Currency = print, s.Currency
	switch r.Kind {
	case KindVoid, KindRefund:
		return fitUndo(r, s)
	case KindCompletion:
		return fitCompletion(r, s)
	case KindBalance:
		return r, nil
	default:
		return fitPayment(r, s)
	}
}

// fitPayment checks a sale or pre-auth: it is for what is open, and nothing may lock it.
func fitPayment(r Request, s Sale) (Request, error) {
	if r.Amount != 0 && r.Amount != s.open() && s.Net() < s.Amount {
		return r, &Problem{
			Code: "amount_differs", Status: 422, Detail: "an attempt pays the open rest of its sale",
			Remedy: fmt.Sprintf("leave amount out, or give %d", s.open()),
		}
	}
	if a, locked := s.Lock(); locked && (r.Override == nil || s.Rest() == 0) {
		return r, lockProblem(a)
	}
	if err := checkOverride(r); err != nil {
		return r, err
	}
	if r.Amount = s.open(); r.Amount == 0 {
		return r, s.nothingOpen()
	}
	if !r.Code.Empty() {
		r.Rail = RailWallet
	}
	return r, nil
}

func checkOverride(r Request) error {
	if r.Override != nil && (r.Override.By == "" || r.Override.Reason == "") {
		return badRequest("an override needs by and reason", "say who decides, and why")
	}
	return nil
}

// fitCompletion checks a completion: it takes no more than its pre-auth holds and its sale has open, and only once. What
// else was paid does not keep it back, since the amounts do; what may be paid and is not decided yet does.
func fitCompletion(r Request, s Sale) (Request, error) {
	orig, err := original(r, s)
	if err != nil {
		return r, err
	}
	if err := sameRail(r, orig); err != nil {
		return r, err
	}
	r.Original, r.Rail = &orig, orig.Rail
	if err := mustHold(orig, s); err != nil {
		return r, err
	}
	for _, a := range s.Attempts {
		if s.passed(r, a) && r.Override == nil {
			return r, lockProblem(a)
		}
	}
	if err := checkOverride(r); err != nil {
		return r, err
	}
	most := min(orig.held(), s.Rest())
	switch {
	case most == 0:
		return r, &Problem{Code: "sale_paid", Status: 409, Detail: "the sale is paid already", Remedy: "void the pre-auth, so that what it holds is free again"}
	case r.Amount == 0:
		r.Amount = most
	case r.Amount > most:
		return r, &Problem{
			Code: "completion_too_high", Status: 422, Detail: fmt.Sprintf("%d is more than the %d that the pre-auth holds and the sale has open", r.Amount, most),
			Remedy: fmt.Sprintf("complete at most %d", most),
		}
	}
	return r, nil
}

// passed tells that a new attempt with an override would pass another one: both may turn out to be paid. A pre-auth is
// passed also while its completion is undecided, for it stands again when that comes to nothing.
func (s Sale) passed(r Request, a Attempt) bool {
	if !a.Kind.pays() || r.Original != nil && a.Attempt == r.Original.Attempt {
		return false
	}
	if r.Kind == KindCompletion {
		return a.undecided()
	}
	c, completed := s.completion(a.Attempt)
	return s.locks(a) || completed && c.undecided()
}

// original finds what a void, refund or completion names.
func original(r Request, s Sale) (Attempt, error) {
	orig, ok := s.Find(r.Original.Attempt)
	if ok && slices.Contains(originals[r.Kind], orig.Kind) {
		return orig, nil
	}
	if ok && orig.Kind == KindPreAuth {
		return orig, &Problem{
			Code: "not_refundable", Status: 422, Detail: "a pre-auth has taken nothing that could be refunded",
			Remedy: "void it, so that what it holds is free again",
		}
	}
	what := "sale"
	if r.Kind == KindCompletion {
		what = "pre-auth"
	}
	return orig, &Problem{Code: "not_found", Status: 404, Detail: "the original is no " + what + " attempt of this sale", Remedy: "check original"}
}

// sameRail refuses what names another rail than its original's. A till may leave it out, or say any.
func sameRail(r Request, orig Attempt) error {
	if r.Rail == "" || r.Rail == RailAny || r.Rail == orig.Rail || orig.Rail == RailAny {
		return nil
	}
	return &Problem{
		Code: "rail_differs", Status: 422, Detail: "attempt " + orig.Attempt + " is on rail " + string(orig.Rail) + ": a " + string(r.Kind) + " goes the same way",
		Remedy: "leave rail out, or give the original's",
	}
}

// mustHold tells whether a pre-auth holds something that can be completed or voided.
func mustHold(orig Attempt, s Sale) error {
	if c, completed := s.completion(orig.Attempt); completed && !c.undecided() {
		return &Problem{
			Code: "pre_auth_completed", Status: 409, Detail: "the completion " + c.Attempt + " has taken what the pre-auth held",
			Remedy: "void or refund the completion; after its void the pre-auth stands again",
		}
	}
	if a, runs := s.naming(orig.Attempt); runs {
		return lockProblem(a)
	}
	if s.reservedBy(orig) == 0 {
		return &Problem{
			Code: "original_not_paid", Status: 409, Detail: "the pre-auth " + orig.Attempt + " is " + orig.Said() + ": it holds nothing",
			Remedy: "only an approved pre-auth can be completed or voided",
		}
	}
	return nil
}

// fitUndo checks a void or refund: only what stands is undone, and never by more than was captured.
func fitUndo(r Request, s Sale) (Request, error) {
	orig, err := original(r, s)
	if err != nil {
		return r, err
	}
	if err := sameRail(r, orig); err != nil {
		return r, err
	}
	r.Original, r.Rail = &orig, orig.Rail
	if r.order != nil {
		return fitOrdered(r, s, orig)
	}
	if orig.Kind == KindPreAuth {
		if err := mustHold(orig, s); err != nil {
			return r, err
		}
		return fitWhole(r, orig.held())
	}
	if orig.State == SettledPaid && !r.system && orig.Net() > 0 {
		return r, &Problem{
			Code: "original_not_paid", Status: 409, Detail: "attempt " + orig.Attempt + " was settled as paid by a person: a till does not undo it",
			Remedy: "let a supervisor order its refund (posd refund)",
		}
	}
	undoable := orig.State == ApprovedState || orig.State == SettledPaid && r.system
	if !undoable || orig.Voided || orig.Net() <= 0 {
		return r, &Problem{
			Code: "original_not_paid", Status: 409, Detail: "attempt " + orig.Attempt + " is " + orig.Said() + ": there is nothing to give back",
			Remedy: "only an approved attempt can be voided or refunded",
		}
	}
	if a, runs := s.naming(orig.Attempt); runs {
		return r, lockProblem(a)
	}
	return fitAmount(r, orig)
}

// fitWhole is for a void: all of it goes, and who names less means something else.
func fitWhole(r Request, whole Cents) (Request, error) {
	if r.Amount != 0 && r.Amount != whole && !r.system {
		return r, &Problem{
			Code: "void_of_a_part", Status: 422, Detail: fmt.Sprintf("a void is of all of it, %d, and not of %d", whole, r.Amount),
			Remedy: "leave amount out; a part of a payment is refunded, and what a pre-auth holds too much is free after its completion",
		}
	}
	r.Amount = whole
	return r, nil
}

func fitAmount(r Request, orig Attempt) (Request, error) {
	if r.Kind == KindVoid {
		if orig.ended {
			return r, &Problem{Code: "batch_closed", Status: 409, Detail: "attempt " + orig.Attempt + " is of batch " + orig.Numbers.Batch + ", which is closed", Remedy: "refund it instead"}
		}
		if orig.Refunded > 0 {
			return r, &Problem{Code: "already_refunded", Status: 409, Detail: "a part was refunded already", Remedy: "refund the rest instead"}
		}
		return fitWhole(r, orig.Net())
	}
	if r.Amount == 0 {
		r.Amount = orig.Net()
	}
	if r.Amount > orig.Net() {
		return r, &Problem{
			Code: "refund_too_high", Status: 422, Detail: fmt.Sprintf("%d is more than the %d that are left of it", r.Amount, orig.Net()),
			Remedy: "refund at most what was captured",
		}
	}
	return r, nil
}
