package payment

import (
	"context"
	"time"

	"posd/daemon/journal"
)

// resumeClose gives a life to the close of a batch.
func (d *Desk) resumeClose(ctx context.Context, b Batch) {
	if l := d.riseClose(ctx, b); l != nil {
		d.live(l, func(ctx context.Context) { l.rest(ctx, l) })
	}
}

// riseClose makes the life that resumeClose gives; nil if there is none to give. One that can never end, since the terminal
// settles no more, would keep its cards from being taken for ever.
func (d *Desk) riseClose(ctx context.Context, b Batch) *life {
	s, pol, ok := d.settler()
	if !ok || pol.Terminal != b.Terminal {
		d.log.Error("the close of a batch is owed on a terminal that is not configured, or settles no more", "terminal", b.Terminal, "batch", b.Number)
		if pol.Terminal == b.Terminal {
			if _, err := d.endClose(ctx, b, closeFact{Code: codeNoSettlement, Text: "the acquirer's dialect has no settlement any more"}); err != nil {
				d.log.Error("the close of a batch could not be ended, and keeps cards from being taken", "batch", b.Number, "err", err)
			}
		}
		return nil
	}
	l, born := d.bearOnce(closeKey(b.Terminal))
	if !born {
		return nil
	}
	l.rest = func(ctx context.Context, l *life) { d.chaseClose(ctx, l, s, pol) }
	l.reversing.Store(true) // like a reversal it waits for the host, and is woken when that answers
	d.ride(l, d.card)
	return l
}

// chaseClose goes on with a close until the host has taken or refused the batch. It is never given up: only a blocked
// journal ends it early, and Run comes back to it then.
func (d *Desk) chaseClose(ctx context.Context, l *life, s Settler, pol Policy) {
	for failed := 0; ctx.Err() == nil; {
		b, err := d.record(ctx, pol.Terminal)
		if err == nil && b.State != BatchClosing {
			return
		}
		if err == nil && d.pause(ctx, l, d.until(b.NextTry), false) && d.settleStep(ctx, l, b, s) {
			failed = 0
			continue
		}
		if d.book.j.Blocked() != nil || !d.pause(ctx, l, backoff(l.key, failed, d.rules), true) {
			return
		}
		failed++
	}
}

// settleStep sends the message that is due, whose number is on disk, alone on its terminal, and journals what came of it.
func (d *Desk) settleStep(ctx context.Context, l *life, b Batch, s Settler) bool {
	leave, err := d.enterToPay(ctx, d.card, time.Now())
	if err != nil {
		return false
	}
	defer leave()
	l.served()
	now, err := d.record(ctx, b.Terminal) // it may have been ended while we waited
	if err != nil || now.Seq != b.Seq || now.State != BatchClosing || now.Trace != b.Trace {
		return err == nil
	}
	if d.book.j.Blocked() != nil {
		return false
	}
	due, err := d.book.settling(ctx, b)
	defer func() {
		for _, a := range due.Items {
			clear(a.Sealed)
		}
	}()
	if err != nil {
		d.log.Error("settlement message could not be made", "terminal", b.Terminal, "batch", b.Number, "err", err)
		return false
	}
	pol := d.card.Policy()
	call, cancel := withLimit(ctx, pol.Call)
	defer cancel()
	ans := s.Settle(call, due)
	if ctx.Err() != nil && ans.Outcome == SettleAgain {
		return false // posd stops: nothing was learnt, and the message is sent again
	}
	if b, err = d.settled(ctx, b, ans, pol); err != nil {
		d.log.Error("what the host said of a batch could not be journaled", "terminal", b.Terminal, "batch", b.Number, "err", err)
		return false
	}
	if ans.Outcome != SettleAgain {
		d.wakeReversals(RailCard)
	}
	return true
}

// settled journals what a settlement message came to.
func (d *Desk) settled(ctx context.Context, b Batch, ans Settled, pol Policy) (Batch, error) {
	err := d.book.update(ctx, func(tx *journal.Tx) error {
		rec, err := batchOf(tx, b.Seq)
		if err != nil {
			return err
		}
		current, _, err := terminalRow(tx, b.Terminal)
		if err != nil {
			return err
		}
		if ans.NextBatch == "" && current != rec.Number { // a sign-on has told it meanwhile
			ans.NextBatch = current
		}
		b, err = moveBatch(tx, rec, current, decideSettled(rec, ans, pol.UploadSize, d.rules)...)
		return err
	})
	if err == nil {
		d.batchMoved(ctx, b)
	}
	return b, err
}

// moveBatch journals facts of a batch that is being closed. One that the host refuses cannot stay open when the host has
// gone on to another one, the terminal's current one by then.
func moveBatch(tx *journal.Tx, rec Batch, current string, facts ...Fact) (b Batch, err error) {
	for i := range facts {
		if facts[i].Kind == factBatchRefused && current != rec.Number {
			facts[i].Kind, facts[i].Close.Next = factBatchSuperseded, current
		}
	}
	if err := appendBatch(tx, facts...); err != nil {
		return b, err
	}
	if b, err = batchOf(tx, rec.Seq); err != nil || b.State == BatchClosing || b.State == BatchRefused {
		return b, err
	}
	return b, dropSealed(tx, b.Terminal)
}

// batchMoved says what became of a batch, now that it is on disk.
func (d *Desk) batchMoved(ctx context.Context, b Batch) {
	d.logBatch(b)
	if b.State == BatchClosing {
		return
	}
	d.batchSlip(b)
	if err := d.moveAllPairs(ctx); err != nil { // what was in it could not be taken back meanwhile
		d.log.Error("suspect pairs could not be read", "err", err)
	}
}

func batchOf(tx *journal.Tx, seq int64) (b Batch, err error) {
	bs, err := queryBatches(tx, `seq = ?`, seq)
	if err != nil || len(bs) == 0 {
		return b, err
	}
	return bs[0], nil
}

func (d *Desk) logBatch(b Batch) {
	attrs := []any{"terminal", b.Terminal, "batch", b.Number, "state", string(b.State), "step", string(b.Step), "trace", b.Trace.String(), "tries", b.Tries, "code", b.Code}
	switch b.State {
	case BatchRefused, BatchSuperseded:
		d.log.Error("the host has not taken a batch", attrs...)
	case BatchClosed:
		d.log.Info("batch closed", append(attrs, "next", b.Next)...)
	default:
		d.log.Info("batch moved", attrs...)
	}
}

// WaitBatch gives a batch when its close has ended, or as it stands when limit or ctx is over.
func (d *Desk) WaitBatch(ctx context.Context, seq int64, limit time.Duration) (b Batch, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		changed := d.book.Changed()
		err = d.book.j.View(ctx, func(tx *journal.Tx) error {
			b, err = batchOf(tx, seq)
			return err
		})
		if err != nil || b.State != BatchClosing {
			return b, err
		}
		select {
		case <-changed:
		case <-timer.C:
			return b, nil
		case <-ctx.Done():
			return b, ctx.Err()
		}
	}
}

// maxBatches bounds the list of batches: more than a year of them.
const maxBatches = 400

// Batches lists the batches of every terminal, newest first: the one that is open now as it stands, and those on record.
func (d *Desk) Batches(ctx context.Context) (out []Batch, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		if out, err = queryBatches(tx, `true ORDER BY seq DESC LIMIT ?`, maxBatches); err != nil || d.card == nil {
			return err
		}
		terminal := d.card.Policy().Terminal
		rec, err := recordOf(tx, terminal)
		if err != nil || rec.State != "" || terminal == "" {
			return err
		}
		c, err := cutBatch(tx, terminal)
		open := Batch{
			Terminal: terminal, Number: c.number, State: BatchOpen, Currency: c.currency, Totals: c.totals,
			Items: len(c.items), Open: c.open, FirstAt: c.firstAt,
		}
		out = append([]Batch{open}, out...)
		return err
	})
	return out, err
}
