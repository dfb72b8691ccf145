package receipt

import "posd/daemon/payment"

// Wording is what a slip says of an attempt.
type Wording string

// The wordings. The first four are of a sale or completion, and but for Paid of a pre-auth; only Paid, Voided and Refunded
// say that money has moved for good.
const (
	Paid          Wording = "paid"
	NotPaidYet    Wording = "not-paid-yet"  // being cancelled
	Cancelled     Wording = "cancelled"     // what was charged returns the same way
	NotConfirmed  Wording = "not-confirmed" // the cancellation is: somebody has to call
	PreAuthorised Wording = "pre-authorised"
	BalanceTold   Wording = "balance"
	Voided        Wording = "voided"
	VoidNotDone   Wording = "void-not-done" // the payment stands
	VoidUnsure    Wording = "void-unsure"
	Refunded      Wording = "refunded"
	RefundNotDone Wording = "refund-not-done"
	RefundUnsure  Wording = "refund-unsure"
)

// wordingOf says which slip an attempt of a kind in a state gets. What is not in it gets none: nothing was sent, or
// nothing is known yet, or the host has declined and nothing was charged.
var wordingOf = map[payment.Kind]map[payment.State]Wording{
	payment.KindSale:       ofPayment(Paid),
	payment.KindCompletion: ofPayment(Paid),
	payment.KindPreAuth:    ofPayment(PreAuthorised),
	payment.KindBalance:    {payment.ApprovedState: BalanceTold},
	payment.KindVoid: {
		payment.ApprovedState:  Voided,
		payment.Reversing:      VoidNotDone, // a void of unknown outcome is taken back; its original stays approved
		payment.Reversed:       VoidNotDone,
		payment.Stuck:          VoidUnsure,
		payment.SettledPaid:    Voided,
		payment.SettledNotPaid: VoidNotDone,
	},
	payment.KindRefund: {
		payment.ApprovedState:  Refunded,
		payment.Reversing:      RefundUnsure,
		payment.Reversed:       RefundNotDone,
		payment.Stuck:          RefundUnsure,
		payment.SettledPaid:    Refunded,
		payment.SettledNotPaid: RefundNotDone,
	},
}

// ofPayment is what is said of what the customer is charged by.
func ofPayment(done Wording) map[payment.State]Wording {
	return map[payment.State]Wording{
		payment.ApprovedState:  done,
		payment.Reversing:      NotPaidYet,
		payment.Reversed:       Cancelled,
		payment.Stuck:          NotConfirmed,
		payment.SettledPaid:    done,
		payment.SettledNotPaid: Cancelled,
	}
}

// WordingOf chooses the wording from the attempt's state. ok is false where there is nothing to print. It is pure.
func WordingOf(a payment.Attempt) (w Wording, ok bool) {
	if a.Voided {
		return Voided, true
	}
	w, ok = wordingOf[a.Kind][a.State]
	return w, ok
}
