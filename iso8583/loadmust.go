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

// must faults requests of money that cannot work: whose answer would not be known as theirs, and those without an amount.
func (l *loader) must() {
	for _, name := range l.d.Transactions() {
		t, key := l.d.transaction[name], "transaction."+name
		if !movesMoney(name) {
			continue
		}
		l.mustMatch(key, t)
		if slices.Contains(asksForMoney, name) && !slices.Contains(t.request.needs, "amount") {
			l.fault(key, "no amount; hint: %s = \"{amount}\"", roleHint(l.d.roles["amount"]))
		}
	}
}

// mustMatch wants the fields by which an answer is known, in the request and in what reverses it.
func (l *loader) mustMatch(key string, t *transaction) {
	for _, n := range l.d.match {
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

// codes faults codes of answers that field 39 cannot hold: no answer would ever have them. Those that a base has and the
// acquirer's field has no room for lie idle, but one must confirm a reversal.
func (l *loader) codes() {
	for _, code := range slices.Sorted(maps.Keys(l.raw.Answers)) {
		if key := "answers." + code; !l.holdsCode(code) && !l.from.inherits(key) {
			l.fault(key, "field %d cannot hold the code %q%s", l.d.roles["code"].field, code, l.codeFormat())
		}
	}
	raw := l.raw.Reversal
	for word, list := range map[string][]string{"final": raw.Final, "in_doubt": raw.InDoubt, "refused": raw.Refused, "sign_on": raw.SignOn, "retry": raw.Retry} {
		key := "reversal." + word
		for _, code := range list {
			if !l.holdsCode(code) && !l.from.inherits(key) {
				l.fault(key, "field %d cannot hold the code %q%s", l.d.roles["code"].field, code, l.codeFormat())
			}
		}
	}
	if len(raw.Final) > 0 && l.from.inherits("reversal.final") && !slices.ContainsFunc(raw.Final, l.holdsCode) {
		l.fault("reversal.final", "field %d can hold none of the codes: no reversal would ever end", l.d.roles["code"].field)
	}
}

// codeFormat says what the file says of the field with the code.
func (l *loader) codeFormat() string {
	if f := l.raw.Fields[fmt.Sprint(l.d.roles["code"].field)].Format; f != "" {
		return ": its format is " + f
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
