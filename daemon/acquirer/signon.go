package acquirer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"posd/daemon/payment"
	"posd/iso8583"
	"posd/iso8583/link"
)

// troubles are what a host's answer to a sign-on may be wrong with; none at all is another (unheard). A line that is down and
// a blocked journal pass without a sign-on, and are told of elsewhere.
var troubles = []string{"sign_on_refused", "sign_on_strange", "sign_on_unreadable", "working_keys"}

// signOn gets working keys, batch number and time from the host, and keeps what is wrong with that for Trouble. The caller
// has the turn. Errors are *payment.Problem but for those of the journal.
func (a *Acquirer) signOn(ctx context.Context) error {
	err := a.trySignOn(ctx)
	var p *payment.Problem
	if err != nil && (!errors.As(err, &p) || !slices.Contains(troubles, p.Code)) {
		return err // it says nothing about the host, or is noted
	}
	a.setTrouble(p)
	return err
}

// setTrouble notes what is wrong with the sign-on, nil for nothing. The log has each trouble once.
func (a *Acquirer) setTrouble(p *payment.Problem) {
	a.mu.Lock()
	known := a.trouble != nil && p != nil && a.trouble.Code == p.Code && a.trouble.Remedy == p.Remedy
	a.trouble = p
	a.mu.Unlock()
	if p != nil && !known {
		a.o.Log.Warn("sign-on failed", "code", p.Code, "err", p.Detail)
	}
}

// Trouble is what was wrong with the last sign-on that was sent; nil if nothing was, or none was sent.
func (a *Acquirer) Trouble() *payment.Problem {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trouble
}

// Doubts tells that a host was reached and did not answer a sign-on: nobody may pay for hours, and it is asked again meanwhile.
func (a *Acquirer) Doubts() bool {
	p := a.Trouble()
	return p != nil && p.Code == codeOffline
}

func (a *Acquirer) trySignOn(ctx context.Context) error {
	a.setSignedOn(false)
	if err := a.o.Link.Up(ctx); err != nil { // before a trace number is spent: a host may be away for weeks
		return offline(err)
	}
	m, err := a.service(ctx, signOnName)
	if err != nil {
		return err
	}
	x := a.exchange(ctx, m, a.o.ReverseTimeOut)
	defer x.wipe()
	if err := a.o.Scribe.Record(context.WithoutCancel(ctx), a.o.Terminal, x.messages...); err != nil {
		return fmt.Errorf("record sign-on: %w", err)
	}
	if x.reached && x.err != nil || x.unread != nil {
		return &payment.Problem{
			Code: "sign_on_unreadable", Status: 503,
			Detail: fmt.Sprintf("the host's answer to the sign-on cannot be read: %v", cmp.Or(x.unread, x.err)),
			Remedy: "check that the configured dialect is the acquirer's",
		}
	}
	if x.err != nil {
		return a.unheard(ctx, x)
	}
	if err := a.acceptSignOn(m, x); err != nil {
		return err
	}
	if err := a.adoptBatch(ctx, a.o.Dialect.Role(x.reply, "batch")); err != nil {
		return err
	}
	a.adoptClock(x.reply)
	a.setSignedOn(true)
	return nil
}

// unheard is a sign-on that nobody answered, of a host that was reached. That is a trouble until one is answered.
func (a *Acquirer) unheard(ctx context.Context, x exchanged) error {
	ours := x.notSent && !errors.Is(x.err, link.ErrNotSent) || errors.Is(ctx.Err(), context.Canceled)
	if ours || a.o.Link.Status().Failures > 0 {
		return offline(x.err)
	}
	p := &payment.Problem{
		Code: codeOffline, Status: 503, Detail: "the card host takes the connection, and does not answer the sign-on",
		Remedy: "check acquirer.address, [acquirer.tls] and the dialect with the acquirer; wallet payments may still work",
	}
	if !errors.Is(x.err, context.DeadlineExceeded) {
		p.Detail = fmt.Sprintf("the card host ends the connection instead of answering the sign-on: %v", x.err)
		p.Remedy = "a host that hangs up at once mostly wants TLS ([acquirer.tls]), or another dialect: ask the acquirer; wallet payments may still work"
	}
	a.setTrouble(p)
	return p
}

// service makes a message that is no attempt, under a trace number of its own.
func (a *Acquirer) service(ctx context.Context, name string) (*iso8583.Message, error) {
	trace, err := a.o.Scribe.NextTrace(ctx, a.o.Terminal)
	if err != nil {
		return nil, fmt.Errorf("take a trace number: %w", err)
	}
	batch, err := a.o.Scribe.Batch(ctx, a.o.Terminal)
	if err != nil {
		return nil, fmt.Errorf("read the batch number: %w", err)
	}
	return a.o.Dialect.Build(name, iso8583.VarMap(a.common(trace, batch)))
}

// common are the values that every message has.
func (a *Acquirer) common(trace payment.TraceNumber, batch string) map[string]string {
	now := a.clock()
	return map[string]string{
		"trace": trace.String(), "batch": batch, "terminal": a.o.Terminal, "merchant": a.o.Merchant,
		"currency": a.currency, "time": now.Format("150405"), "date": now.Format("0102"), "year": now.Format("06"),
	}
}

// acceptSignOn checks the reply and loads the working keys. Once the old keys are replaced there is no way back.
func (a *Acquirer) acceptSignOn(m *iso8583.Message, x exchanged) error {
	d := a.o.Dialect
	code := d.Role(x.reply, "code")
	if fields := a.strange(m, x.reply); len(fields) > 0 {
		return &payment.Problem{
			Code: "sign_on_strange", Status: 503,
			Detail: fmt.Sprintf("the host answered a sign-on that was not ours: fields %v differ", fields),
			Remedy: "check terminal number and merchant number with the acquirer",
		}
	}
	if word := d.Action(code); word.Action != iso8583.ActionApprove {
		return &payment.Problem{
			Code: "sign_on_refused", Status: 503,
			Detail: fmt.Sprintf("the host refused the sign-on with code %s (%s)", code, word.TextEN),
			Remedy: "call the acquirer with terminal number, merchant number and this code",
		}
	}
	block := d.RoleBytes(x.reply, "keys")
	if len(block) == 0 && (d.MACRule().Field == 0 || a.o.Keys.Has(iso8583.MAK)) {
		return nil
	}
	if err := a.o.Keys.LoadWorkingKeys(block); err != nil {
		return keyProblem(err)
	}
	return nil
}

// keyProblem says what a technician can do about keys that do not fit.
func keyProblem(err error) *payment.Problem {
	detail := "the working keys that the host sent cannot be used"
	var k *iso8583.KeyError
	if errors.As(err, &k) {
		detail = fmt.Sprintf("the working keys that the host sent cannot be used: %v", k)
	}
	return &payment.Problem{
		Code: "working_keys", Status: 503, Detail: detail,
		Remedy: "check that the terminal's master key is the one the acquirer has on file",
	}
}

// adoptBatch makes the host's batch number ours.
func (a *Acquirer) adoptBatch(ctx context.Context, batch string) error {
	if len(batch) != 6 {
		return nil
	}
	old, err := a.o.Scribe.Batch(ctx, a.o.Terminal)
	if err == nil && old != batch {
		err = a.o.Scribe.AdoptBatch(ctx, a.o.Terminal, batch)
	}
	if err != nil {
		return fmt.Errorf("adopt batch %s: %w", batch, err)
	}
	return nil
}

// adoptClock notes how far the host's clock is ahead of ours. The host tells no year and no zone: both are ours.
func (a *Acquirer) adoptClock(reply *iso8583.Message) {
	now := a.o.Now()
	text := a.o.Dialect.Role(reply, "date") + a.o.Dialect.Role(reply, "time")
	host, err := readTime(text, now.Location())
	if err != nil {
		return
	}
	skew := inYear(now.Year(), host).Sub(now).Round(time.Second)
	// Around New Year the host may be in another year than we are.
	if skew > 180*24*time.Hour || skew < -180*24*time.Hour {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hostTime = hostClock{told: host, at: time.Now(), wall: now.Round(0)}
	a.skew = skew
}
