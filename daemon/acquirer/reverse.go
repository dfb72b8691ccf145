package acquirer

import (
	"context"
	"errors"
	"fmt"

	"posd/daemon/payment"
	"posd/daemon/step"
	"posd/iso8583"
)

// Reverse sends the reversal of an attempt once. It signs on first where the host asked for it, or gave us no keys yet.
func (a *Acquirer) Reverse(ctx context.Context, at payment.Attempt) payment.Undo {
	m, err := a.reversal(at)
	if err != nil {
		return lost(at, err)
	}
	defer m.Wipe()
	if p := a.take(ctx); p != nil {
		return payment.Undo{Code: p.Code, Text: p.Detail}
	}
	defer a.give(ctx)
	if !a.isSignedOn() {
		if err := a.signOn(ctx); err != nil {
			p := problemOf(err)
			return payment.Undo{Code: p.Code, Text: p.Detail}
		}
	}
	step.At("card reverse")
	x := a.exchange(ctx, m, a.o.ReverseTimeOut)
	defer x.wipe()
	step.At("card reverse answered")
	return a.judgeUndo(at, m, x)
}

// reversal builds the message from the attempt's data: the same in every try, before and after a restart.
func (a *Acquirer) reversal(at payment.Attempt) (*iso8583.Message, error) {
	rec, err := recordOf(at)
	if err != nil {
		return nil, err
	}
	secret, err := recall(at, a.o.Dialect.ReversalNeeds(rec.Name))
	if err != nil {
		return nil, err
	}
	defer secret.wipe()
	values := rec.Vars
	if values == nil {
		return nil, errors.New("the attempt's data is empty")
	}
	values["reason"] = reasonName(at.Reason)
	values["approval"] = at.Host.Approval
	if _, named := values["original.trace"]; !named { // some acquirers want a sale named a second time, as its own original
		values["original.batch"], values["original.trace"] = values["batch"], values["trace"]
		values["original.date"], values["original.time"] = at.Host.Date, at.Host.Time
	}
	return a.o.Dialect.BuildReversal(rec.Name, vars{values, secret})
}

// reasonName is the dialect's name of a reason.
func reasonName(r payment.Reason) string {
	switch r {
	case payment.ReasonNoAnswer:
		return "no_answer"
	case payment.ReasonBadAnswer:
		return "bad_mac"
	case payment.ReasonOther, payment.ReasonUnwanted, payment.ReasonCancelled:
		return "other"
	default:
		return "other"
	}
}

// lost is for a reversal that cannot be built: trying again cannot help, so a person decides.
func lost(at payment.Attempt, err error) payment.Undo {
	u := payment.Undo{Outcome: payment.Refused, Code: "data_lost"}
	if errors.Is(err, iso8583.ErrNoReversal) {
		u.Code = "no_reversal"
		u.Text = fmt.Sprintf("the acquirer's dialect has no reversal of a %s: ask the acquirer what became of it", at.Kind)
		return u
	}
	u.Text = fmt.Sprintf("the reversal cannot be sent, because data that it needs is gone (%v): call the acquirer", err)
	return u
}

// judgeUndo reads the host's answer. A confirmation is believed with a right MAC only.
func (a *Acquirer) judgeUndo(at payment.Attempt, m *iso8583.Message, x exchanged) payment.Undo {
	u := payment.Undo{UnderWay: x.reply == nil && !x.notSent, Messages: x.messages}
	if x.reply == nil {
		u.Code, u.Text = codeNoAnswer, saying(x)
		return u
	}
	d := a.o.Dialect
	code := d.Role(x.reply, "code")
	action := d.ReversalAction(code)
	u.Code, u.Text = code, d.Action(code).TextEN
	if at.Language == "zh" {
		u.Text = d.Action(code).TextZH
	}
	if action == iso8583.ReversalSignOn && errors.Is(x.mac, iso8583.ErrNoMAC) {
		a.setSignedOn(false)
	}
	if a.badMAC(x.mac, action == iso8583.ReversalFinal) {
		u.Text = "the answer's MAC is wrong or missing"
		return u
	}
	if fields := a.strange(m, x.reply); len(fields) > 0 {
		u.Text = fmt.Sprintf("the answer is not about this reversal: fields %v differ", fields)
		return u
	}
	switch action {
	case iso8583.ReversalFinal:
		u.Outcome = payment.Confirmed
	case iso8583.ReversalInDoubt:
		u.Outcome = payment.InDoubt
	case iso8583.ReversalRefused:
		u.Outcome = payment.Refused
	case iso8583.ReversalSignOn:
		a.setSignedOn(false)
	case iso8583.ReversalRetry:
	}
	return u
}
