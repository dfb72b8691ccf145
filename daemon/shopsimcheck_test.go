package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// sides is what the two ledgers of the other side hold, by posd's numbers.
type sides struct {
	cards   map[string]hostsim.Entry // by batch and trace number: what was asked under it; approved ones win
	net     map[string]int64         // of the gateway, by order
	refunds map[string]int64         // likewise, by refund number
}

func (s *shop) sides() sides {
	v := sides{map[string]hostsim.Entry{}, map[string]int64{}, map[string]int64{}}
	for _, e := range s.host.Ledger() {
		name := e.Batch + "/" + e.Trace
		if old, ok := v.cards[name]; e.Kind != hostsim.KindReversal && (!ok || !old.Approved) {
			v.cards[name] = e
		}
	}
	for _, e := range s.gate.Ledger() {
		switch e.Kind {
		case walletsim.Capture:
			v.net[e.Order] += e.Amount
		case walletsim.Return:
			v.net[e.Order] -= e.Amount
			v.refunds[e.Refund] += e.Amount
		case walletsim.Closed:
		}
	}
	return v
}

// stands tells that an entry is in force: neither a reversal nor a void has taken it back.
func stands(e hostsim.Entry) bool { return e.Approved && !e.Reversed && !e.Voided }

// holds is what the other side holds by an attempt: captured, or reserved.
func (v sides) holds(rail payment.Rail, kind payment.Kind, n payment.Numbers) int64 {
	if rail == payment.RailWallet {
		return v.net[n.Order]
	}
	e := v.cards[n.Batch+"/"+n.Trace.String()]
	switch {
	case !stands(e):
		return 0
	case kind == payment.KindPreAuth:
		return e.Held
	default:
		return e.Captured - e.Refunded
	}
}

// did tells whether a void or refund is in force.
func (v sides) did(rail payment.Rail, n payment.Numbers) bool {
	if rail == payment.RailWallet {
		return v.refunds[n.Order] > 0
	}
	e := v.cards[n.Batch+"/"+n.Trace.String()]
	return e.Approved && !e.Reversed
}

// verdict is what a supervisor says of a stuck attempt who has asked the other side; now and then that it be tried again.
func (s *shop) verdict(a said) map[string]any {
	v := s.sides()
	k := payment.Key{Client: a.Client, Sale: a.Sale, Attempt: a.Attempt}
	t, _ := s.find(k)
	body := map[string]any{"as": "not-paid", "by": "supervisor", "reason": "the other side says so"}
	pays := t.kind == payment.KindSale || t.kind == payment.KindPreAuth || t.kind == payment.KindCompletion
	if pays && s.draw("retry", k.Client+k.String()).IntN(4) == 0 && !t.entered("attempt.settled") {
		body["as"] = "retry"
		return body
	}
	if amount := v.holds(t.rail, t.kind, t.numbers); pays && amount > 0 {
		body["as"], body["amount"] = "paid", amount
	}
	if !pays && v.did(t.rail, t.numbers) {
		body["as"] = "paid"
	}
	return body
}

// check compares journal, ledgers, and what the tills were told and printed, when the day is over and posd has ended.
func (s *shop) check() {
	ctx := context.Background()
	j, err := journal.Open(ctx, journal.Options{
		Path: s.cfg.Journal.Path, Now: s.now, Owner: "checker",
		Projections: []journal.Projection{payment.Projection(), prints.Projection(), probe{s.life}},
	})
	if err != nil {
		s.breach("I10: the journal does not open: %v", err)
		return
	}
	defer func() { _ = j.Close() }()
	if report, err := j.Verify(ctx); err != nil || report.Events != s.mirror.seq {
		s.breach("I10: the journal has %d events of %d: %v", report.Events, s.mirror.seq, err)
	}
	sales, err := payment.NewBook(j, nil, s.now, slog.New(slog.DiscardHandler)).Sales(ctx, "", 1_000_000)
	if err != nil {
		s.breach("I10: the sales cannot be read: %v", err)
	}
	v := s.sides()
	for _, sale := range sales {
		s.checkSale(sale, v)
	}
	s.checkPairs(sales)
	s.checkLedgers(v)
	s.checkSlips()
	s.checkReceipts()
	s.checkSecrets()
	if s.strange.used > 0 {
		s.breach("P3: a device that nobody configured was opened %d times", s.strange.used)
	}
}

func (s *shop) checkSale(sale payment.Sale, v sides) {
	var held, reserved int64
	for _, a := range sale.Attempts {
		if a.State.Open() || a.State == payment.Stuck {
			s.breach("I5: %s is still %s", a.Key, a.State)
		}
		s.checkDoubt(a, v)
		s.checkTold(a)
		if t, _ := s.find(a.Key); a.Said() == payment.SaidApproved && t.told != payment.SaidApproved && s.last[a.Client+"/"+a.Sale].ID != "" {
			s.breach("rule 10: the till has heard that %s is approved, and the journal has %q as the last word", a.Key, t.told)
		}
		if t, ok := s.find(a.Key); !ok || t.state != a.State || t.entered("attempt.voided") != a.Voided {
			s.breach("I10: the tables have %s as %s, and its events give %s", a.Key, a.State, t.state)
		}
		holds := v.holds(a.Rail, a.Kind, a.Numbers)
		switch a.Kind {
		case payment.KindSale, payment.KindCompletion:
			held += holds
			if holds != int64(a.Net()) {
				s.breach("I2/I3: %s (%s %s): the other side holds %d, the journal says %d (%s, voided %v, refunded %d)",
					a.Key, a.Rail, a.Kind, holds, a.Net(), a.State, a.Voided, a.Refunded)
			}
		case payment.KindPreAuth:
			if e := v.cards[a.Numbers.Batch+"/"+a.Numbers.Trace.String()]; e.Completed == 0 {
				reserved += holds
			}
		case payment.KindVoid, payment.KindRefund, payment.KindBalance:
		}
	}
	if held < 0 || held > int64(sale.Amount) && !s.mirror.failed[sale.Client+"/"+sale.ID] {
		s.breach("I3: %s of %d has captured %d", sale.ID, sale.Amount, held)
	}
	if held > int64(sale.Amount) {
		s.tally.add("pair", "paid twice, and said so")
	}
	if l, ok := s.last[sale.Client+"/"+sale.ID]; ok && (l.Paid != held || l.Rest != max(0, int64(sale.Amount)-held)) {
		s.breach("I3: the till is told that %s of %d has %d paid and %d to pay, and the other side holds %d", sale.ID, sale.Amount, l.Paid, l.Rest, held)
	}
	if reserved != int64(sale.Reserved()) {
		s.breach("I3: for %s the host reserves %d, the journal says %d", sale.ID, reserved, sale.Reserved())
	}
}

// mayFollow says which words may come after one (I4).
var mayFollow = map[string][]string{
	payment.SaidInProgress: nil, // anything
	payment.SaidApproved: {
		payment.SaidApproved, payment.SaidVoided, payment.SaidRefunded, payment.SaidReversing, payment.SaidReversed, payment.SaidNeedsAttention,
		payment.SaidSettledPaid, payment.SaidSettledNotPaid,
	},
	payment.SaidDeclined: {payment.SaidDeclined}, payment.SaidNotPaid: {payment.SaidNotPaid}, payment.SaidReversed: {payment.SaidReversed},
	payment.SaidVoided: {payment.SaidVoided, payment.SaidApproved}, payment.SaidRefunded: {payment.SaidRefunded},
	payment.SaidReversing: {
		payment.SaidReversing, payment.SaidReversed, payment.SaidNeedsAttention, payment.SaidSettledPaid, payment.SaidSettledNotPaid, payment.SaidRefunded,
		payment.SaidVoided,
	},
	payment.SaidNeedsAttention: {
		payment.SaidReversing, payment.SaidReversed, payment.SaidNeedsAttention, payment.SaidSettledPaid, payment.SaidSettledNotPaid, payment.SaidRefunded,
		payment.SaidVoided,
	},
	payment.SaidSettledPaid:    {payment.SaidSettledPaid, payment.SaidRefunded, payment.SaidVoided},
	payment.SaidSettledNotPaid: {payment.SaidSettledNotPaid},
}

func (s *shop) checkTold(a payment.Attempt) {
	told := slices.Clone(s.heard[a.Client+"/"+a.Key.String()])
	if len(told) == 0 {
		return
	}
	for i, h := range told {
		next := heard{state: a.Said(), text: h.text, order: a.Numbers.Order, balance: h.balance}
		if i+1 < len(told) {
			next = told[i+1]
		}
		if allowed := mayFollow[h.state]; allowed != nil && !slices.Contains(allowed, next.state) {
			s.breach("I4: the till was told %q of %s, and then %q", h.state, a.Key, next.state)
		}
		if next.text != h.text || h.order != "" && next.order != h.order || h.balance != "" && next.balance != h.balance {
			s.breach("I4: the till was told %q of %s, and then %q", h.text+h.balance, a.Key, next.text+next.balance)
		}
	}
	said := slices.ContainsFunc(told, func(h heard) bool { return h.state == payment.SaidApproved })
	if undone := a.State == payment.Reversing || a.State == payment.Reversed; said && undone && a.Reason != payment.ReasonUnwanted {
		s.breach("I4: %s was said to be approved, and was reversed for %q", a.Key, a.Reason)
	}
}

// checkLedgers looks for what the other side holds and posd has never heard of.
func (s *shop) checkLedgers(v sides) {
	for name, e := range v.cards {
		if e.Uploaded {
			s.breach("rule 13: the host did not have what was uploaded as %s", name)
		}
		if s.mirror.traces[name] == nil {
			s.breach("I1: the host has a %s under %s, and the journal does not", e.Kind, name)
		}
	}
	for order := range v.net {
		if s.mirror.orders[order] == nil {
			s.breach("I1: the gateway has the order %s, and the journal does not", order)
		}
	}
	for _, b := range s.host.Batches() {
		if b.Closed && (!b.Healed() || b.Told != b.Own) && !s.mirror.openAtClose[b.Batch] {
			s.breach("rule 13: batch %s was closed with %+v told and %+v held, missing %v", b.Batch, b.Told, b.Own, b.Missing)
		}
		for _, it := range b.Items {
			if it.Wrong != "" && it.Wrong != "reversed" {
				s.breach("rule 13: item %s of batch %s is wrong at the host: %s", it.Trace, b.Batch, it.Wrong)
			}
		}
	}
}

// checkSecrets searches journal and log, on a day that keeps them (I12).
func (s *shop) checkSecrets() {
	if !s.keepsLog {
		return
	}
	s.tally.add("search", "days searched for secrets")
	found, _ := s.secrets.in(s.t, s.dir+"/data")
	if len(found) > 0 {
		s.breach("I12: secrets rest in %s", strings.Join(found, ", "))
	}
	s.logMu.Lock()
	defer s.logMu.Unlock()
	for _, n := range s.secrets.inText(s.logged) {
		s.breach("I12: the log holds a secret as %s", n.form)
	}
}

// checkDoubt looks at what was given up since the host knew no such payment: it has none.
func (s *shop) checkDoubt(a payment.Attempt, v sides) {
	t, _ := s.find(a.Key)
	doubted := slices.ContainsFunc(t.steps, func(st stage) bool { return st.kind == "attempt.stuck" && (st.note == "25" || st.note == "12") })
	if e := v.cards[a.Numbers.Batch+"/"+a.Numbers.Trace.String()]; doubted && a.Rail == payment.RailCard && a.Kind != payment.KindRefund && stands(e) {
		s.breach("rule 5: the reversal of %s was given up since the host has no such payment, and it has", a.Key)
	}
}
