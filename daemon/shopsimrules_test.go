package main

import "posd/daemon/payment"

// hold keeps what an event says of amounts, pairs and refusals, and holds it to the rules. The caller holds mu.
func (m *mirror) hold(t *track, e stamped, b told, s *shop) {
	if e.Kind == "attempt.approved" && b.Answer != nil {
		t.approved, t.yesAt, t.saidAt = b.Answer.Amount, e.Seq, e.Time
	}
	if b.Settled != nil {
		t.settled = b.Settled.Amount
	}
	if e.Kind == "attempt.refunded" {
		t.refunded += b.Amount
	}
	if e.Kind == "reversal.alarmed" {
		t.alarmed = true
		m.rings(t, s)
	}
	if b.Told != "" {
		t.told = b.Told
	}
	if e.Kind == "pair.suspected" && b.Pair != nil {
		m.pairs[pairName(b.Pair)], m.unresolved[pairName(b.Pair)] = payment.PairOpen, *b.Pair
	}
	if e.Kind == "pair.moved" && b.Pair != nil {
		m.pairMoved(b.Pair, s)
	}
	if e.Kind == "attempt.stuck" && b.Undo != nil {
		s.tally.add("stuck by", string(t.rail)+" "+b.Undo.Code)
		if t.kind != payment.KindRefund && !mayEnd[string(t.rail)+" "+b.Undo.Code] {
			s.breachHeld("rule 4: %s is given up for %q, which is no refusal", t.Key, b.Undo.Code)
		}
	}
}

// stateTable is the table of states in the checkers' own hand.
var stateTable = map[payment.State][]payment.State{
	payment.Created:       {payment.Sent, payment.Unsent, payment.Cancelled},
	payment.Sent:          {payment.ApprovedState, payment.DeclinedState, payment.Unsent, payment.Reversing},
	payment.ApprovedState: {payment.Reversing},
	payment.Reversing:     {payment.Reversed, payment.Stuck},
	payment.Stuck:         {payment.Reversing, payment.SettledPaid, payment.SettledNotPaid},
}

// takenBack checks that what was approved is reversed for a suspect pair, or since the till did not acknowledge it, and for
// nothing else. The caller holds mu.
func (m *mirror) takenBack(t *track, s *shop) {
	sale := t.Client + "/" + t.Sale
	lapsed := t.confirm && m.ackedAt[sale] < t.yesAt
	if !lapsed && !m.undoing[t.Key] {
		s.breachHeld("I4/rule 12: %s was approved and is taken back, and neither a pair nor a lapse wants it (acked %d, approved %d)", t.Key, m.ackedAt[sale], t.yesAt)
	}
}

// due is what a PAID slip of an attempt must say.
func (t *track) due() payment.Cents {
	if t.settled > 0 {
		return t.settled
	}
	if t.approved > 0 {
		return t.approved
	}
	return t.amount
}

// said is what an answer must say that the other side has approved.
func (t *track) said() int64 {
	if t.entered("attempt.settled") {
		return int64(t.due())
	}
	return int64(t.approved)
}

// mayEnd are the other sides' last words about a reversal (or a refund that is repeated): only these end it.
var mayEnd = map[string]bool{
	"card 01": true, "card 12": true, "card 25": true,
	"wallet NOTENOUGH": true, "wallet NOT_ENOUGH": true, "wallet ACQ.SELLER_BALANCE_NOT_ENOUGH": true, // the shop's account there
}
