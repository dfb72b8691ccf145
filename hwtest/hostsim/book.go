package hostsim

import "fmt"

// The answer codes of the host itself. They are UnionPay's, which most dialects share; what they mean to the terminal
// is the dialect's business.
const (
	codeApproved    = "00"
	codeMerchant    = "03"
	codePartial     = "10"
	codeState       = "12" // the original is in no state for this
	codeNoOriginal  = "25"
	codeUnsupported = "40"
	codeAmount      = "64"
	codeBatch       = "77"
	codeRepeated    = "94"
	codeSystem      = "96"
	codeTerminal    = "97"
	codeSignOn      = "A0"
)

// book decides a request about money, puts it into the ledger and returns the entry.
func (h *Host) book(q *request, r Rule) (Entry, error) {
	if again, ok := h.repeated(q); ok {
		if r.Do == Decline { // a host that does not answer a used number again, whatever it booked
			again = Entry{Kind: q.name, Amount: q.amount, Code: r.Code}
		}
		return again, nil
	}
	e := Entry{
		Time: h.now(), Kind: q.name, Terminal: q.terminal, Merchant: q.merchant, Batch: q.batch, Trace: q.trace,
		Amount: q.amount, Currency: q.currency, Card: q.card,
	}
	if q.reversal {
		e.Kind, e.Of, e.Reason = KindReversal, q.name, q.reason
	}
	h.decide(&e, q, r)
	if e.Approved && e.Kind != KindReversal {
		h.number(&e)
	}
	return h.ledger.add(e)
}

// repeated finds the entry of a request that was decided before. A refund is an advice: its repetition gets the first
// answer. Everything else under a used trace number is refused and not booked.
func (h *Host) repeated(q *request) (Entry, bool) {
	if q.reversal {
		return Entry{}, false
	}
	e, ok := h.ledger.last(func(e Entry) bool {
		return e.Kind != KindReversal && e.Terminal == q.terminal && e.Batch == q.batch && e.Trace == q.trace
	})
	if ok && (q.name != KindRefund || e.Kind != KindRefund || e.Amount != q.amount) {
		return Entry{Kind: q.name, Amount: q.amount, Code: codeRepeated}, true
	}
	return e, ok
}

// decide fills in code, original and what is captured.
func (h *Host) decide(e *Entry, q *request, r Rule) {
	switch {
	case r.Do == Decline:
		e.Code = r.Code
	case q.reversal:
		h.decideReversal(e, q, r)
	case q.name == KindSale:
		decideSale(e, r)
	default:
		h.decideUndo(e, q)
	}
	e.Approved = e.Code == codeApproved || q.name == KindSale && !q.reversal && r.Do == Partial
	if e.Approved && e.Captured == 0 && e.Kind != KindReversal {
		e.Captured = e.Amount
	}
}

func decideSale(e *Entry, r Rule) {
	switch {
	case e.Amount <= 0:
		e.Code = codeState
	case r.Do == Partial:
		e.Code, e.Captured = orElse(r.Code, codePartial), min(r.Value, e.Amount)
	default:
		e.Code = codeApproved
	}
}

// decideUndo decides a void or a refund.
func (h *Host) decideUndo(e *Entry, q *request) {
	sale, ok := h.sale(q)
	e.Original = sale.Seq
	switch {
	case !ok:
		e.Code = codeNoOriginal
	case sale.Reversed || sale.Voided:
		e.Code = codeState
	case q.card != "" && q.card != sale.Card:
		e.Code = codeState
	case q.name == KindVoid && sale.Refunded > 0:
		e.Code = codeState
	case q.name == KindVoid && q.amount != sale.Captured, q.amount <= 0, q.amount > sale.Captured-sale.Refunded:
		e.Code = codeAmount
	default:
		e.Code, e.Card = codeApproved, sale.Card
	}
}

// sale finds the approved sale that a void or refund names.
func (h *Host) sale(q *request) (Entry, bool) {
	o := q.original
	if o.trace == "" && o.rrn == "" {
		return Entry{}, false
	}
	return h.ledger.last(func(e Entry) bool {
		return e.Kind == KindSale && e.Approved && e.Terminal == q.terminal && e.Merchant == q.merchant &&
			(o.batch == "" || o.batch == e.Batch) && (o.trace == "" || o.trace == e.Trace) && (o.rrn == "" || o.rrn == e.RRN)
	})
}

// decideReversal matches by merchant, terminal, type, batch and trace of the original, as terminal hosts do
// (reference: ConardLKL/posp_server, Pub_OrgDealMatch).
func (h *Host) decideReversal(e *Entry, q *request, r Rule) {
	o, ok := h.ledger.last(func(e Entry) bool {
		return e.Kind == q.name && e.Terminal == q.terminal && e.Merchant == q.merchant &&
			e.Trace == q.trace && (q.batch == "" || e.Batch == q.batch)
	})
	e.Original, e.Card = o.Seq, orElse(e.Card, o.Card)
	switch {
	case r.Do == ReverseCode:
		e.Code, e.Original = r.Code, 0 // whatever is said, nothing is changed
	case !ok:
		e.Code = h.codes.NotFound
	case o.Reversed:
		e.Code = h.codes.Already
	case !o.Approved:
		e.Code = h.codes.Failed
	case o.Amount != q.amount:
		e.Code = codeAmount
	case o.Voided || o.Refunded > 0:
		e.Code = codeNoOriginal
	default:
		e.Code = codeApproved
	}
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
