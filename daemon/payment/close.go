package payment

import (
	"context"
	"slices"
	"time"

	"posd/daemon/journal"
)

// CloseBatch asks for the close of the card terminal's batch.
type CloseBatch struct {
	By     string // who asks
	Reason string
	Force  bool // a supervisor's word: close it with what is open, try one again that was refused, end one that hangs
	ByHand bool // a supervisor's word: one that was refused is cleared with the host by people, and over

	scheduled string // the date whose configured hour it is
}

// settler is the card tender as one that has batches; ok is false if it has none.
func (d *Desk) settler() (s Settler, pol Policy, ok bool) {
	if d.card == nil {
		return nil, pol, false
	}
	s, ok = d.card.(Settler)
	pol = d.card.Policy()
	return s, pol, ok && pol.UploadSize > 0 && pol.Terminal != ""
}

// CloseBatch closes the batch (rule 13). No new card attempt begins from here on. It waits for what is sent or being
// reversed on the terminal. What is open after that is a *Problem that lists it, or is listed on the record when a
// supervisor forces it. The batch comes back as closing, or further: the rest goes on behind it, across restarts, and
// WaitBatch waits for it. A batch that is being closed already is joined; with force a close that hangs is ended.
func (d *Desk) CloseBatch(ctx context.Context, c CloseBatch) (b Batch, err error) {
	if (c.Force || c.ByHand) && (c.By == "" || c.Reason == "") {
		return b, badRequest("a supervisor's close needs by and reason", "say who decides, and why")
	}
	err = d.visit(ctx, func(ctx context.Context) error {
		b, err = d.closeBatch(ctx, c)
		return err
	})
	return b, err
}

func (d *Desk) closeBatch(ctx context.Context, c CloseBatch) (b Batch, err error) {
	_, pol, ok := d.settler()
	if c.ByHand {
		if b, err = d.endOrphan(ctx, c); err != nil || b.Seq > 0 {
			return b, err
		}
	}
	if !ok {
		return b, &Problem{
			Code: "no_batches", Status: 422, Detail: "there is no card acquirer that settles in batches",
			Remedy: "nothing is to be closed here; an acquirer's dialect says whether it has batches",
		}
	}
	if c.ByHand {
		return d.endByHand(ctx, pol.Terminal, c)
	}
	if b, _, err = d.closable(ctx, pol.Terminal, c); err == nil && c.Force && d.hangs(b) {
		return d.endHanging(ctx, b, c)
	}
	if err != nil || b.State == BatchClosing {
		return b, err
	}
	if err := d.reach(ctx); err != nil {
		return b, err
	}
	release := d.holdCards()
	defer release()
	if err := d.settleDown(ctx, pol.Terminal, d.rules.BatchWait); err != nil {
		return b, err
	}
	if c.Force || c.scheduled != "" {
		if err := d.takeBackUnacknowledged(ctx, pol.Terminal); err != nil {
			return b, err
		}
	}
	if b, err = d.beginClose(ctx, pol.Terminal, c); err != nil {
		return b, err
	}
	d.resumeClose(ctx, b)
	return b, nil
}

// closable gives the record of the batch, if it has one, and what is in it; or says why it cannot be closed.
func (d *Desk) closable(ctx context.Context, terminal string, c CloseBatch) (b Batch, now cut, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		b, now, err = closableIn(tx, terminal, c)
		return err
	})
	return b, now, err
}

func closableIn(tx *journal.Tx, terminal string, c CloseBatch) (b Batch, now cut, err error) {
	if b, err = recordOf(tx, terminal); err != nil || b.State == BatchClosing {
		return b, now, err
	}
	if b.State == BatchRefused && !c.Force {
		return b, now, &Problem{
			Code: "batch_refused", Status: 409, Detail: "the host has refused to close batch " + b.Number + ": " + Words(b.Code, b.Text),
			Remedy: "ask the acquirer; then a supervisor closes it again with force and a reason",
		}
	}
	if now, err = cutBatch(tx, terminal); err != nil {
		return b, now, err
	}
	if now.attempts == 0 && !c.Force {
		return b, now, &Problem{
			Code: "batch_empty", Status: 409, Detail: "nothing was asked for in batch " + now.number + " yet",
			Remedy: "nothing is to be done; GET /v1/batches shows the one before",
		}
	}
	return b, now, nil
}

// reach asks whether the host could be asked now: else the shop had better not stop for it.
func (d *Desk) reach(ctx context.Context) error {
	leave, err := d.enter(ctx, d.card, newcomer)
	if err != nil {
		return err
	}
	defer leave()
	call, cancel := withLimit(ctx, probeWithin)
	defer cancel()
	return d.card.Ready(call)
}

// holdCards keeps new card attempts back while a close waits for the running ones.
func (d *Desk) holdCards() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closers++
	d.heldUntil = d.now().Add(d.rules.BatchWait)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.closers--
	}
}

// settleDown waits until nothing is open that posd is at, but no longer than limit.
func (d *Desk) settleDown(ctx context.Context, terminal string, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		changed := d.book.Changed()
		open, err := d.openNow(ctx, terminal)
		if err != nil {
			return err
		}
		busy := false
		for _, it := range open {
			busy = busy || it.State != Stuck // that waits for a person
		}
		if !busy {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeBackUnacknowledged reverses at once what the till has still to acknowledge, and waits for that as long as the rules
// say: once the batch is settled the host reverses nothing of it any more, and to wait for the till could shut the shop for
// long. A till that acknowledges later hears that it is too late. What was on its way may be approved meanwhile, so it
// looks again. What is kept by something else, as a pre-auth by its completion, stays open.
func (d *Desk) takeBackUnacknowledged(ctx context.Context, terminal string) error {
	for until := time.Now().Add(d.rules.BatchWait); ; {
		moved, err := d.lapse(ctx, terminal)
		if err != nil || !moved {
			return err
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		if err := d.settleDown(ctx, terminal, left); err != nil {
			return err
		}
	}
}

// lapse lets what is unacknowledged in the terminal's batch be reversed, and tells whether there was anything.
func (d *Desk) lapse(ctx context.Context, terminal string) (moved bool, err error) {
	due, err := d.unacknowledgedNow(ctx, terminal)
	for _, a := range due {
		a, err := d.commit(ctx, a.Key, event{lapsed: true}, d.card.Policy())
		if err != nil {
			return moved, err
		}
		moved = moved || a.State != ApprovedState
		d.kick(a.Key)
	}
	return moved, err
}

// unacknowledgedNow gives what of the terminal's batch the till has still to acknowledge.
func (d *Desk) unacknowledgedNow(ctx context.Context, terminal string) (due []Attempt, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		batch, _, err := terminalRow(tx, terminal)
		if err != nil {
			return err
		}
		due, err = queryAttempts(tx, `terminal = ? AND batch = ? AND ended = 0 AND state = 'approved' AND acked = 0 ORDER BY seq`, terminal, batch)
		return err
	})
	return slices.DeleteFunc(due, func(a Attempt) bool { return !a.awaitsAck() }), err
}

func (d *Desk) openNow(ctx context.Context, terminal string) (items []OpenItem, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		batch, _, err := terminalRow(tx, terminal)
		if err != nil {
			return err
		}
		items, err = openItems(tx, terminal, batch)
		return err
	})
	return items, err
}

// beginClose lays the batch down and takes the first message's number, in one transaction.
func (d *Desk) beginClose(ctx context.Context, terminal string, c CloseBatch) (b Batch, err error) {
	begun := false
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		var now cut
		if b, now, err = closableIn(tx, terminal, c); err != nil || b.State == BatchClosing {
			return err
		}
		if len(now.open) > 0 && !c.Force && c.scheduled == "" {
			return d.openItemsProblem(now)
		}
		if done, err := hourHadClose(tx, terminal, c.scheduled); err != nil || done && c.scheduled != "" {
			return err
		}
		closing := Fact{Kind: factBatchClosing, Terminal: terminal, Batch: now.number, Close: &closeFact{
			By: c.By, Reason: c.Reason, Forced: c.Force, Scheduled: c.scheduled, Currency: now.currency,
			Totals: now.totals, Items: now.items, Open: now.open, FirstAt: now.firstAt,
		}}
		step := Fact{Kind: factBatchStep, Terminal: terminal, Batch: now.number, Close: &closeFact{Step: StepTotals}}
		begun = true
		return appendBatch(tx, closing, step)
	})
	if err != nil {
		return b, err
	}
	if b, err = d.record(ctx, terminal); err == nil && begun {
		d.log.Info("batch is being closed", "terminal", terminal, "batch", b.Number, "by", b.By, "forced", b.Forced, "items", b.Items, "open", len(b.Open))
	}
	return b, err
}

func (d *Desk) openItemsProblem(now cut) error {
	return &Problem{
		Code: "batch_open_items", Status: 409, Open: now.open, RetryAt: d.now().Add(d.rules.BatchWait),
		Detail: "batch " + now.number + " cannot be closed: what is listed is not decided yet",
		Remedy: "try again in a while; what needs attention is settled by a supervisor, who may also force the close",
	}
}

// appendBatch journals facts of a batch, and gives each step its trace number.
func appendBatch(tx *journal.Tx, facts ...Fact) error {
	for _, f := range facts {
		if f.Kind == factBatchStep {
			var err error
			if f.Trace, err = freeTrace(tx, f.Terminal); err != nil {
				return err
			}
		}
		if err := appendFacts(tx, f); err != nil {
			return err
		}
	}
	return nil
}

// record gives the record of the terminal's current batch.
func (d *Desk) record(ctx context.Context, terminal string) (b Batch, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		b, err = recordOf(tx, terminal)
		return err
	})
	return b, err
}

// closingGate keeps new card attempts back while a batch is being closed.
func (d *Desk) closingGate(tx *journal.Tx, terminal string) error {
	p := &Problem{
		Code: "batch_closing", Status: 409, Detail: "the batch of this terminal is being closed",
		Remedy: "try again in a moment, or let the customer pay by wallet or cash", RetryAt: d.now().Add(2 * time.Second),
	}
	d.mu.Lock()
	held, until := d.closers > 0, d.heldUntil
	d.mu.Unlock()
	if held && until.After(p.RetryAt) {
		p.RetryAt = until
	}
	b, err := recordOf(tx, terminal)
	if err != nil {
		return err
	}
	if b.State == BatchClosing && b.NextTry.After(p.RetryAt) {
		p.RetryAt = b.NextTry
	}
	if held || b.State == BatchClosing {
		return p
	}
	return nil
}
