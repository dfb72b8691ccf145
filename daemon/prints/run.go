package prints

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"posd/daemon/journal"
	"posd/daemon/step"
	"posd/drivers/printer"
)

// Run prints until ctx ends. It owns the printing: one Run per queue. After a crash it begins as it always does: a job
// that was started and not ended is one of unknown outcome.
func (q *Queue) Run(ctx context.Context) {
	for ctx.Err() == nil {
		done, err := q.once(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			if q.keep(err.Error()) {
				q.o.Log.Warn("slip waits", "err", err)
			}
			q.pause(ctx, pollEvery)
		case !done:
			q.keep("")
			q.pause(ctx, 0)
		}
	}
}

// pause waits for a wake-up, or for d when it is not 0.
func (q *Queue) pause(ctx context.Context, d time.Duration) {
	var tick <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		tick = t.C
	}
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-tick:
	}
}

// once brings the first waiting job one step further. done is false when there is none. An error means: try again in a
// while; no paper was used, or the job says that it may have been.
func (q *Queue) once(ctx context.Context) (done bool, err error) {
	j, err := q.first(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case j.sending:
		return true, q.record(ctx, j.ID, unsure, fact{Why: "posd ended while it was being printed"})
	case j.Unsure >= maxUnsure && !j.Released:
		q.o.Log.Warn("slip given up: the printer never confirms", "slip", j.ID, "tries", j.Unsure)
		return true, q.record(ctx, j.ID, held, fact{Why: "the printer never said whether it came out"})
	case !j.Released && q.o.Now().After(j.NotAfter):
		return true, q.record(ctx, j.ID, held, fact{Why: q.keeps()})
	}
	if err := q.able(ctx); err != nil {
		return true, err
	}
	return true, q.print(ctx, j)
}

// first is the oldest job that waits.
func (q *Queue) first(ctx context.Context) (j job, err error) {
	err = q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		j, err = scan(tx.QueryRow(columns + " WHERE state = 'waiting' ORDER BY seq LIMIT 1"))
		return err
	})
	return j, err
}

// able says why the printer would not print now.
func (q *Queue) able(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	s, err := q.o.Printer.Status(ctx)
	if err != nil {
		return err
	}
	return s.Err()
}

// print sends a job. That it was begun is on disk before its first byte leaves.
func (q *Queue) print(ctx context.Context, j job) error {
	doc, err := document(j.doc)
	if err != nil {
		return q.record(ctx, j.ID, held, fact{Why: "the document cannot be read: " + err.Error()})
	}
	if err := q.record(ctx, j.ID, started, fact{}); err != nil {
		return err
	}
	res, err := q.o.Printer.Print(ctx, q.mark(doc, j))
	step.At("slip out")
	var maybe *printer.UnconfirmedError
	switch {
	case err == nil:
		if len(res.Missing) > 0 {
			q.o.Log.Warn("slip has characters that the printer does not", "slip", j.ID, "characters", string(res.Missing))
		}
		return q.record(ctx, j.ID, printed, fact{Confirmed: res.Confirmed, Missing: string(res.Missing)})
	case errors.As(err, &maybe):
		return errors.Join(err, q.record(ctx, j.ID, unsure, fact{Why: maybe.Cause.Error()}))
	default:
		return errors.Join(err, q.record(ctx, j.ID, stopped, fact{Why: err.Error()}))
	}
}

// marks are what stands above a slip that is not the first of its kind, or not of this hour.
var marks = map[string]struct{ again, late string }{
	"zh": {"*** 重打印 ***", "*** 补打 %s ***"},
	"en": {"*** REPRINT ***", "*** PRINTED LATE %s ***"},
}

// mark says on the slip that it may be there twice, or that it comes late. The payment's own time stands below.
func (q *Queue) mark(doc printer.Document, j job) printer.Document {
	words, ok := marks[doc.Language]
	if !ok {
		words = marks["en"]
	}
	var above []printer.Line
	add := func(text string) {
		above = append(above, printer.Line{Align: printer.Center, Runs: []printer.Run{{Text: text, Bold: true}}})
	}
	if j.Unsure > 0 {
		add(words.again)
	}
	if now := q.o.Now(); now.After(j.NotAfter) {
		add(fmt.Sprintf(words.late, now.Format("2006-01-02 15:04")))
	}
	doc.Lines = append(above, doc.Lines...)
	return doc
}
