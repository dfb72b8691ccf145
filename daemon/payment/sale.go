package payment

import "time"

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
	if a.Refunded > 0 && a.Refunded >= a.Net()+a.Refunded {
		return SaidRefunded
	}
	return said[a.State]
}

// Net is what the attempt has captured and not given back, as far as posd knows. Only sales capture.
func (a Attempt) Net() Cents {
	if a.Kind != KindSale || a.Voided {
		return 0
	}
	switch a.State {
	case ApprovedState:
		return a.Approved - a.Refunded
	case SettledPaid:
		if a.Settled != nil && a.Settled.Amount > 0 {
			return a.Settled.Amount - a.Refunded
		}
		if a.Approved > 0 {
			return a.Approved - a.Refunded // what the host had said before it was taken back
		}
		return a.Amount - a.Refunded
	default:
		return 0
	}
}

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

// Find gives the attempt with that id.
func (s Sale) Find(id string) (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.Attempt == id {
			return a, true
		}
	}
	return Attempt{}, false
}

// locks tells whether the attempt keeps its sale from another one (rule 10). A void or refund locks while its own
// outcome is open; what it did to its original shows on the original.
func (a Attempt) locks() bool {
	if a.Kind != KindSale {
		return a.State.Open() || a.State == Stuck
	}
	if a.Voided {
		return false
	}
	switch a.State {
	case Unsent, Cancelled, DeclinedState, Reversed, SettledNotPaid:
		return false
	case ApprovedState:
		return a.Approved >= a.Amount // an accepted partial approval leaves the sale open for the rest
	default:
		return true
	}
}

// Lock gives the attempt that keeps the sale from another one.
func (s Sale) Lock() (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.locks() {
			return a, true
		}
	}
	return Attempt{}, false
}

// undoing gives the void or refund of an attempt whose outcome is open.
func (s Sale) undoing(attempt string) (Attempt, bool) {
	for _, a := range s.Attempts {
		if a.Kind != KindSale && a.Original == attempt && a.locks() {
			return a, true
		}
	}
	return Attempt{}, false
}

// acked tells how a sale stands with its acknowledgement: whether something is paid that the till has not acknowledged,
// something that it has, and something that it did not in time.
func (s Sale) acked() (due, done, lapsed bool) {
	for _, a := range s.Attempts {
		paid := a.Kind == KindSale && a.State == ApprovedState && !a.Voided
		due = due || paid && !a.Acked
		done = done || paid && a.Acked
		lapsed = lapsed || a.Confirm && a.Reason == ReasonUnwanted
	}
	return due, done, lapsed
}

// ackIdle tells that there is nothing to acknowledge any more.
func (s Sale) ackIdle() bool {
	due, done, lapsed := s.acked()
	return !due && (done || !lapsed && !s.AckedAt.IsZero())
}

// lockProblem says to the cashier why a further attempt is refused, and what to do.
func lockProblem(a Attempt) *Problem {
	p := &Problem{Code: "sale_locked", Status: 409, RetryAt: a.Undo.NextTry}
	switch a.State {
	case Created, Sent:
		p.Detail = "attempt " + a.Attempt + " of this sale is still running; it may yet be paid"
		p.Remedy = "wait for its result, or cancel it"
		p.RetryAt = a.Deadline
	case Reversing:
		p.Detail = "attempt " + a.Attempt + " may have taken the money and is being reversed"
		p.Remedy = "wait until it is reversed; a supervisor may override with a reason"
	case Stuck:
		p.Code = "sale_needs_attention"
		p.RetryAt = time.Time{}
		p.Detail = "the reversal of attempt " + a.Attempt + " was not confirmed: the customer may have paid already"
		p.Remedy = "ask the acquirer, then settle the attempt; a supervisor may override with a reason"
	default:
		p.Code = "sale_paid"
		p.RetryAt = time.Time{}
		p.Detail = "attempt " + a.Attempt + " has already paid this sale"
		p.Remedy = "void or refund it first, if the customer is to pay another way"
	}
	return p
}
