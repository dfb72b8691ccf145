package acquirer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"posd/daemon/payment"
	"posd/daemon/step"
	"posd/iso8583"
)

// The most that a settlement's counts can say, by their digits.
const (
	mostSettled  = 999  // {debit.count}, {credit.count}
	mostUploaded = 9999 // {batch.count}
)

// steps are the dialect's transactions by which a batch is closed.
var steps = map[payment.BatchStep]string{
	payment.StepTotals: totalsName, payment.StepUpload: uploadName, payment.StepEnd: endName,
}

// uploadSize is how many items an upload message has; 0 where the dialect has no settlement.
func (a *Acquirer) uploadSize() int {
	if !a.o.Dialect.HasTransaction(totalsName) {
		return 0
	}
	return max(1, a.o.Dialect.Settlement().ItemsPerMessage)
}

// batchSize is how many payments a close can count; 0 where nothing is closed.
func (a *Acquirer) batchSize() int {
	if a.uploadSize() == 0 {
		return 0
	}
	return mostSettled
}

// Settle sends one settlement message and judges the answer. What cannot be built is refused: trying again cannot help.
func (a *Acquirer) Settle(ctx context.Context, s payment.Settling) payment.Settled {
	m, err := a.settlement(s)
	if err != nil {
		return payment.Settled{Outcome: payment.SettleRefused, Code: "data_lost", Text: err.Error()}
	}
	if m == nil {
		return payment.Settled{Outcome: payment.Accepted}
	}
	defer m.Wipe()
	if p := a.take(ctx); p != nil {
		return payment.Settled{Code: p.Code, Text: p.Detail}
	}
	defer a.give(ctx)
	fresh := !a.isSignedOn()
	if fresh {
		if err := a.signOn(ctx); err != nil {
			p := problemOf(err)
			return payment.Settled{Code: p.Code, Text: p.Detail}
		}
	}
	step.At("batch ask")
	x := a.exchange(ctx, m, a.o.TimeOut)
	defer x.wipe()
	step.At("batch answered")
	out := a.judgeSettled(s, m, x)
	if out.Outcome == payment.SettleAgain && a.o.Dialect.Action(out.Code).Action == iso8583.ActionSignOn {
		return a.superseded(ctx, s, out, fresh)
	}
	return out
}

// settlement builds the message of a step; nil where it would be empty.
func (a *Acquirer) settlement(s payment.Settling) (*iso8583.Message, error) {
	values, err := a.sums(s)
	if err != nil {
		return nil, err
	}
	v := iso8583.Vars(vars{plain: values})
	if s.Step == payment.StepUpload {
		items, wipe, err := a.items(s.Items)
		defer wipe()
		if err != nil || len(items) == 0 {
			return nil, err
		}
		if v, err = a.o.Dialect.WithItems(v, items); err != nil {
			return nil, err
		}
	}
	m, err := a.o.Dialect.Build(steps[s.Step], v)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", steps[s.Step], err)
	}
	return m, nil
}

// sums adds a batch up as the dialect wants it: what customers paid, and what they got back.
func (a *Acquirer) sums(s payment.Settling) (map[string]string, error) {
	t := s.Totals
	debit := payment.Sum{Count: t.Sales.Count + t.Completions.Count, Amount: t.Sales.Amount + t.Completions.Amount}
	credit, count := t.Refunds, s.Count
	if a.o.Dialect.Settlement().VoidsCredit {
		credit.Count, credit.Amount = credit.Count+t.Voids.Count, credit.Amount+t.Voids.Amount
	} else {
		debit.Count, debit.Amount = max(0, debit.Count-t.Voids.Count), max(0, debit.Amount-t.Voids.Amount)
		count -= 2 * t.Voids.Count
	}
	if debit.Count > mostSettled || credit.Count > mostSettled || count > mostUploaded {
		return nil, fmt.Errorf("the batch has more payments than a settlement can count: %d and %d", debit.Count, credit.Count)
	}
	v := a.common(s.Trace, s.Batch)
	v["debit.amount"], v["debit.count"] = digits(debit.Amount), fmt.Sprintf("%03d", debit.Count)
	v["credit.amount"], v["credit.count"] = digits(credit.Amount), fmt.Sprintf("%03d", credit.Count)
	v["batch.count"] = fmt.Sprintf("%04d", max(0, count))
	return v, nil
}

// itemNeeds names the card data that an item of an upload has.
func (a *Acquirer) itemNeeds() (names []string) {
	for _, n := range a.o.Dialect.Needs(uploadName) {
		if name, of := strings.CutPrefix(n, "item."); of {
			names = append(names, name)
		}
	}
	return names
}

// settled tells whether a transaction may be an item of its batch: reservations and questions are none.
func settled(name string) bool {
	return !strings.HasPrefix(name, string(payment.KindPreAuth)) && name != string(payment.KindBalance)
}

// items gives the values of an upload's items, and what overwrites the card data among them. A dialect that takes voids
// out of both sums leaves out the pair.
func (a *Acquirer) items(attempts []payment.Attempt) (list []iso8583.Vars, wipe func(), err error) {
	net := !a.o.Dialect.Settlement().VoidsCredit
	var all []secrets
	wipe = func() {
		for _, s := range all {
			s.wipe()
		}
	}
	for _, at := range attempts {
		if net && (at.Voided || at.Kind == payment.KindVoid) {
			continue
		}
		v, err := a.item(at)
		if err != nil {
			return nil, wipe, err
		}
		all, list = append(all, v.secret), append(list, v)
	}
	return list, wipe, nil
}

// item gives what an upload says of an attempt. A code that was scanned has no card.
func (a *Acquirer) item(at payment.Attempt) (vars, error) {
	rec, err := recordOf(at)
	if err != nil {
		return vars{}, err
	}
	needs := a.itemNeeds()
	secret, err := recall(at, needs)
	for _, name := range needs {
		lacks := name == "pan" && len(secret[name]) == 0 && !strings.HasPrefix(rec.Name, qrPrefix)
		if err != nil || lacks {
			secret.wipe()
			return vars{}, fmt.Errorf("the card number of %s is no longer kept, and the batch cannot be uploaded without it: call the acquirer", at.Key)
		}
	}
	v := vars{secret: secrets{}, plain: map[string]string{
		"item.trace": at.Numbers.Trace.String(), "item.amount": digits(at.Approved), "item.kind": rec.Name,
		"item.rrn": at.Host.Reference, "item.approval": at.Host.Approval, "item.date": at.Host.Date, "item.time": at.Host.Time,
	}}
	for _, name := range sealable {
		if len(secret[name]) > 0 {
			v.secret["item."+name] = secret[name]
		}
	}
	return v, nil
}

// judgeSettled reads the host's answer. One that is not believed decides nothing, and the same message goes again.
func (a *Acquirer) judgeSettled(s payment.Settling, m *iso8583.Message, x exchanged) payment.Settled {
	out := payment.Settled{Messages: x.messages, Code: codeNoAnswer}
	if x.reply == nil {
		out.Text = saying(x)
		return out
	}
	d := a.o.Dialect
	word := d.Action(d.Role(x.reply, "code"))
	out.Code, out.Text = word.Code, word.TextEN
	balanced, unbalanced := d.SettlementResult(x.reply)
	yes := word.Action == iso8583.ActionApprove || balanced || unbalanced
	missing := errors.Is(x.mac, iso8583.ErrNoMAC) && m.Has(d.MACRule().Field)
	fields := a.strange(m, x.reply)
	switch {
	case missing && (yes || d.DeclineNeedsMAC()), wrong(x.mac):
		out.Code, out.Text = codeNoAnswer, "the answer's MAC is wrong or missing"
	case len(fields) > 0:
		out.Code, out.Text = codeNoAnswer, fmt.Sprintf("the answer is not about this message: fields %v differ", fields)
	case word.Action == iso8583.ActionSignOn:
		a.setSignedOn(false)
	default:
		if next := a.role(x.reply, "batch"); next != s.Batch && len(next) == len("000001") {
			out.NextBatch = next
		}
		return a.agreed(s, x.reply, out)
	}
	return out
}

// superseded ends the close of a batch of which the host wants to hear no more, and asks to sign on instead: a sign-on has
// told that another batch is open, or was made just before and has not helped.
func (a *Acquirer) superseded(ctx context.Context, s payment.Settling, out payment.Settled, fresh bool) payment.Settled {
	batch, err := a.o.Scribe.Batch(ctx, a.o.Terminal)
	switch {
	case err != nil:
	case batch != s.Batch:
		out.Outcome = payment.SettleRefused
		out.Text = fmt.Sprintf("the host has opened batch %s and takes no more of %s: ask the acquirer what it has of it", batch, s.Batch)
	case fresh:
		out.Outcome = payment.SettleRefused
		out.Text = "the host asks for a sign-on, and after one for another: ask the acquirer"
	}
	return out
}

// agreed says what a believed answer means for the step.
func (a *Acquirer) agreed(s payment.Settling, reply *iso8583.Message, out payment.Settled) payment.Settled {
	d := a.o.Dialect
	balanced, unbalanced := d.SettlementResult(reply)
	action := d.Action(out.Code).Action
	yes := action == iso8583.ActionApprove || balanced
	switch {
	case action == iso8583.ActionUnknown, action == iso8583.ActionRetry: // again
	case s.Step == payment.StepTotals && balanced:
		out.Outcome = payment.Balanced
	case s.Step == payment.StepTotals && unbalanced && d.HasTransaction(uploadName):
		out.Outcome, out.NextBatch = payment.Unbalanced, ""
	case s.Step == payment.StepTotals && (unbalanced || yes):
		out.Outcome, out.NextBatch = payment.SettleRefused, ""
		out.Text = "the host's totals are not ours, or it does not say: ask the acquirer"
	case s.Step == payment.StepUpload && action == iso8583.ActionDuplicate: // its first copy has arrived; the end counts all
		out.Outcome = payment.Accepted
	case yes:
		out.Outcome = payment.Accepted
	default:
		out.Outcome = payment.SettleRefused
	}
	return out
}
