package acquirer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"posd/daemon/payment"
	"posd/iso8583"
)

// maxAmount is what field 4 holds: twelve digits.
const maxAmount = 999_999_999_999

// record is an attempt's data in the journal: everything its messages need that is no secret. All messages of an
// attempt, its reversal after a restart included, are built from it, so that they agree.
type record struct {
	Name   string            `json:"name,omitempty"`   // the dialect's transaction; in records without it the kind
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
	return a.plan(transactionOf(r), r, in, n)
}

// plan is Plan for a request that is made by the dialect's transaction of that name.
func (a *Acquirer) plan(name string, r payment.Request, in payment.Input, n payment.Numbers) (payment.Plan, error) {
	if err := a.refuse(name, r, in); err != nil {
		return payment.Plan{}, err
	}
	secret, err := secretsOf(r, in, a.o.Dialect.Needs(name))
	if err != nil {
		return payment.Plan{}, err
	}
	defer secret.wipe()
	if err := a.readable(name, in, secret); err != nil {
		return payment.Plan{}, err
	}
	rec := record{Name: name, Vars: a.values(name, r, n)}
	m, err := a.o.Dialect.Build(name, vars{rec.Vars, secret})
	if err != nil {
		return payment.Plan{}, fmt.Errorf("build %s: %w", name, err)
	}
	defer m.Wipe()
	plan := payment.Plan{Messages: []payment.Message{a.message("out", m)}, Instrument: instrument(r, in)}
	wanted := a.wanted(name, r.Kind)
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

// secretsOf gives the card's data: from the card itself, or as sealed with the original.
func secretsOf(r payment.Request, in payment.Input, needs []string) (secrets, error) {
	if shown, ok := in.(means); ok {
		return shown.secrets(), nil
	}
	if r.Original == nil {
		return secrets{}, nil
	}
	s, err := recall(*r.Original, needs)
	if err != nil {
		return nil, &payment.Problem{
			Code: "card_data_gone", Status: 409,
			Detail: fmt.Sprintf("the card data that a %s needs is no longer kept", r.Kind),
			Remedy: "settle it with the acquirer",
		}
	}
	return s, nil
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
	if rec.Name == "" { // written before voids had names of their own
		rec.Name = string(at.Kind)
	}
	return rec, nil
}

// values are the plain values of a request.
func (a *Acquirer) values(name string, r payment.Request, n payment.Numbers) map[string]string {
	v := a.common(n.Trace, n.Batch)
	v["amount"], v["order"], v["entry"] = digits(r.Amount), n.Order, entryOf(name, r.Kind)
	if o := r.Original; o != nil {
		v["original.kind"] = string(o.Kind)
		v["amount.original"] = digits(o.Approved)
		v["original.trace"] = o.Numbers.Trace.String()
		v["original.batch"] = o.Numbers.Batch
		v["original.date"] = o.Host.Date
		v["original.year"] = yearOf(*o)
		v["original.time"] = o.Host.Time
		v["original.rrn"] = o.Host.Reference
		v["original.approval"] = o.Host.Approval
	}
	return v
}

// yearOf is the year of the host's date of a request, two digits: hosts tell none. It is that in which the request was made, but
// at New Year, when the host may be in another one than we are. It is "" where the record has none.
func yearOf(at payment.Attempt) string {
	rec, err := recordOf(at)
	if err != nil {
		return ""
	}
	ours, host := rec.Vars["date"], at.Host.Date
	year, err := strconv.Atoi(rec.Vars["year"])
	switch {
	case err != nil:
		return rec.Vars["year"]
	case strings.HasPrefix(ours, "12") && strings.HasPrefix(host, "01"):
		year++
	case strings.HasPrefix(ours, "01") && strings.HasPrefix(host, "12"):
		year--
	}
	return fmt.Sprintf("%02d", (year+100)%100)
}

func digits(c payment.Cents) string { return fmt.Sprintf("%012d", int64(c)) }

func instrument(r payment.Request, in payment.Input) string {
	if shown, ok := in.(means); ok && shown.String() != "" {
		return shown.String()
	}
	if r.Original != nil && r.Original.Instrument != "" {
		return r.Original.Instrument
	}
	return "card"
}

// doubtful is an answer that nothing vouches for, as the journal may keep it: a damaged length may have moved digits of
// a card into fields that are public, so only the shortest are kept.
func (a *Acquirer) doubtful(direction string, m *iso8583.Message) payment.Message {
	note := a.message(direction, m)
	kept := map[string]string{"note": "no MAC vouches for it: other fields are not kept"}
	for _, role := range []string{"trace", "code"} {
		if n := a.o.Dialect.RoleField(role); n != 0 && m.Has(n) {
			kept[strconv.Itoa(n)] = a.o.Dialect.Masked(m)[strconv.Itoa(n)]
		}
	}
	fields, err := json.Marshal(kept)
	if err != nil {
		fields = []byte("{}")
	}
	note.Fields = fields
	return note
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
