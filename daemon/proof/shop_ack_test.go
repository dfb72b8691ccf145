//go:build proof && linux

package proof

import (
	"slices"
	"time"

	"posd/daemon/payment"
)

// acknowledge remembers that posd has taken the till's acknowledgement of a sale.
func (s *shop) acknowledge(sale string, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acks == nil {
		s.acks = map[string][]time.Time{}
	}
	s.acks[sale] = append(s.acks[sale], asked)
}

// checkAcks wants every acknowledgement that was taken to be in the journal, and to keep what the till knew to be approved
// by then (rule 12).
func (s *shop) checkAcks(v *verdict, sales []payment.Sale) {
	told := s.heard()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sale := range sales {
		acks := s.acks[sale.ID]
		if len(acks) == 0 {
			continue
		}
		if sale.AckedAt.IsZero() {
			v.breach("rule 12: the till was told that its acknowledgement of sale %s is taken, and the journal has none", sale.ID)
		}
		last := slices.MaxFunc(acks, time.Time.Compare)
		for _, a := range sale.Attempts {
			known := slices.ContainsFunc(told, func(h heard) bool {
				return h.sale == a.Sale && h.attempt == a.Attempt && h.state == payment.SaidApproved && h.got.Before(last)
			})
			pays := a.Kind != payment.KindVoid && a.Kind != payment.KindRefund && a.Kind != payment.KindBalance
			if known && pays && (a.Lapsed || a.State == payment.ApprovedState && !a.Acked) {
				v.breach("rule 12: the till has acknowledged %s, and it is %s, lapsed: %t, acknowledged: %t", a.Key, a.State, a.Lapsed, a.Acked)
			}
		}
	}
}
