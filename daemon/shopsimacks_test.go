package main

import (
	"time"

	"posd/daemon/payment"
)

// alike is how long a sale that the till may not know to be paid keeps back another one of its amount (rule 12).
// One that seems to be paid as much later was paid before the clock was set back.
const alike = 10 * time.Minute

// opened checks that a till that acknowledges is let on to a sale only when it has named the last one of that amount that is
// paid and that it has not acknowledged. The caller holds mu.
func (m *mirror) opened(k payment.Key, e stamped, b told, s *shop) {
	last := m.unheard(k, b.Sale.Amount, e.Time)
	switch {
	case last == nil || !m.acks[k.Client]:
	case b.Sale.After == last.Sale:
		s.tally.add("said to the till", "unacknowledged, and named")
	default:
		s.breachHeld("rule 12: %s of %s is opened after %q, and %s of the same amount is not acknowledged", k.Sale, k.Client, b.Sale.After, last.Key)
	}
}

// unheard is the newest payment of another sale of that amount that a till may not know of.
func (m *mirror) unheard(k payment.Key, amount payment.Cents, now time.Time) (last *track) {
	for i := len(m.order) - 1; i >= 0; i-- {
		t := m.attempts[m.order[i]]
		pays := t.captures() && t.approved > t.refunded || t.kind == payment.KindPreAuth
		if t.Client == k.Client && t.Sale != k.Sale && t.amount == amount && t.state == payment.ApprovedState && pays && !t.entered("attempt.voided") &&
			m.ackedAt[t.Client+"/"+t.Sale] < t.yesAt && now.Sub(t.saidAt).Abs() < alike {
			return t
		}
	}
	return nil
}

// ackedInTime checks that an acknowledgement is not taken when all that it could be for has lapsed (rule 12). The caller
// holds mu.
func (m *mirror) ackedInTime(k payment.Key, s *shop) {
	lapsed, stands := false, false
	for _, t := range m.attempts {
		if t.Client != k.Client || t.Sale != k.Sale {
			continue
		}
		stands = stands || t.state == payment.ApprovedState || t.state == payment.SettledPaid
		lapsed = lapsed || t.confirm && t.yesAt > 0 && (t.state == payment.Reversing || t.state == payment.Reversed) && !m.undoing[t.Key]
	}
	if lapsed && !stands {
		s.breachHeld("rule 12: the acknowledgement of %s is taken after its payment has lapsed", k.Sale)
	}
}
