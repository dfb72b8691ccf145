package payment

import "time"

// Pair is a suspect pair: two attempts of one sale that may both have been paid, because a supervisor passed the
// tender lock. There is one record per pair; it ends when at most one of the two has kept money.
type Pair struct {
	Client string    `json:"client"`
	Sale   string    `json:"sale"`
	First  string    `json:"first"`  // the attempt that locked the sale
	Second string    `json:"second"` // the attempt that was let through
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at,omitzero"`
	State  string    `json:"state"`           // open, undoing, resolved, failed
	Undo   string    `json:"undo,omitempty"`  // the attempt whose money goes back
	Via    string    `json:"via,omitempty"`   // the refund that does it; empty while Undo itself is reversed
	Tried  []string  `json:"tried,omitempty"` // attempts whose undoing was proven refused
}

// The states of a pair.
const (
	PairOpen     = "open"
	PairUndoing  = "undoing"
	PairResolved = "resolved"
	PairFailed   = "failed" // neither could be undone: a person must give the money back
)

// pairMove is what a pair asks for next.
type pairMove struct {
	to      string // the state it moves to; "" for nothing
	undo    string // the attempt to undo
	reverse bool   // by reversal; else by refund
}

// decidePair says what becomes of a suspect pair of a sale, given the void or refund under way, if any. It is pure.
//
// When both are known paid, the attempt that the till was told approved stays and the other is undone: by reversal
// where it can be, else by refund. A card that a person settled as paid stays, and the wallet is refunded, since that
// needs no card. What only reserves goes before what was paid; where it cannot be undone a person must, since no payment
// is given back for it. A second undo starts only after the first is proven refused, and none while a void or refund of
// either is under way: that may be the undo.
func decidePair(s Sale, p Pair, via *Attempt) pairMove {
	first, _ := s.Find(p.First)
	second, _ := s.Find(p.Second)
	switch {
	case p.State == PairResolved || p.State == PairFailed:
		return pairMove{}
	case s.clean(first) || s.clean(second):
		return pairMove{to: PairResolved}
	case p.State == PairUndoing && !refused(p, first, second, via):
		return pairMove{}
	case p.State == PairUndoing && (len(p.Tried) > 0 || first.Kind.captures() != second.Kind.captures()):
		return pairMove{to: PairFailed}
	case s.holds(first) <= 0 || s.holds(second) <= 0:
		return pairMove{} // one of them is still open or stuck
	case p.State == PairOpen && (s.named(first) || s.named(second)):
		return pairMove{}
	}
	undo := undoFirst(first, second)
	if p.State == PairUndoing {
		undo = other(p.Undo, first, second)
	}
	// After its batch no host takes an attempt back by a reversal, nor what is left of one.
	window := undo.State == ApprovedState && !undo.ended && undo.Refunded == 0
	return pairMove{to: PairUndoing, undo: undo.Attempt, reverse: undo.Rail == RailCard && window && undo.Kind != KindCompletion}
}

// decideSalePair is decidePair within a sale of several pairs. Where all that is held is no more than the sale, two of them
// are no pair (a part each). One gives back at a time, so that never all of them go, nor more than is too much.
func decideSalePair(s Sale, p Pair, all []Pair, cannot string) pairMove {
	first, ok1 := s.Find(p.First)
	second, ok2 := s.Find(p.Second)
	if !ok1 || !ok2 {
		return pairMove{}
	}
	via := s.via(p.Undo)
	if p.Via == "" {
		via = nil
	}
	if p.Via != "" && cannot != "" && cannot == p.Undo {
		via = &Attempt{Kind: KindRefund, State: DeclinedState}
	}
	open := p.State == PairOpen || p.State == PairUndoing
	both := s.holds(first) > 0 && s.holds(second) > 0
	if open && both && s.excess(first, second) <= 0 {
		return pairMove{to: PairResolved}
	}
	m := decidePair(s, p, via)
	for _, o := range all {
		if m.to == PairUndoing && !p.same(o) && o.State == PairUndoing {
			return pairMove{}
		}
	}
	return m
}

func (p Pair) same(o Pair) bool {
	return p.Client == o.Client && p.Sale == o.Sale && p.First == o.First && p.Second == o.Second
}

// via gives the last void or refund by which posd itself gives an attempt's money back; nil if there is none.
func (s Sale) via(attempt string) (via *Attempt) {
	for _, a := range s.Attempts {
		if a.System && a.Kind.undoes() && a.Original == attempt {
			via = &a
		}
	}
	return via
}

// holds is what an attempt keeps from the customer: captured, or reserved.
func (s Sale) holds(a Attempt) Cents {
	if a.Kind == KindPreAuth {
		return s.reservedBy(a)
	}
	return a.Net()
}

// excess is how much more is held for the sale than the two of a pair may keep. For what was paid only what was paid counts:
// what is reserved beside it goes by itself. What a till has refunded since there are both is not the other one's to keep.
func (s Sale) excess(first, second Attempt) Cents {
	held := s.Net() + s.returned(first, second)
	if !first.Kind.captures() || !second.Kind.captures() {
		held += s.Reserved()
	}
	return held - s.Amount
}

// returned is what a till has refunded of the two of a pair after it had begun both. What it refunded before then, the later
// one may have been begun for.
func (s Sale) returned(first, second Attempt) (sum Cents) {
	both := 0
	for _, a := range s.Attempts {
		switch {
		case a.Attempt == first.Attempt || a.Attempt == second.Attempt:
			both++
		case both == 2 && a.Kind == KindRefund && !a.System && a.Ordered == nil && (a.Original == first.Attempt || a.Original == second.Attempt):
			sum += a.held()
		}
	}
	return sum
}

// named tells that a void, refund or completion of an attempt is under way.
func (s Sale) named(a Attempt) bool {
	_, runs := s.naming(a.Attempt)
	return runs
}

// clean tells that an attempt is proven to hold no money. A pre-auth is not while its completion is undecided.
func (s Sale) clean(a Attempt) bool {
	switch a.State {
	case Unsent, Cancelled, DeclinedState, Reversed, SettledNotPaid:
		return true
	case ApprovedState, SettledPaid:
		c, completed := s.completion(a.Attempt)
		return s.holds(a) <= 0 && !(completed && c.undecided())
	case Created, Sent, Reversing, Stuck:
	}
	return false
}

// refused tells that the undoing under way is proven refused: a reversal is when it is stuck, and still when a person has
// said since that the attempt was paid. A refund that is stuck is not: nobody knows of it, and a person says so first. Nor is
// one of which nothing was sent: it is begun again.
func refused(p Pair, first, second Attempt, via *Attempt) bool {
	if via != nil {
		return via.State == DeclinedState || via.State == SettledNotPaid
	}
	u := other(other(p.Undo, first, second).Attempt, first, second)
	return p.Via == "" && (u.State == Stuck || u.State == SettledPaid)
}

func undoFirst(first, second Attempt) Attempt {
	for _, a := range []Attempt{first, second} {
		mate := other(a.Attempt, first, second)
		reserves := !a.Kind.captures() && mate.Kind.captures()
		if reserves || a.Rail == RailWallet && mate.Rail == RailCard && mate.State == SettledPaid && mate.Kind.captures() {
			return a
		}
	}
	if second.Told == SaidApproved || first.Told != SaidApproved {
		return first
	}
	return second
}

func other(id string, first, second Attempt) Attempt {
	if first.Attempt == id {
		return second
	}
	return first
}
