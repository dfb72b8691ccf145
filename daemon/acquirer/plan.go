package acquirer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"posd/daemon/payment"
	"posd/iso8583"
)

// maxAmount is what field 4 holds: twelve digits.
const maxAmount = 999_999_999_999

// The ways a card got into the terminal, field 22 without its PIN digit (ISO 8583:1987).
const (
	entryKeyed = "01" // from the record of the original
	entrySwipe = "02"
)

// record is an attempt's data in the journal: everything its messages need that is no secret. All messages of an
// attempt, its reversal after a restart included, are built from it, so that they agree.
type record struct {
	Vars   map[string]string `json:"vars"`             // by the names of the dialect's placeholders
	Sealed []string          `json:"sealed,omitempty"` // secrets that were sealed beside it
}

// vars are the values that the dialect asks for by name.
type vars struct {
	plain  map[string]string
	secret secrets
}

// Var gives the named value, secret or not.
func (v vars) Var(name string) string {
	if s, ok := v.secret[name]; ok {
		return string(s)
	}
	return v.plain[name]
}

// Plan builds the request once, to find what does not fit before anything is sent, and gives what its later messages
// need.
func (a *Acquirer) Plan(r payment.Request, in payment.Input, n payment.Numbers) (payment.Plan, error) {
	if err := a.refuse(r, in); err != nil {
		return payment.Plan{}, err
	}
	secret, err := secretsOf(r, in, a.o.Dialect.Needs(string(r.Kind)))
	if err != nil {
		return payment.Plan{}, err
	}
	defer secret.wipe()
	if r.Kind == payment.KindSale && !a.namesCard(secret) {
		return payment.Plan{}, &payment.Problem{
			Code: "card_unreadable", Status: 409, Detail: "The card was not read well enough for this acquirer.",
			Remedy: "Swipe the card again, or take another one.",
		}
	}
	rec := record{Vars: a.values(r, n)}
	m, err := a.o.Dialect.Build(string(r.Kind), vars{rec.Vars, secret})
	if err != nil {
		return payment.Plan{}, fmt.Errorf("build %s: %w", r.Kind, err)
	}
	defer m.Wipe()
	plan := payment.Plan{Messages: []payment.Message{a.message("out", m)}}
	if plan.Instrument = instrument(r, in); plan.Instrument == "" {
		plan.Instrument = "card"
	}
	wanted := a.wanted(r.Kind)
	if plan.Sealed, err = secret.seal(wanted); err != nil {
		return payment.Plan{}, fmt.Errorf("seal card data: %w", err)
	}
	for _, name := range sealable {
		if wanted[name] && len(secret[name]) > 0 {
			rec.Sealed = append(rec.Sealed, name)
		}
	}
	plan.Data, err = json.Marshal(rec)
	return plan, err
}

// refuse says why a request cannot be made with this acquirer.
func (a *Acquirer) refuse(r payment.Request, in payment.Input) error {
	switch {
	case r.Currency != a.o.Currency:
		return &payment.Problem{
			Code: "currency", Status: 422, Detail: fmt.Sprintf("This terminal takes %s only.", a.o.Currency),
			Remedy: "Ask for the amount in that currency.",
		}
	case r.Amount <= 0 || r.Amount > maxAmount:
		return &payment.Problem{
			Code: "amount", Status: 422, Detail: "The amount is not between 1 and 999999999999 minor units.",
			Remedy: "Ask for an amount in that range.",
		}
	case !a.o.Dialect.HasTransaction(string(r.Kind)):
		return &payment.Problem{
			Code: "not_supported", Status: 422,
			Detail: fmt.Sprintf("The acquirer's dialect %s has no %s.", a.o.Dialect.Name(), r.Kind),
			Remedy: "Settle it with the acquirer, or with another way to pay.",
		}
	case r.Kind != payment.KindSale && r.Original == nil:
		return &payment.Problem{
			Code: "no_original", Status: 422, Detail: fmt.Sprintf("A %s names the attempt that it undoes.", r.Kind),
			Remedy: "Name the original attempt.",
		}
	case r.Kind == payment.KindSale && in == nil:
		return &payment.Problem{
			Code: "no_card", Status: 422, Detail: "A card sale needs a card.", Remedy: "Read the card first.",
		}
	}
	return nil
}

// secretsOf gives the card's data: from the card itself, or as sealed with the original.
func secretsOf(r payment.Request, in payment.Input, needs []string) (secrets, error) {
	if card, ok := in.(*input); ok && card != nil {
		return card.secrets(), nil
	}
	if r.Original == nil {
		return secrets{}, nil
	}
	s, err := recall(*r.Original, needs)
	if err != nil {
		return nil, &payment.Problem{
			Code: "card_data_gone", Status: 409,
			Detail: fmt.Sprintf("The card data that a %s needs is no longer kept.", r.Kind),
			Remedy: "Settle it with the acquirer.",
		}
	}
	return s, nil
}

// namesCard tells whether the sale's message will name the card: of one track read alone, the dialect may want the other.
func (a *Acquirer) namesCard(s secrets) bool {
	return slices.ContainsFunc(a.o.Dialect.Needs(string(payment.KindSale)), func(name string) bool {
		return name != "expiry" && len(s[name]) > 0
	})
}

// recall opens an attempt's sealed card data, and fails when some that was sealed and is needed is not there.
func recall(at payment.Attempt, needs []string) (secrets, error) {
	s, err := unseal(at.Sealed)
	if err != nil {
		return nil, err
	}
	rec, err := recordOf(at)
	if err != nil {
		return nil, err
	}
	for _, name := range rec.Sealed {
		if len(s[name]) == 0 && slices.Contains(needs, name) {
			return nil, fmt.Errorf("sealed card data is gone: %s", name)
		}
	}
	return s, nil
}

func recordOf(at payment.Attempt) (record, error) {
	var rec record
	if err := json.Unmarshal(at.Data, &rec); err != nil {
		return rec, fmt.Errorf("read the attempt's data: %w", err)
	}
	return rec, nil
}

// values are the plain values of a request.
func (a *Acquirer) values(r payment.Request, n payment.Numbers) map[string]string {
	now := a.clock()
	v := map[string]string{
		"amount":   digits(r.Amount),
		"trace":    n.Trace.String(),
		"batch":    n.Batch,
		"terminal": a.o.Terminal,
		"merchant": a.o.Merchant,
		"currency": a.currency,
		"entry":    entrySwipe,
		"time":     now.Format("150405"),
		"date":     now.Format("0102"),
	}
	if o := r.Original; o != nil {
		v["entry"] = entryKeyed
		v["amount.original"] = digits(o.Approved)
		v["original.trace"] = o.Numbers.Trace.String()
		v["original.batch"] = o.Numbers.Batch
		v["original.date"] = o.Host.Date
		v["original.time"] = o.Host.Time
		v["original.rrn"] = o.Host.Reference
		v["original.approval"] = o.Host.Approval
	}
	return v
}

func digits(c payment.Cents) string { return fmt.Sprintf("%012d", int64(c)) }

// wanted names the card data that the messages after this request need.
func (a *Acquirer) wanted(k payment.Kind) map[string]bool {
	d := a.o.Dialect
	needs := slices.Clone(d.ReversalNeeds(string(k)))
	if k == payment.KindSale {
		for _, later := range []string{string(payment.KindVoid), string(payment.KindRefund)} {
			needs = slices.Concat(needs, d.Needs(later), d.ReversalNeeds(later))
		}
	} else {
		needs = slices.Concat(needs, d.Needs(string(k)))
	}
	set := map[string]bool{}
	for _, name := range needs {
		set[name] = true
	}
	return set
}

func instrument(r payment.Request, in payment.Input) string {
	if card, ok := in.(*input); ok && card != nil {
		return card.card.Masked()
	}
	if r.Original != nil {
		return r.Original.Instrument
	}
	return ""
}

// message is m as the journal may keep it. What goes out is written down before it is signed, so its MAC is left out.
func (a *Acquirer) message(direction string, m *iso8583.Message) payment.Message {
	masked := a.o.Dialect.Masked(m)
	if direction == "out" {
		delete(masked, strconv.Itoa(a.o.Dialect.MACRule().Field))
	}
	fields, err := json.Marshal(masked)
	if err != nil {
		fields = []byte("{}")
	}
	return payment.Message{Direction: direction, Name: m.MTI, Time: a.o.Now(), Fields: fields}
}
