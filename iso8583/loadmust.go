package iso8583

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// asksForMoney are the transactions whose request names an amount. A void's need not: its original has one.
var asksForMoney = []string{"sale", "refund", "pre-auth", "completion", "qr-sale", "qr-refund"}

// movesMoney tells of a transaction that moves money or locks it.
func movesMoney(name string) bool {
	return slices.Contains(reversible, name) || slices.Contains(asksForMoney, name)
}

// must faults requests of money that cannot work: those without the trace number by which their answer is known, and those
// without an amount.
func (l *loader) must() {
	for _, name := range l.d.Transactions() {
		t, key := l.d.transaction[name], "transaction."+name
		if !movesMoney(name) {
			continue
		}
		l.mustMatch(key, t, l.matchFields(true))
		if slices.Contains(asksForMoney, name) && !slices.Contains(t.request.needs, "amount") {
			l.fault(key, "no amount; hint: %s = \"{amount}\"", roleHint(l.d.roles["amount"]))
		}
	}
}

// matchFields are those of match.fields with the trace number, or all others: an answer is known without one of these where the
// acquirer's answer has it not either, but of two requests only the trace number tells which one is answered.
func (l *loader) matchFields(trace bool) []int {
	return slices.DeleteFunc(slices.Clone(l.d.match), func(n int) bool { return (n == l.d.roles["trace"].field) != trace })
}

// mustMatch wants fields by which an answer is known, in the request and in what reverses it.
func (l *loader) mustMatch(key string, t *transaction, fields []int) {
	for _, n := range fields {
		switch {
		case !t.request.sets(n):
			l.fault(key, "does not set field %d, by which its answer is known (match.fields)%s", n, l.matchHint(n))
		case t.reversal != nil && !t.reversal.sets(n):
			l.fault(key+".reversal", "does not set field %d, by which its answer is known (match.fields)%s", n, l.matchHint(n))
		}
	}
}

// matchHint says what stands in a field by which answers are known, for those that have a role.
func (l *loader) matchHint(n int) string {
	for _, role := range []string{"trace", "terminal", "merchant"} {
		if r := l.d.roles[role]; r.field == n && r.to == 0 && r.path == "" {
			return fmt.Sprintf("; hint: %d = \"{%s}\"", n, role)
		}
	}
	return ""
}

// roleHint is where a role stands, as a transaction sets it.
func roleHint(r role) string {
	if r.path != "" {
		return fmt.Sprintf("%q", r.path)
	}
	return fmt.Sprint(r.field)
}

// sets tells whether a message has a field, in whole or in part.
func (t messageTemplate) sets(n int) bool {
	return t.fields[n] != nil || slices.ContainsFunc(slices.Collect(maps.Keys(t.parts)), func(path string) bool {
		field, _, _ := strings.Cut(path, ".")
		return number(field) == n
	})
}

// codes faults a dialect in which no answer could ever approve, or confirm a reversal, since field 39 holds none of the codes
// that do. A code that it cannot hold beside one that it can lies idle.
func (l *loader) codes() {
	const none = "field %d can hold none of the codes%s: %s"
	field, form := l.d.roles["code"].field, l.codeFormat()
	if final := l.raw.Reversal.Final; len(final) > 0 && l.reverses() && !slices.ContainsFunc(final, l.holdsCode) {
		l.fault("reversal.final", none, field, form, "no reversal would ever end")
	}
	if approving := l.approving(); len(approving) > 0 && len(l.d.transaction) > 0 && !slices.ContainsFunc(approving, l.holdsCode) {
		l.fault("answers", none, field, " that approve"+form, "every answer would be a decline")
	}
}

// approving are the codes that approve.
func (l *loader) approving() (codes []string) {
	for _, code := range slices.Sorted(maps.Keys(l.d.answers)) {
		if l.d.answers[code].Action == ActionApprove {
			codes = append(codes, code)
		}
	}
	return codes
}

// codeFormat says what the file says of the field with the code.
func (l *loader) codeFormat() string {
	if f := l.raw.Fields[fmt.Sprint(l.d.roles["code"].field)].Format; f != "" {
		return " (its format is " + f + ")"
	}
	return ""
}

// holdsCode tells whether an answer of some type can have a code. What is a part of a field is not looked into.
func (l *loader) holdsCode(code string) bool {
	r := l.d.roles["code"]
	if r.to != 0 {
		return len(code) == r.to-r.from
	}
	tables := []*table{&l.d.base}
	for _, own := range l.d.byMTI {
		tables = append(tables, own.fields)
	}
	known := false
	for _, t := range tables {
		s := t[r.field]
		known = known || s != nil
		if s != nil && (s.kind == binary || len(code) == s.max || s.prefix > 0 && len(code) < s.max) {
			return true
		}
	}
	return !known || r.path != ""
}
