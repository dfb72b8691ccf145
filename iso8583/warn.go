package iso8583

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// reversible are the transactions that move money or lock it: when the answer is lost, something must take them back.
var reversible = []string{
	"sale", "void", "pre-auth", "pre-auth-void", "completion", "completion-void", "qr-sale", "qr-void",
}

// knownTransactions are the names that posd asks for.
var knownTransactions = []string{
	"sign-on", "sign-off", "echo", "sale", "void", "refund", "pre-auth", "pre-auth-void", "completion", "completion-void",
	"balance", "qr-sale", "qr-void", "qr-refund", "settlement", "batch-upload", "batch-end",
}

// warnings are what a file may say and hardly means. It has been loaded without a fault.
func (l *loader) warnings() []*DialectError {
	l.faults = nil
	l.warnFields()
	l.warnTransactions()
	l.warnAnswers()
	l.warnCodes()
	slices.SortStableFunc(l.faults, func(a, b *DialectError) int { return cmp.Compare(a.Line, b.Line) })
	return l.faults
}

func (l *loader) warnFields() {
	const unsaid = "no class, so it is secret: the journal keeps its length only; hint: public, masked, private or secret"
	for _, n := range slices.Sorted(maps.Keys(l.raw.Fields)) {
		if l.raw.Fields[n].Class == "" {
			l.fault("fields."+n, unsaid)
		}
	}
	trace := l.d.roles["trace"]
	if trace.field != 0 && !slices.Contains(l.d.match, trace.field) {
		l.fault("match.fields", "the trace number (field %d) is missing: the answers to two requests of one kind cannot be told apart", trace.field)
	}
	if trace.field == 0 {
		l.fault("reply.roles.trace", "is empty: an answer cannot be held against its request")
	}
}

func (l *loader) warnTransactions() {
	if len(l.d.transaction) == 0 {
		l.fault("transaction", "there are none: messages can be decoded, but posd cannot take money in this dialect")
		return
	}
	l.warnRequests()
	for _, name := range reversible {
		t, key := l.d.transaction[name], "transaction."+name
		switch {
		case t == nil:
			continue
		case t.reversal == nil:
			l.fault(key, "nothing reverses it: when its answer is lost, nobody takes it back; hint: [transaction.%s.reversal]", name)
		case l.d.mac.Field != 0 && t.reversal.fields[l.d.mac.Field] == nil:
			l.fault(key+".reversal", "no MAC, though the dialect has one; hint: %d = \"{mac}\"", l.d.mac.Field)
		}
		if l.d.mac.Field != 0 && t.request.fields[l.d.mac.Field] == nil {
			l.fault(key, "no MAC, though the dialect has one; hint: %d = \"{mac}\"", l.d.mac.Field)
		}
	}
}

// warnRequests is of requests that posd never asks for, and of those whose answer is hardly known as theirs.
func (l *loader) warnRequests() {
	for _, name := range l.d.Transactions() {
		key, t := "transaction."+name, l.d.transaction[name]
		switch {
		case !slices.Contains(knownTransactions, name):
			l.fault(key, "posd never asks for it%s; it knows: %s", nearest(name), strings.Join(knownTransactions, ", "))
		case movesMoney(name): // which are held to the trace number already
			l.mustMatch(key, t, l.matchFields(false))
		default:
			l.mustMatch(key, t, l.d.match)
		}
	}
}

// nearest asks whether a name that is written much alike was meant; "" where there is none.
func nearest(name string) string {
	best := slices.MinFunc(knownTransactions, func(a, b string) int {
		return cmp.Compare(levenshtein.ComputeDistance(name, a), levenshtein.ComputeDistance(name, b))
	})
	if 2*levenshtein.ComputeDistance(name, best) > len(name) {
		return ""
	}
	return fmt.Sprintf(" (is %q meant?)", best)
}

func (l *loader) warnAnswers() {
	if len(l.approving()) == 0 && len(l.d.transaction) > 0 {
		l.fault("answers", "no code approves: every answer is a decline; hint: \"00\" = { action = \"approve\" }")
	}
}

// warnCodes is of the file's own codes that field 39 cannot hold: no answer will ever have them. Those of its base lie idle.
func (l *loader) warnCodes() {
	for _, code := range slices.Sorted(maps.Keys(l.raw.Answers)) {
		l.warnCode("answers."+code, code)
	}
	raw := l.raw.Reversal
	for word, list := range map[string][]string{"final": raw.Final, "in_doubt": raw.InDoubt, "refused": raw.Refused, "sign_on": raw.SignOn, "retry": raw.Retry} {
		for _, code := range list {
			l.warnCode("reversal."+word, code)
		}
	}
}

func (l *loader) warnCode(key, code string) {
	if !l.holdsCode(code) && !l.from.inherits(key) {
		l.fault(key, "field %d cannot hold the code %q%s: no answer will have it", l.d.roles["code"].field, code, l.codeFormat())
	}
}
