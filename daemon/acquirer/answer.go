package acquirer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"posd/daemon/payment"
	"posd/daemon/step"
	"posd/iso8583"
)

// Authorize sends an attempt's request and judges the answer. If the host asked for a new sign-on since Ready, or posd
// was restarted, it signs on first.
func (a *Acquirer) Authorize(ctx context.Context, at payment.Attempt, in payment.Input) payment.Answer {
	ans := a.authorize(ctx, at, in)
	if at.Kind == payment.KindBalance && ans.Outcome == payment.Unknown {
		ans.Outcome, ans.Reason, ans.Code = payment.Declined, "", codeNoAnswer // it moves no money, so it did not happen
	}
	return ans
}

func (a *Acquirer) authorize(ctx context.Context, at payment.Attempt, in payment.Input) payment.Answer {
	if slices.Contains(cardKinds, at.Kind) && in == nil {
		// A sale is never sent twice. Who has no card any more does not know what the first copy did.
		return payment.Answer{Reason: payment.ReasonNoAnswer, Hopeless: true, Code: "no_card", Text: "the card is no longer at hand"}
	}
	if p := a.take(ctx); p != nil {
		return payment.Answer{Outcome: notSentOr(at), Code: p.Code, Text: p.Detail}
	}
	defer a.give(ctx)
	if problem := a.open(ctx, at); problem != nil {
		return payment.Answer{Outcome: notSentOr(at), Code: problem.Code, Text: problem.Detail}
	}
	m, err := a.request(at, in)
	if err != nil {
		return payment.Answer{Outcome: notSentOr(at), Hopeless: true, Code: "data_lost", Text: err.Error()}
	}
	defer m.Wipe()
	step.At("card ask")
	x := a.exchange(ctx, m, a.o.TimeOut)
	defer x.wipe()
	step.At("card answered")
	if x.notSent && !first(at) {
		// This copy never left, but the one before it may have arrived.
		return payment.Answer{Reason: payment.ReasonNoAnswer, Code: codeOffline, Text: saying(x)}
	}
	ans := a.judge(at, m, x)
	a.weigh(at, ans, x)
	return a.believe(ctx, at, ans)
}

// first tells whether this is surely the first time that the attempt's request is sent. A refund may be a repeat; what
// recovery finds sent counts as asked once.
func first(at payment.Attempt) bool {
	return at.Kind != payment.KindRefund || at.Asks == 0
}

func notSentOr(at payment.Attempt) payment.Outcome {
	if first(at) {
		return payment.NotSent
	}
	return payment.Unknown
}

// open makes sure that we are signed on. A sign-on, this one or somebody else's since the attempt was numbered, may bring
// another batch; then its numbers are no longer good, and nothing is sent.
func (a *Acquirer) open(ctx context.Context, at payment.Attempt) *payment.Problem {
	if !a.isSignedOn() {
		if err := a.signOn(ctx); err != nil {
			return problemOf(err)
		}
	}
	batch, err := a.o.Scribe.Batch(ctx, a.o.Terminal)
	switch {
	case err != nil:
		return problemOf(err)
	case first(at) && batch != at.Numbers.Batch:
		return &payment.Problem{Code: "batch_changed", Detail: "the host has opened another batch; nothing was sent"}
	}
	return nil
}

func problemOf(err error) *payment.Problem {
	var p *payment.Problem
	if errors.As(err, &p) {
		return p
	}
	return &payment.Problem{Code: codeNotReady, Detail: err.Error()}
}

// request builds an attempt's message from its data and the card, or what was sealed of it.
func (a *Acquirer) request(at payment.Attempt, in payment.Input) (*iso8583.Message, error) {
	rec, err := recordOf(at)
	if err != nil {
		return nil, err
	}
	var secret secrets
	if shown, ok := in.(means); ok {
		secret = shown.secrets()
	} else if secret, err = recall(at, a.o.Dialect.Needs(rec.Name)); err != nil {
		return nil, err
	}
	defer secret.wipe()
	return a.o.Dialect.Build(rec.Name, vars{rec.Vars, secret})
}

// judge is the five checks: MAC, our number, amount and currency, our terminal and merchant, and a plausible time; and
// that it is the answer to this message at all. What fails one of them is Unknown.
func (a *Acquirer) judge(at payment.Attempt, m *iso8583.Message, x exchanged) payment.Answer {
	ans := payment.Answer{Reason: payment.ReasonOther, Messages: x.messages}
	if first(at) && len(x.messages) > 0 {
		ans.Messages = x.messages[1:] // the request is in the plan already
	}
	if x.reply == nil {
		return unanswered(ans, x)
	}
	d := a.o.Dialect
	word := d.Action(d.Role(x.reply, "code"))
	ans.Code, ans.Text = word.Code, word.TextEN
	if at.Language == "zh" {
		ans.Text = word.TextZH
	}
	if word.Action == iso8583.ActionSignOn && errors.Is(x.mac, iso8583.ErrNoMAC) {
		// A host that has lost our keys cannot sign. To sign on once too often does no harm.
		a.setSignedOn(false)
	}
	strange := a.strange(m, x.reply)
	paid := word.Action == iso8583.ActionApprove || word.Action == iso8583.ActionPartial
	switch {
	case a.badMAC(x.mac, paid):
		ans.Reason, ans.Text = payment.ReasonBadAnswer, "the answer's MAC is wrong or missing"
	case len(strange) > 0:
		ans.Text = fmt.Sprintf("the answer is not about this request: fields %v differ", strange)
	case paid && first(at) && !a.plausible(x.reply): // a repeated refund may get its first answer again
		ans.Text = "the approval is of another day"
	case paid:
		return a.approve(at, x.reply, word.Action, ans)
	case word.Action == iso8583.ActionUnknown:
	default:
		if word.Action == iso8583.ActionSignOn {
			a.setSignedOn(false)
		}
		ans.Outcome, ans.Reason = payment.Declined, ""
		ans.Host = a.host(x.reply)
	}
	return ans
}

// believe takes back a decline that says nothing about the copy sent before: "repeated number" or "sign on first" to a
// repeated refund. The first is final: the host will never say more, and a person has to ask what it booked. So is any
// decline when another batch is open by then: the copy before may be booked in the one that is over.
func (a *Acquirer) believe(ctx context.Context, at payment.Attempt, ans payment.Answer) payment.Answer {
	if ans.Outcome != payment.Declined || first(at) {
		return ans
	}
	batch, err := a.o.Scribe.Batch(ctx, a.o.Terminal)
	over := err == nil && batch != at.Numbers.Batch
	action := a.o.Dialect.Action(ans.Code).Action
	switch {
	case action == iso8583.ActionDuplicate:
		ans.Outcome, ans.Reason, ans.Hopeless = payment.Unknown, payment.ReasonOther, true
	case action == iso8583.ActionSignOn, over, err != nil:
		ans.Outcome, ans.Reason, ans.Hopeless = payment.Unknown, payment.ReasonNoAnswer, over
	}
	return ans
}

// unanswered is for no reply, or none that can be read.
func unanswered(ans payment.Answer, x exchanged) payment.Answer {
	switch {
	case x.notSent:
		ans.Outcome, ans.Reason, ans.Code = payment.NotSent, "", codeOffline
	case !x.reached:
		ans.Reason, ans.Code = payment.ReasonNoAnswer, codeNoAnswer
	default:
		ans.Code = "unreadable"
	}
	ans.Text = saying(x)
	return ans
}

// saying tells why there is no answer.
func saying(x exchanged) string {
	switch {
	case x.reached:
		return fmt.Sprintf("the host's answer cannot be read: %v", x.err)
	case x.unread != nil:
		return fmt.Sprintf("the host's answer cannot be read: %v", x.unread)
	case errors.Is(x.err, context.DeadlineExceeded):
		return "the host did not answer in time"
	default:
		return x.err.Error()
	}
}

// badMAC tells whether a MAC speaks against an answer: a wrong one always does, a missing one against a yes. Whether a
// no may lack it is the dialect's word; so is whether there are MACs at all.
func (a *Acquirer) badMAC(mac error, yes bool) bool {
	d := a.o.Dialect
	if errors.Is(mac, iso8583.ErrNoMAC) {
		return d.MACRule().Field != 0 && (yes || d.DeclineNeedsMAC())
	}
	return mac != nil
}

// strange lists the fields that show that reply is not the answer to m: what the dialect says must be equal, and the
// checks that no dialect can take away. 0 is the MTI.
func (a *Acquirer) strange(m, reply *iso8583.Message) []int {
	d := a.o.Dialect
	list := d.Differs(m, reply)
	for _, role := range []string{"trace", "terminal"} {
		if a.role(m, role) != a.role(reply, role) {
			list = append(list, d.RoleField(role))
		}
	}
	for role, ours := range map[string]string{"merchant": a.o.Merchant, "currency": a.currency} {
		if got := a.role(reply, role); got != "" && got != cmp.Or(a.role(m, role), ours) {
			list = append(list, d.RoleField(role))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// approve checks the amount: equal, or less on a code that says so. A balance has none.
func (a *Acquirer) approve(at payment.Attempt, reply *iso8583.Message, action iso8583.Action, ans payment.Answer) payment.Answer {
	if at.Kind == payment.KindBalance {
		return a.tellBalance(reply, ans)
	}
	got, ok := cents(a.o.Dialect.Role(reply, "amount"))
	partial := action == iso8583.ActionPartial && got > 0 && got < at.Amount
	if !ok || got != at.Amount && !partial {
		ans.Text = "the answer tells another amount"
		return ans
	}
	ans.Outcome, ans.Reason, ans.Amount = payment.Approved, "", got
	ans.Host = a.host(reply)
	return ans
}

// cents reads twelve digits.
func cents(text string) (payment.Cents, bool) {
	var c payment.Cents
	for _, r := range text {
		if r < '0' || r > '9' || c > maxAmount {
			return 0, false
		}
		c = c*10 + payment.Cents(r-'0')
	}
	return c, text != ""
}

// role reads a field by its role, without the spaces that fill it.
func (a *Acquirer) role(m *iso8583.Message, name string) string {
	return strings.TrimRight(a.o.Dialect.Role(m, name), " ")
}

// fieldAcquirer is the acquiring institution, in every version of ISO 8583.
const fieldAcquirer = 32

// host collects what the host called the payment.
func (a *Acquirer) host(reply *iso8583.Message) payment.HostNumbers {
	role := func(name string) string { return a.role(reply, name) }
	return payment.HostNumbers{
		Reference: role("rrn"), Approval: role("approval"), Date: role("date"), Time: role("time"),
		Batch: role("batch"), Institution: reply.Text(fieldAcquirer),
	}
}
