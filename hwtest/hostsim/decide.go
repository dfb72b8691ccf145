package hostsim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// bookPayment decides a request about money, puts it into the ledger and returns the entry.
func (h *Host) bookPayment(q *request, r Rule) (Entry, error) {
	if again, ok := h.repeated(q); ok {
		if r.Do == Decline { // a host that does not answer a used number again, whatever it booked
			again = Entry{Kind: q.name, Amount: q.amount, Code: r.Code}
		}
		return again, nil
	}
	e := h.entry(q)
	h.decide(&e, q, r)
	if e.Approved && e.Kind != KindReversal {
		h.number(&e)
	}
	if r.Do == Forget && e.Approved {
		h.log.Info("approved and not booked, by rule", "kind", q.kind(), "trace", q.trace)
		return e, nil
	}
	if q.code != "" && e.Approved {
		h.usedCodes[q.code] = true
	}
	return h.ledger.add(e)
}

// entry begins the row of a request.
func (h *Host) entry(q *request) Entry {
	e := Entry{
		Time: q.at, Kind: q.name, Terminal: q.terminal, Merchant: q.merchant, Batch: h.batchOf(q), Trace: q.trace,
		Amount: q.amount, Currency: q.currency, Card: q.card,
	}
	if q.reversal {
		e.Kind, e.Of, e.Reason = KindReversal, q.name, q.reason
	}
	return e
}

// batchOf is the batch of a request: the one that it tells, else the open one.
func (h *Host) batchOf(q *request) string {
	if t := h.terminals[q.terminal]; q.batch == "" && t != nil {
		return t.Batch
	}
	return q.batch
}

// repeated finds the entry of a request that was decided before. An advice, and a refund, which terminals repeat as one,
// gets the first answer again. Everything else under a used trace number is refused and not booked.
func (h *Host) repeated(q *request) (Entry, bool) {
	if q.reversal {
		return Entry{}, false
	}
	batch := h.batchOf(q)
	e, ok := h.ledger.last(q.terminal, q.trace, func(e Entry) bool {
		_, money := trades[e.Kind]
		if q.batch == "" && e.Kind == q.name && q.repeats() { // it does not tell its batch, which may be closed by now
			return q.at.Sub(e.Time) < 24*time.Hour
		}
		return money && !e.Uploaded && e.Batch == batch
	})
	if ok && !(q.repeats() && e.Kind == q.name && e.Amount == q.amount) {
		return Entry{Kind: q.name, Amount: q.amount, Code: h.codes.Repeated}, true
	}
	return e, ok
}

// repeats tells whether terminals send it under one number until it is answered.
func (q *request) repeats() bool {
	return q.name == KindRefund || q.name == KindQRRefund || len(q.mti) == 4 && (q.mti[2] == '2' || plainMTI(q.mti) != q.mti)
}

// decide fills in code, original and what is captured or held.
func (h *Host) decide(e *Entry, q *request, r Rule) {
	t, _ := q.trade()
	switch {
	case r.Do == Decline:
		e.Code = r.Code
	case q.reversal:
		h.decideReversal(e, q, r)
		return
	case len(t.of) == 0:
		h.decideFirst(e, q, r)
	default:
		h.decideNext(e, q, t)
	}
	if e.Approved = e.Code == h.codes.Approved || r.Do == Partial && e.Captured > 0; !e.Approved {
		return
	}
	if e.Captured == 0 {
		e.Captured = e.Amount
	}
	switch {
	case t.holds:
		e.Held, e.Captured = e.Captured, 0
	case t.moves == 0:
		e.Captured = 0
	}
}

// decideFirst decides what begins a payment, and the question for a balance.
func (h *Host) decideFirst(e *Entry, q *request, r Rule) {
	t, _ := q.trade()
	switch {
	case q.name == KindBalance:
		e.Code = h.codes.Approved
	case e.Amount <= 0, t.wallet && h.usedCodes[q.code]:
		e.Code = h.codes.State
	case r.Do == Partial:
		e.Code, e.Captured = orElse(r.Code, h.codes.Partial), min(r.Value, e.Amount)
	case !t.wallet && e.Amount > h.ledger.balance(e.Card, h.balance):
		e.Code = h.codes.Funds
	default:
		e.Code = h.codes.Approved
	}
}

// decideNext decides what names an earlier payment: a void, a refund, a completion.
func (h *Host) decideNext(e *Entry, q *request, t trade) {
	o, ok := h.original(q)
	e.Original = o.Seq
	if !q.priced && t.whole {
		e.Amount = o.worth()
	}
	switch {
	case !ok:
		e.Code = h.codes.NoOriginal
	case o.Reversed, o.Voided, q.card != "" && q.card != o.Card, q.currency != "" && o.Currency != "" && q.currency != o.Currency:
		e.Code = h.codes.State
	case t.whole && h.anotherDay(o, q):
		e.Code = h.codes.OtherDay
	case t.whole && o.used() > 0:
		e.Code = h.codes.State
	case t.whole && e.Amount != o.worth(), e.Amount <= 0, e.Amount > o.worth()-o.used(),
		q.original.amount != "" && q.original.amount != twelve(o.worth()):
		e.Code = h.codes.Amount
	default:
		e.Code, e.Card = h.codes.Approved, o.Card
	}
}

// worth is what an entry has moved or reserved.
func (e Entry) worth() int64 { return e.Captured + e.Held }

// used is how much of it was given back, or completed.
func (e Entry) used() int64 { return e.Refunded + e.Completed }

// twelve is an amount as messages tell it.
func twelve(amount int64) string { return fmt.Sprintf("%012d", amount) }

// anotherDay tells whether an original is of another day of the host, where that matters.
func (h *Host) anotherDay(o Entry, q *request) bool {
	return h.sameDay && o.Time.In(q.at.Location()).Format(time.DateOnly) != q.at.Format(time.DateOnly)
}

// original finds the approved payment that a request names. One of trace number, reference and approval must be told.
func (h *Host) original(q *request) (Entry, bool) {
	o, t := q.original, trades[q.name]
	if o.trace == "" && o.rrn == "" && o.approval == "" {
		return Entry{}, false
	}
	same := func(told, is string) bool { return told == "" || strings.Trim(told, "0") == "" || told == is }
	return h.ledger.last(q.terminal, o.trace, func(e Entry) bool {
		at := e.Time.In(q.at.Location())
		return slices.Contains(t.of, e.Kind) && e.Approved && e.Merchant == q.merchant &&
			same(o.batch, e.Batch) && same(o.rrn, e.RRN) && same(o.approval, e.Auth) &&
			same(o.date, at.Format("0102")) && same(o.time, at.Format("150405"))
	})
}

// decideReversal matches by merchant, terminal, type, batch and trace of the original, as terminal hosts do
// (reference: ConardLKL/posp_server, Pub_OrgDealMatch).
func (h *Host) decideReversal(e *Entry, q *request, r Rule) {
	o, ok := h.reversed(q)
	e.Original, e.Card = o.Seq, orElse(e.Card, o.Card)
	switch {
	case r.Do == ReverseCode:
		e.Code, e.Original = r.Code, 0 // whatever is said, nothing is changed
	case !ok:
		e.Code = h.codes.NotFound
	case h.anotherDay(o, q):
		e.Code = h.codes.OtherDay
	case o.Reversed:
		e.Code = h.codes.Already
	case !o.Approved:
		e.Code = h.codes.Failed
	case q.priced && o.Amount != q.amount:
		e.Code = h.codes.Amount
	case o.Voided || o.used() > 0:
		e.Code = h.codes.NoOriginal
	default:
		e.Code, e.Approved = h.codes.Reversed, true
		return
	}
	if e.Code == h.codes.Reversed { // the host says yes, and there is nothing to do
		e.Approved, e.Original = true, 0
	}
}

// reversed finds what a reversal is about, whether it was approved or not.
func (h *Host) reversed(q *request) (Entry, bool) {
	return h.ledger.last(q.terminal, q.trace, func(e Entry) bool {
		return e.Kind == q.name && e.Merchant == q.merchant && (q.batch == "" || e.Batch == q.batch)
	})
}

// number gives an approved entry the host's own numbers. They follow from its place in the ledger, so that they are
// the same in every run.
func (h *Host) number(e *Entry) {
	n := h.ledger.size() + 1
	e.RRN = fmt.Sprintf("%s%06d", e.Time.Format("060102"), n%1_000_000)
	e.Auth = fmt.Sprintf("%06d", n*7919%1_000_000)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
