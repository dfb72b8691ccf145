package acquirer

import (
	"fmt"
	"slices"
	"strings"

	"posd/daemon/payment"
)

// The dialect's transactions that have another name than their kind: voids are named after what they undo, and what is
// paid by a scanned code begins with qrPrefix.
const (
	voidSuffix = "-void"
	qrPrefix   = "qr-"
)

// cardKinds begin with the customer's card; all other kinds know it from their original.
var cardKinds = []payment.Kind{payment.KindSale, payment.KindPreAuth, payment.KindBalance}

// The ways a card or code got into the terminal, field 22 without its PIN digit (ISO 8583:1987).
const (
	entryKeyed = "01" // from the record of the original
	entrySwipe = "02"
	entryCode  = "03"
)

func entryOf(name string, k payment.Kind) string {
	switch {
	case !slices.Contains(cardKinds, k):
		return entryKeyed
	case strings.HasPrefix(name, qrPrefix):
		return entryCode
	default:
		return entrySwipe
	}
}

// transactionOf is the dialect's transaction of a card request.
func transactionOf(r payment.Request) string {
	if r.Kind == payment.KindVoid && r.Original != nil && r.Original.Kind != payment.KindSale {
		return string(r.Original.Kind) + voidSuffix
	}
	return string(r.Kind)
}

// follows are the transactions that may come after another one and take its card from its record.
var follows = map[string][]string{
	"sale":       {"void", "refund"},
	"pre-auth":   {"pre-auth-void", "completion"},
	"completion": {"completion-void", "refund"},
	"qr-sale":    {"qr-void", "qr-refund"},
}

// wanted names the card data that the messages after this request need: its repetition, its reversal, and whatever may
// follow it.
func (a *Acquirer) wanted(name string, k payment.Kind) map[string]bool {
	d := a.o.Dialect
	var needs []string
	if !slices.Contains(cardKinds, k) {
		needs = slices.Clone(d.Needs(name)) // it is built from the record, not from the card
	}
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		needs = append(needs, d.ReversalNeeds(todo[0])...)
		if settled(todo[0]) {
			needs = append(needs, a.itemNeeds()...)
		}
		for _, later := range follows[todo[0]] {
			needs = append(needs, d.Needs(later)...)
			todo = append(todo, later)
		}
	}
	set := map[string]bool{}
	for _, n := range needs {
		set[n] = true
	}
	return set
}

// refuse says why a request cannot be made with this acquirer.
func (a *Acquirer) refuse(name string, r payment.Request, in payment.Input) error {
	begins := slices.Contains(cardKinds, r.Kind)
	switch {
	case r.Currency != a.o.Currency:
		return &payment.Problem{
			Code: "currency", Status: 422, Detail: fmt.Sprintf("this terminal takes %s only", a.o.Currency),
			Remedy: "ask for the amount in that currency",
		}
	case r.Kind != payment.KindBalance && (r.Amount <= 0 || r.Amount > maxAmount):
		return &payment.Problem{
			Code: "amount", Status: 422, Detail: "the amount is not between 1 and 999999999999 minor units",
			Remedy: "ask for an amount in that range",
		}
	case !a.o.Dialect.HasTransaction(name):
		return a.lacks(name)
	case !begins && r.Original == nil:
		return &payment.Problem{
			Code: "no_original", Status: 422, Detail: fmt.Sprintf("a %s names the attempt that it is about", r.Kind),
			Remedy: "name the original attempt",
		}
	case begins && in == nil:
		return &payment.Problem{
			Code: "no_card", Status: 422, Detail: fmt.Sprintf("a %s needs a card", r.Kind), Remedy: "read the card first",
		}
	}
	return nil
}

// lacks says that the dialect has no such transaction.
func (a *Acquirer) lacks(name string) error {
	return &payment.Problem{
		Code: "not_supported", Status: 422,
		Detail: fmt.Sprintf("the acquirer's dialect %s has no %s", a.o.Dialect.Name(), name),
		Remedy: "settle it with the acquirer, or with another way to pay",
	}
}

// readable refuses a card of which the message could not name anything: of one track read alone, the dialect may want
// the other.
func (a *Acquirer) readable(name string, in payment.Input, s secrets) error {
	if in == nil || slices.ContainsFunc(a.o.Dialect.Needs(name), func(n string) bool { return n != "expiry" && len(s[n]) > 0 }) {
		return nil
	}
	return &payment.Problem{
		Code: "card_unreadable", Status: 409, Detail: "the card was not read well enough for this acquirer",
		Remedy: "swipe the card again, or take another one",
	}
}
