package payment

import (
	"context"
	"encoding/json"
)

// booking is one entry of the acquirer's ledger.
type booking struct {
	key       Key
	kind      Kind
	amount    Cents
	batch     string
	original  string // ledger key: of a void, refund or completion
	undone    bool   // reversed
	voided    bool
	completed string // ledger key: of a pre-auth's completion
	refunded  Cents
}

// stands tells that neither a reversal nor a void has taken it back.
func (b *booking) stands() bool { return b != nil && !b.undone && !b.voided }

// balance tells what the card has.
func (h *simHost) balance(ctx context.Context, id string) Answer {
	if h.w.chance("card: balance lost", id, 15) {
		h.w.silence(ctx)
		return Answer{}
	}
	return Answer{Outcome: Approved, Code: "00", Balance: &Balance{Amount: Cents(len(id)), Currency: "CNY"}}
}

// book enters a request into the host's ledger; a code other than "" refuses it.
func (h *simHost) book(a Attempt, amount Cents) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := ledgerKey(a.Numbers)
	if old := h.booked[k]; old != nil {
		if a.Kind == KindRefund && old.key == a.Key {
			return "" // a repeat under the same number
		}
		h.w.breach("I8: trace number repeats: %s for %s and %s", k, old.key, a.Key)
		return "94"
	}
	var p simPlan
	_ = json.Unmarshal(a.Data, &p)
	if code := h.enter(a, h.booked[p.Original], k, amount); code != "" {
		return code
	}
	h.booked[k] = &booking{key: a.Key, kind: a.Kind, amount: amount, original: p.Original, batch: a.Numbers.Batch}
	return ""
}

// enter changes the original of a request. The caller holds mu.
func (h *simHost) enter(a Attempt, orig *booking, k string, amount Cents) string {
	switch a.Kind {
	case KindVoid:
		if !orig.stands() || orig.completed != "" {
			return "25"
		}
		if orig.kind.captures() && h.settled(orig.batch) {
			h.w.breach("rule 13: %s voids %s of a closed batch", a.Key, orig.key)
		}
		orig.voided = true
		h.complete(orig, "")
	case KindRefund:
		if !orig.stands() || orig.refunded+amount > orig.amount {
			return "12"
		}
		orig.refunded += amount
	case KindCompletion:
		if !orig.stands() || orig.completed != "" || amount > orig.amount {
			return "25"
		}
		orig.completed = k
	case KindSale, KindPreAuth, KindBalance:
	}
	return ""
}

// complete notes at the pre-auth of a completion what has become of it.
func (h *simHost) complete(b *booking, by string) {
	if b.kind == KindCompletion {
		h.booked[b.original].completed = by
	}
}

// undo reverses a request.
func (h *simHost) undo(a Attempt) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := ledgerKey(a.Numbers)
	b := h.booked[k]
	switch {
	case b == nil:
		return "25"
	case b.undone:
		return "00"
	case b.kind == KindVoid:
		orig := h.booked[b.original]
		orig.voided = false
		h.complete(orig, b.original)
	}
	h.complete(b, "")
	b.undone = true
	return "00"
}

// net is what the host has captured by an attempt.
func (h *simHost) net(a Attempt) Cents {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.booked[ledgerKey(a.Numbers)]
	if !b.stands() || !b.kind.captures() {
		return 0
	}
	return b.amount - b.refunded
}

// reserved is what the host holds back for a pre-auth.
func (h *simHost) reserved(a Attempt) Cents {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.booked[ledgerKey(a.Numbers)]
	if !b.stands() || b.kind != KindPreAuth || b.completed != "" {
		return 0
	}
	return b.amount
}

// did tells whether a void or refund is in force, or a pre-auth stands.
func (h *simHost) did(a Attempt) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.booked[ledgerKey(a.Numbers)]
	return b != nil && !b.undone
}
