package main

import (
	"slices"

	"posd/daemon/payment"
)

// pairMoved notes what becomes of a suspect pair, and holds which of the two goes back to rule 10. The caller holds mu.
func (m *mirror) pairMoved(p *payment.Pair, s *shop) {
	s.tally.add("pair", p.State)
	m.pairs[pairName(p)] = p.State
	if p.State == payment.PairResolved {
		delete(m.unresolved, pairName(p))
	}
	if p.State == payment.PairFailed {
		m.failed[p.Client+"/"+p.Sale] = true
	}
	if n := len(p.Tried); n > 0 && !m.refused(p, p.Tried[n-1]) {
		s.breachHeld("rule 10: the pair of %s is %s, and nobody has refused to undo %s", pairName(p), p.State, p.Tried[n-1])
	}
	if p.State != payment.PairUndoing {
		return
	}
	undo := m.of(p, p.Undo)
	m.undoing[undo.Key] = true
	if len(p.Tried) > 0 {
		s.tally.add("pair", "the other one, since the first is refused")
		return
	}
	goes, why := goesBack(m.of(p, p.First), m.of(p, p.Second))
	s.tally.add("pair", why)
	if goes != nil && goes != undo {
		s.breachHeld("rule 10: of the pair of %s %s goes back, and it should be %s: %s", pairName(p), p.Undo, goes.Attempt, why)
	}
}

func (m *mirror) of(p *payment.Pair, attempt string) *track {
	return m.attempts[payment.Key{Client: p.Client, Sale: p.Sale, Attempt: attempt}]
}

// goesBack is which of two that are both paid goes back by rule 10, and why; nil where that leaves it open.
func goesBack(first, second *track) (*track, string) {
	for _, t := range []*track{first, second} {
		mate := first
		if t == first {
			mate = second
		}
		switch {
		case !t.captures() && mate.captures():
			return t, "it only reserves"
		case t.rail == payment.RailWallet && mate.rail == payment.RailCard && mate.state == payment.SettledPaid && mate.captures():
			return t, "a wallet needs no card"
		}
	}
	switch {
	case first.told == payment.SaidApproved && !second.saidYes():
		return second, "the till was told yes of the first only"
	case second.told == payment.SaidApproved && !first.saidYes():
		return first, "the till was told yes of the second only"
	}
	return nil, "the till was told yes of both, or of none"
}

// captures tells that an attempt takes money.
func (t *track) captures() bool {
	return t.kind == payment.KindSale || t.kind == payment.KindCompletion
}

// saidYes tells whether the journal has it that the till was told.
func (t *track) saidYes() bool {
	return slices.ContainsFunc(t.steps, func(s stage) bool { return s.kind == "attempt.told" && s.note == payment.SaidApproved })
}

// refused tells that what should have been undone first is proven not to be: its reversal by the host's word, its refund
// likewise, or since its batch was over before it was one of a pair, and the card's data with it.
func (m *mirror) refused(p *payment.Pair, attempt string) bool {
	t, refund := m.of(p, attempt), (*track)(nil)
	for _, k := range m.order {
		if r := m.attempts[k]; r.Client == p.Client && r.Sale == p.Sale && r.system && r.original == attempt {
			refund = r
		}
	}
	switch {
	case refund != nil:
		return refund.state == payment.DeclinedState || refund.state == payment.SettledNotPaid
	case t.entered("attempt.stuck"):
		return t.state == payment.Stuck || t.state == payment.SettledPaid
	default:
		return m.lapsed[t.Key]
	}
}

// batchOver notes whose card data is destroyed with the batch: of what is decided, and is not one of a pair. The caller holds mu.
func (m *mirror) batchOver(kind, batch string) {
	for k, t := range m.attempts {
		over := t.numbers.Batch == batch
		switch kind {
		case "batch.closed", "batch.superseded":
		case "terminal.batch": // the next one
			over = !over
		default:
			return
		}
		decided := t.state != payment.Created && t.state != payment.Sent && t.state != payment.Reversing && t.state != payment.Stuck
		if t.rail == payment.RailCard && over && decided && !m.isPaired(k) {
			m.lapsed[k] = true
		}
	}
}

// isPaired tells that a pair may still need the attempt undone.
func (m *mirror) isPaired(k payment.Key) bool {
	for _, p := range m.unresolved {
		if p.Client == k.Client && p.Sale == k.Sale && (p.First == k.Attempt || p.Second == k.Attempt) {
			return true
		}
	}
	return false
}

// begunBySystem checks that what posd gives back by itself is of a pair that is being undone. The caller holds mu.
func (m *mirror) begunBySystem(t *track, s *shop) {
	if original := (payment.Key{Client: t.Client, Sale: t.Sale, Attempt: t.original}); t.system && !m.undoing[original] {
		s.breachHeld("rule 10: posd itself begins %s, a %s of %s, and no pair wants it", t.Key, t.kind, original)
	}
}

// checkPairs looks at what has become of the suspect pairs when nothing is owed any more.
func (s *shop) checkPairs(sales []payment.Sale) {
	for name, state := range s.mirror.pairs {
		if state != payment.PairResolved && state != payment.PairFailed {
			s.breach("rule 10: the pair of %s is %s, and nothing is owed any more", name, state)
		}
	}
	for _, sale := range sales {
		s.checkGiven(sale)
	}
}

// checkGiven checks that what posd has given back by itself was paid too much: with what the shop has given back, no less
// than the sale is left.
func (s *shop) checkGiven(sale payment.Sale) {
	var byPosd, byShop payment.Cents
	for _, a := range sale.Attempts {
		original, _ := s.find(payment.Key{Client: a.Client, Sale: a.Sale, Attempt: a.Original})
		switch {
		case a.Lapsed:
			byShop += a.Approved
		case s.mirror.undoing[a.Key] && a.State == payment.Reversed && a.Kind.Captures():
			byPosd += a.Approved
		case a.Kind.Undoes() && original.captures() && a.System:
			byPosd += a.Held()
		case a.Kind.Undoes() && original.captures():
			byShop += a.Held()
		}
	}
	if byPosd > 0 && sale.Net()+byShop < sale.Amount {
		s.breach("rule 10: %s of %d holds %d: posd has given back %d by itself, and the shop %d", sale.ID, sale.Amount, sale.Net(), byPosd, byShop)
	}
}

func pairName(p *payment.Pair) string {
	return p.Client + "/" + p.Sale + ": " + p.First + ", " + p.Second
}
