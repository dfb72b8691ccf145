package payment

import (
	"cmp"
	"context"

	"posd/daemon/journal"
)

// The codes of a close that posd has ended, and not the host.
const (
	codeGivenUp      = "given_up"
	codeNoSettlement = "no_settlement"
	codeByHand       = "by_hand"
)

// hangs tells that the host has not brought a close further for so long that a supervisor may end it. A clock that jumped
// back keeps no shop shut.
func (d *Desk) hangs(b Batch) bool {
	age := d.now().Sub(b.ClosingAt)
	young := age >= 0 && (age < d.rules.GateAge || b.Tries < d.rules.GateTries && age < d.rules.AlarmAge)
	return b.State == BatchClosing && !young
}

// endHanging ends a close that the host does not answer, by a supervisor's word. Nobody knows what the host has made of
// it, so the batch stays open, as one that is refused: payments go on, and a supervisor may close it again.
func (d *Desk) endHanging(ctx context.Context, b Batch, c CloseBatch) (Batch, error) {
	leave, err := d.enter(ctx, d.card, newcomer) // what is under way may be the answer
	if err != nil {
		return b, err
	}
	defer leave()
	return d.endClose(ctx, b, closeFact{
		By: c.By, Reason: c.Reason, Code: codeGivenUp, Text: "ended by a supervisor; the host may have closed it, and has not said so",
	})
}

// endClose journals that a close has ended without the host's word. One that has ended meanwhile is left as it is.
func (d *Desk) endClose(ctx context.Context, b Batch, why closeFact) (Batch, error) {
	ended := false
	err := d.book.update(ctx, func(tx *journal.Tx) error {
		rec, err := batchOf(tx, b.Seq)
		if b = rec; err != nil || rec.State != BatchClosing {
			return err
		}
		current, _, err := terminalRow(tx, rec.Terminal)
		if err != nil {
			return err
		}
		ended = true
		b, err = moveBatch(tx, rec, current, Fact{Kind: factBatchRefused, Terminal: rec.Terminal, Batch: rec.Number, Close: &why})
		return err
	})
	if err == nil && ended {
		d.kick(closeKey(b.Terminal)) // its life has nothing to do any more
		d.batchMoved(ctx, b)
	}
	return b, err
}

// endByHand ends a batch that the host has refused and that people have cleared with it: nobody settles it any more, and
// the next one is open. Without it no batch would balance again on a host that has gone on without saying so.
func (d *Desk) endByHand(ctx context.Context, terminal string, c CloseBatch) (b Batch, err error) {
	if rec, err := d.record(ctx, terminal); err != nil || rec.State != BatchRefused {
		return b, cmp.Or(err, notRefused())
	}
	release := d.holdCards()
	defer release()
	if err := d.settleDown(ctx, terminal, d.rules.BatchWait); err != nil {
		return b, err
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		rec, err := recordOf(tx, terminal)
		if err != nil || rec.State != BatchRefused {
			return cmp.Or(err, notRefused())
		}
		why := closeFact{By: c.By, Reason: c.Reason, Code: codeByHand, Text: "ended by a supervisor, without the host", Next: following(rec.Number, "")}
		b, err = d.book.goOn(tx, terminal, why)
		return err
	})
	if err == nil {
		d.batchMoved(ctx, b)
	}
	return b, err
}

// orphans are the batches of terminals that are not configured any more, which nobody can close: they go on when the
// number comes back, or are ended by hand.
func (d *Desk) orphans(tx *journal.Tx) ([]Batch, error) {
	mine := ""
	if _, pol, ok := d.settler(); ok {
		mine = pol.Terminal
	}
	return queryBatches(tx, `state IN ('closing', 'refused') AND terminal <> ? ORDER BY seq`, mine)
}

// endOrphan ends the oldest batch of a terminal that is gone, by a supervisor's word. It gives none if there is none.
func (d *Desk) endOrphan(ctx context.Context, c CloseBatch) (b Batch, err error) {
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		b = Batch{}
		all, err := d.orphans(tx)
		if err == nil && len(all) == 0 {
			b, err = d.endLeft(tx, c)
		}
		if err != nil || len(all) == 0 {
			return err
		}
		old := all[0]
		current, _, err := terminalRow(tx, old.Terminal)
		if err != nil {
			return err
		}
		why := closeFact{By: c.By, Reason: c.Reason, Code: codeByHand, Text: endedOrphan, Next: current}
		var next []Fact
		if current == old.Number { // else a sign-on has told another one
			why.Next = following(old.Number, "")
			next = []Fact{{Kind: factBatch, Terminal: old.Terminal, Batch: why.Next}}
		}
		over := Fact{Kind: factBatchSuperseded, Terminal: old.Terminal, Batch: old.Number, Close: &why}
		if err := appendFacts(tx, append([]Fact{over}, next...)...); err != nil {
			return err
		}
		if b, err = batchOf(tx, old.Seq); err != nil {
			return err
		}
		return dropSealed(tx, old.Terminal)
	})
	if err == nil && b.Seq > 0 {
		d.batchMoved(ctx, b)
	}
	return b, err
}

const endedOrphan = "ended by a supervisor; its terminal is not configured any more"

// leftBatch is a batch that nobody has begun to close, of a terminal that is not configured any more.
type leftBatch struct {
	terminal, number string
	paid             int // approved and not settled
}

// left gives such batches: the host has their payments, and awaits a close.
func (d *Desk) left(tx *journal.Tx) (all []leftBatch, err error) {
	_, pol, ok := d.settler()
	if !ok {
		return nil, nil
	}
	rows, err := tx.Query(`SELECT t.terminal, t.batch, (SELECT count(*) FROM payment_attempt a WHERE a.terminal = t.terminal AND a.ended = 0
    AND a.batch = t.batch AND a.state IN ('approved', 'settled_paid') AND a.kind IN ('sale', 'completion', 'refund')) AS paid
  FROM payment_terminal t WHERE t.terminal <> ? AND paid > 0
  AND NOT EXISTS (SELECT 1 FROM payment_batch b WHERE b.terminal = t.terminal AND b.state IN ('closing', 'refused')) ORDER BY t.terminal`, pol.Terminal)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var b leftBatch
		if err := rows.Scan(&b.terminal, &b.number, &b.paid); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

// endLeft ends the first of them. It gives none if there is none.
func (d *Desk) endLeft(tx *journal.Tx, c CloseBatch) (b Batch, err error) {
	all, err := d.left(tx)
	if err != nil || len(all) == 0 {
		return b, err
	}
	why := closeFact{By: c.By, Reason: c.Reason, Code: codeByHand, Text: endedOrphan, Next: following(all[0].number, "")}
	b, err = d.book.goOn(tx, all[0].terminal, why)
	if err == nil && b.Seq == 0 { // nothing that a close counts is in it after all
		err = notRefused()
	}
	return b, err
}

func notRefused() error {
	return &Problem{
		Code: "batch_not_refused", Status: 409, Detail: "only a batch that the host has refused is ended by hand",
		Remedy: "close it; a supervisor may force that, and end a close that hangs",
	}
}

// closeKey names the life of a close. It is of no client: no attempt has this key.
func closeKey(terminal string) Key { return Key{Sale: "batch", Attempt: terminal} }
