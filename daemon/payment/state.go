package payment

import "slices"

// State is where an attempt stands. It only moves forward, along the table below.
type State string

// The states, one set for every kind.
const (
	Created        State = "created"
	Sent           State = "sent"
	Unsent         State = "unsent"    // not one byte of the request left
	Cancelled      State = "cancelled" // given up before anything was sent
	ApprovedState  State = "approved"
	DeclinedState  State = "declined"
	Reversing      State = "reversing" // a point of no return: a late yes does not revive it
	Reversed       State = "reversed"
	Stuck          State = "stuck" // the host refuses the reversal, or it cannot be sent any more: a person decides
	SettledPaid    State = "settled_paid"
	SettledNotPaid State = "settled_not_paid"
)

// moves is the whole table: what is not in it cannot happen.
var moves = map[State][]State{
	Created:       {Sent, Unsent, Cancelled},
	Sent:          {ApprovedState, DeclinedState, Unsent, Reversing},
	ApprovedState: {Reversing},
	Reversing:     {Reversed, Stuck},
	Stuck:         {Reversing, SettledPaid, SettledNotPaid},
}

// States lists every state in the order of the table, for documents and tests.
func States() []State {
	return []State{
		Created, Sent, Unsent, Cancelled, ApprovedState, DeclinedState,
		Reversing, Reversed, Stuck, SettledPaid, SettledNotPaid,
	}
}

// CanMove tells whether the table allows from to become to.
func CanMove(from, to State) bool { return slices.Contains(moves[from], to) }

// Open tells whether posd still owes this attempt work.
func (s State) Open() bool { return s == Created || s == Sent || s == Reversing }
