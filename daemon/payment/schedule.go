package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"posd/daemon/journal"
)

// closeTime is the latest moment, not after now, at which a batch was to be closed, on the till's own clock. ok is false
// where nothing is configured.
func (r Rules) closeTime(now time.Time) (at time.Time, ok bool) {
	hour, err := time.Parse("15:04", r.BatchCloseAt)
	if err != nil {
		return at, false
	}
	y, m, day := now.Date()
	at = time.Date(y, m, day, hour.Hour(), hour.Minute(), 0, 0, now.Location())
	if at.After(now) {
		at = time.Date(y, m, day-1, hour.Hour(), hour.Minute(), 0, 0, now.Location())
	}
	return at, true
}

// dueClose tells since when the batch should be closed, by the configured hour: something in it is older than that, and
// this date's hour has closed none yet. A till that was off at the hour closes when it is back; a clock that jumps closes
// at most once per date; a batch that is being closed, or that was refused, is not the hour's to close.
func (d *Desk) dueClose(ctx context.Context) (at time.Time, due bool, err error) {
	_, pol, ok := d.settler()
	at, configured := d.rules.closeTime(d.now())
	if !ok || !configured {
		return at, false, nil
	}
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		rec, err := recordOf(tx, pol.Terminal)
		if err != nil || rec.State != "" {
			return err
		}
		batch, _, err := terminalRow(tx, pol.Terminal)
		if err != nil {
			return err
		}
		var older bool
		err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM payment_attempt WHERE terminal = ? AND batch = ? AND ended = 0 AND sent_at < ?)`,
			pol.Terminal, batch, at.UnixMilli()).Scan(&older)
		if err != nil || !older {
			return err
		}
		done, err := hourHadClose(tx, pol.Terminal, at.Format(time.DateOnly))
		due = !done
		return err
	})
	return at, due, err
}

// hourHadClose tells whether a date's hour has closed a batch already.
func hourHadClose(tx *journal.Tx, terminal, date string) (done bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM payment_batch WHERE terminal = ? AND scheduled = ?)`, terminal, date).Scan(&done)
	return done, err
}

// closeOnTime closes the batch when its hour has come. What keeps it from that is met again with the next look.
func (d *Desk) closeOnTime(ctx context.Context) {
	at, due, err := d.dueClose(ctx)
	if err == nil && due {
		err = d.visit(ctx, func(ctx context.Context) error {
			_, err := d.closeBatch(ctx, CloseBatch{By: "schedule", Reason: "payment.batch_close_at", scheduled: at.Format(time.DateOnly)})
			return err
		})
	}
	if err != nil && ctx.Err() == nil {
		d.log.Warn("the batch could not be closed at its hour; posd tries again", "hour", at, "err", err)
	}
}

// endDay destroys what was sealed for the attempts of days that are over, on a terminal without batches: nothing else ends
// them (rule 15), and for what comes later the customer shows the card again.
func (d *Desk) endDay(ctx context.Context) {
	if _, _, batches := d.settler(); d.card == nil || batches || d.blocked() != nil {
		return
	}
	y, m, day := d.now().Date()
	midnight := time.Date(y, m, day, 0, 0, 0, 0, d.now().Location())
	if d.swept.Equal(midnight) {
		return
	}
	err := d.book.update(ctx, func(tx *journal.Tx) error {
		return dropSealedOf(tx, d.card.Policy().Terminal, `a.sent_at < ?`, midnight.UnixMilli())
	})
	if err != nil {
		d.log.Error("sealed card data of days that are over could not be destroyed", "err", err)
		return
	}
	d.swept = midnight
}

// batchConcerns says what somebody should look at: a close that hangs, one whose hour has long passed, a refused one.
func (d *Desk) batchConcerns(ctx context.Context, warn func(code, detail, remedy string)) {
	late := func(since time.Time) bool { age := d.now().Sub(since); return age >= d.rules.AlarmAge }
	var open []Batch
	err := d.book.j.View(ctx, func(tx *journal.Tx) (err error) {
		if open, err = queryBatches(tx, `state IN ('closing', 'refused') ORDER BY seq`); err != nil {
			return err
		}
		gone, err := d.orphans(tx)
		for _, b := range gone {
			open = slices.DeleteFunc(open, func(o Batch) bool { return o.Seq == b.Seq })
			warn("batch_orphaned", "batch "+b.Number+" of terminal "+b.Terminal+" is "+string(b.State)+", and that terminal is not configured any more",
				"if the number is wrong now (acquirer.terminal), put it back and restart; else ask the acquirer, then posd batch close --by-hand")
		}
		left, noLeft := d.left(tx)
		for _, b := range left {
			warn("batch_orphaned", fmt.Sprintf("batch %s of terminal %s is not settled (payments: %d), and that terminal is not configured any more", b.number, b.terminal, b.paid),
				"if the number is wrong now (acquirer.terminal), put it back and restart; else ask the acquirer to settle it, then posd batch close --by-hand")
		}
		if err := errors.Join(err, noLeft); err != nil {
			return err
		}
		return d.fullConcern(tx, warn)
	})
	for _, b := range open {
		switch {
		case b.State == BatchRefused:
			warn("batch_refused", "the host has not closed batch "+b.Number+": "+Words(b.Code, b.Text), "ask the acquirer, then posd batch close --force")
		case b.Tries >= d.rules.AlarmTries || late(b.ClosingAt):
			warn("batch_close_late", "batch "+b.Number+" is still being closed, and no card payment begins", "check the line to the acquirer, and ask it what it makes of the batch; posd batch close --force takes cards again")
		}
	}
	if at, due, e := d.dueClose(ctx); e == nil && due && late(at) {
		warn("batch_close_late", "the batch was to be closed at "+at.Format("2006-01-02 15:04")+" and is not", "check the line to the acquirer; the log says what keeps it")
	}
	if err != nil {
		warn("journal", "the batches cannot be read", "look at the log")
	}
}
