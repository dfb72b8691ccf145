package payment

import (
	"fmt"
	"time"
)

// Sale is what is to be paid, with all attempts to pay it, in the order of their creation.
type Sale struct {
	Client    string    `json:"client"`
	ID        string    `json:"id"`
	Amount    Cents     `json:"amount"`
	Currency  string    `json:"currency"`
	Reference string    `json:"reference,omitempty"`
	OpenedAt  time.Time `json:"opened_at"`
	AckedAt   time.Time `json:"acked_at,omitzero"`
	After     string    `json:"after,omitempty"`   // the unacknowledged sale that the till knows of
	Warning   string    `json:"warning,omitempty"` // shown to the cashier: an equal sale was just paid
	Attempts  []Attempt `json:"attempts"`
}

// The words said to the till about an attempt. They are derived from its state.
const (
	SaidInProgress     = "in_progress"
	SaidApproved       = "approved"
	SaidDeclined       = "declined"
	SaidNotPaid        = "not_paid"
	SaidReversing      = "reversing"
	SaidReversed       = "reversed"
	SaidVoided         = "voided"
	SaidRefunded       = "refunded"
	SaidNeedsAttention = "needs_attention"
	SaidSettledPaid    = "settled_paid"
	SaidSettledNotPaid = "settled_not_paid"
)

var said = map[State]string{
	Created: SaidInProgress, Sent: SaidInProgress, Unsent: SaidNotPaid, Cancelled: SaidNotPaid,
	ApprovedState: SaidApproved, DeclinedState: SaidDeclined, Reversing: SaidReversing, Reversed: SaidReversed,
	Stuck: SaidNeedsAttention, SettledPaid: SaidSettledPaid, SettledNotPaid: SaidSettledNotPaid,
}

// Said is what the till hears of the attempt.
func (a Attempt) Said() string {
	if a.Voided {
		return SaidVoided
	}
	if a.Refunded > 0 && a.held() > 0 && a.Net() <= 0 {
		return SaidRefunded
	}
	return said[a.State]
}

// Net is what the attempt has captured and not given back, as far as posd knows. A pre-auth captures nothing.
func (a Attempt) Net() Cents {
	held := a.held()
	if !a.Kind.captures() || a.Voided || held == 0 {
		return 0
	}
	return held - a.Refunded
}

// Held is what an attempt took, reserved or gave back, as the journal has it, whatever another one did to that since.
func (a Attempt) Held() Cents { return a.held() }

// held is what the other side holds, or held before a void or refund: captured, or reserved by a pre-auth.
func (a Attempt) held() Cents {
	switch a.State {
	case ApprovedState:
		return a.Approved
	case SettledPaid:
		if a.Settled != nil && a.Settled.Amount > 0 {
			return a.Settled.Amount
		}
		if a.Approved > 0 {
			return a.Approved // what the host had said before it was taken back
		}
		return a.Amount
	default:
		return 0
	}
}

// undecided tells that the attempt may yet turn out either way: posd is at it, or a person decides.
func (a Attempt) undecided() bool { return a.State.Open() || a.State == Stuck }

// Net is what the customer has paid for the sale, over all rails and kinds.
func (s Sale) Net() Cents {
	var sum Cents
	for _, a := range s.Attempts {
		sum += a.Net()
	}
	return sum
}

// Rest is what is still to be paid.
func (s Sale) Rest() Cents { return max(0, s.Amount-s.Net()) }

// Reserved is what pre-auths hold for the sale that nothing has completed yet.
func (s Sale) Reserved() Cents {
	var sum Cents
	for _, a := range s.Attempts {
		sum += s.reservedBy(a)
	}
	return sum
}

// reservedBy is what a pre-auth holds. One that is completed, or may be, holds nothing: its completion speaks for it.
func (s Sale) reservedBy(a Attempt) Cents {
	if _, completed := s.completion(a.Attempt); completed || a.Kind != KindPreAuth || a.Voided {
		return 0
	}
	return a.held()
}

// nothingOpen says why there is nothing to pay though no attempt locks the sale: pre-auths of parts hold all that is left.
func (s Sale) nothingOpen() error {
	for _, a := range s.Attempts {
		if s.reservedBy(a) > 0 {
			return lockProblem(a)
		}
	}
	return &Problem{Code: "sale_paid", Status: 409, Detail: "the sale is paid already", Remedy: "open a sale of its own for what else is to be paid"}
}

// completion gives the attempt that has completed a pre-auth, or may have. After its void the pre-auth stands again.
func (s Sale) completion(preauth string) (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.Kind == KindCompletion && a.Original == preauth && !a.Voided && (a.undecided() || a.held() > 0) {
			return a, true
		}
	}
	return Attempt{}, false
}

// open is what a further attempt is to pay: the rest, but for what a pre-auth of a part has reserved already.
func (s Sale) open() Cents {
	rest := s.Rest()
	for _, a := range s.Attempts {
		if !s.locks(a) {
			rest -= s.reservedBy(a)
		}
	}
	return max(0, rest)
}

// Find gives the attempt with that id.
func (s Sale) Find(id string) (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.Attempt == id {
			return a, true
		}
	}
	return Attempt{}, false
}

// locks tells whether an attempt keeps its sale from another one (rule 10). A void or refund locks while its own outcome
// is open; what it did to its original shows on the original. A balance moves nothing and locks nothing.
func (s Sale) locks(a Attempt) bool {
	switch {
	case a.Kind == KindBalance || a.Voided:
		return false
	case a.Owes() > 0:
		return true
	case a.undecided():
		return true
	case a.Kind == KindCompletion: // of less than the sale, by the till's own word: the rest may be paid another way
		return a.held() > 0 && s.captured() >= s.Amount
	case a.Kind == KindPreAuth && s.reservedBy(a) == 0:
		return false
	case !a.Kind.pays():
		return false
	}
	part := a.State == ApprovedState && a.Approved < a.Amount // accepted: it leaves the sale open for the rest
	return a.held() > 0 && !part
}

// captured is what was ever captured for the sale, refunds left aside.
func (s Sale) captured() Cents {
	var sum Cents
	for _, a := range s.Attempts {
		if a.Kind.captures() && !a.Voided {
			sum += a.held()
		}
	}
	return sum
}

// Lock gives the attempt that keeps the sale from another one.
func (s Sale) Lock() (Attempt, bool) {
	for _, a := range s.Attempts {
		if s.locks(a) {
			return a, true
		}
	}
	return Attempt{}, false
}

// naming gives the void, refund or completion of an attempt whose outcome is open.
func (s Sale) naming(attempt string) (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.Original == attempt && a.undecided() {
			return a, true
		}
	}
	return Attempt{}, false
}

// acked tells how a sale stands with its acknowledgement: whether something is paid that the till has not acknowledged,
// something that it has, and something that it did not in time and that no person has found to be paid.
func (s Sale) acked() (due, done, lapsed bool) {
	for _, a := range s.Attempts {
		due = due || a.pays() && !a.Acked
		done = done || a.pays() && a.Acked
		lapsed = lapsed || a.Lapsed && a.State != SettledPaid
	}
	return due, done, lapsed
}

// pays tells that the attempt has paid, as far as posd or a person knows: a till may acknowledge it.
func (a Attempt) pays() bool {
	return a.Kind.pays() && !a.Voided && (a.State == ApprovedState || a.State == SettledPaid)
}

// ackIdle tells that there is nothing to acknowledge any more.
func (s Sale) ackIdle() bool {
	due, done, lapsed := s.acked()
	return !due && (done || !lapsed && !s.AckedAt.IsZero())
}

// lockProblem says to the cashier why a further attempt is refused, and what to do.
func lockProblem(a Attempt) *Problem {
	p := &Problem{Code: "sale_locked", Status: 409, RetryAt: a.Undo.NextTry}
	if a.Owes() > 0 {
		p.Code = "sale_needs_attention"
		p.Detail = "a bill shows that attempt " + a.Attempt + " has taken the money, and it is not given back yet"
		p.Remedy = "wait for its refund, or let a supervisor order that (posd refund); a supervisor may override with a reason"
		return p
	}
	if a.Kind.undoes() && a.undecided() {
		return undoLocks(a, p)
	}
	switch a.State {
	case Created, Sent:
		p.Detail = "attempt " + a.Attempt + " of this sale is still running; it may yet be paid"
		p.Remedy = "wait for its result, or cancel it"
		p.RetryAt, p.Soon = a.Deadline, true
	case Reversing:
		p.Detail = "attempt " + a.Attempt + " may have taken the money and is being reversed"
		p.Remedy = "wait until it is reversed; a supervisor may override with a reason"
	case Stuck:
		p.Code = "sale_needs_attention"
		p.RetryAt = time.Time{}
		p.Detail = "the reversal of attempt " + a.Attempt + " was not confirmed: the customer may have paid already"
		p.Remedy = "ask the acquirer, then settle the attempt; a supervisor may override with a reason"
	default:
		p.RetryAt = time.Time{}
		if a.Kind == KindPreAuth {
			p.Code = "sale_reserved"
			p.Detail = "the pre-auth " + a.Attempt + " holds the amount of this sale"
			p.Remedy = "complete it; or void it first, if the customer is to pay another way"
			return p
		}
		p.Code = "sale_paid"
		p.Detail = "attempt " + a.Attempt + " has already paid this sale"
		p.Remedy = "void or refund it first, if the customer is to pay another way"
		if a.Refunded > 0 {
			p.Detail += fmt.Sprintf(", and %d of it went back", a.Refunded)
			p.Remedy = "open a sale of its own for what the customer pays again"
		}
	}
	return p
}

// undoLocks is lockProblem for a void or refund: the payment that it names may stand, and nobody is to pay again for it.
func undoLocks(a Attempt, p *Problem) *Problem {
	name := fmt.Sprintf("the %s %s of this sale", a.Kind, a.Attempt)
	switch a.State {
	case Created, Sent:
		p.Detail, p.Remedy = name+" is still running", "wait for its result"
		p.RetryAt, p.Soon = a.Deadline, true
	case Reversing:
		p.Detail = "the outcome of " + name + " is not known, and it is being taken back: the payment may stand"
		p.Remedy = "wait until that is done; a supervisor may override with a reason"
	default:
		p.Code, p.RetryAt = "sale_needs_attention", time.Time{}
		p.Detail = name + " is not known to be done: the payment may stand"
		p.Remedy = "ask the acquirer or the gateway, then settle the attempt; a supervisor may override with a reason"
	}
	return p
}
