package prints

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"posd/daemon/journal"
	"posd/daemon/step"
	"posd/drivers/printer"
)

// Run prints until ctx ends. It owns the printing: one Run per queue. After a crash it begins as it always does: of a job
// that was started and not ended the printer is asked.
func (q *Queue) Run(ctx context.Context) {
	var forgetting sync.WaitGroup
	forgetting.Go(func() { q.forgetting(ctx) })
	defer forgetting.Wait()
	q.torn = q.mayBeTorn(ctx)
	for ctx.Err() == nil {
		done, err := q.once(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			if q.keep(err.Error()) {
				q.o.Log.Warn("slip waits", "err", err)
			}
			q.pause(ctx, pollEvery)
		case done:
			q.keep("")
		default:
			q.keep("")
			q.pause(ctx, q.nap(ctx))
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

// once brings the first waiting job one step further. done is false when there is none, or none but those that rest. An error means: try again in a
// while; no paper was used, or the job says that it may have been.
func (q *Queue) once(ctx context.Context) (done bool, err error) {
	j, err := q.first(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	fresh := q.takeFresh(j.ID)
	switch {
	case fresh: // whoever prints it looks at the printer
		return true, q.print(ctx, j, 0)
	case j.sending:
		if err := q.able(ctx); err != nil {
			return true, err
		}
		return true, q.print(ctx, j, j.windows)
	case j.Quiet >= maxQuiet && !j.Released:
		q.o.Log.Warn("slip given up: the printer never confirms", "slip", j.ID, "tries", j.Quiet)
		return true, q.record(ctx, j.ID, held, fact{Why: "the printer never said whether it came out"})
	case !j.Released && q.late(j, q.o.Now()):
		return true, q.record(ctx, j.ID, held, fact{Why: cmp.Or(q.keeps(), j.Why)})
	}
	if err := q.able(ctx); err != nil {
		return true, err
	}
	if j, err = q.start(ctx, j); errors.Is(err, ErrNoJob) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	return true, q.print(ctx, j, 0)
}

func (q *Queue) late(j job, now time.Time) bool { return !j.NotAfter.IsZero() && now.After(j.NotAfter) }

// first is the job that was begun, or else the oldest that waits and does not rest; a slip goes before a till's job that the
// printer has failed at.
func (q *Queue) first(ctx context.Context) (j job, err error) {
	const begun, waiting = columns + ` INDEXED BY prints_job_begun WHERE sending = 1 LIMIT 1`, columns + ` WHERE state = 'waiting' AND NOT ` + rests
	now := q.o.Now()
	err = q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		j, err = scan(tx.QueryRow(begun))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		j, err = scan(tx.QueryRow(waiting+` ORDER BY seq LIMIT 1`, milli(now), milli(now.Add(longestRest))))
		if err != nil || j.Client == "" || j.Unsure == 0 {
			return err
		}
		slip, err := scan(tx.QueryRow(waiting+` AND client = '' ORDER BY seq LIMIT 1`, milli(now), milli(now.Add(longestRest))))
		if err == nil {
			j = slip
		}
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return j, err
}

// mayBeTorn tells whether a job may have ended on paper before its time. It is careful: a cut too many costs little.
func (q *Queue) mayBeTorn(ctx context.Context) bool {
	n := 0
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		return tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM prints_job WHERE state = 'waiting' AND unsure > 0)`).Scan(&n)
	})
	return err == nil && n > 0
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

// start records that a job is begun, before its first byte leaves.
func (q *Queue) start(ctx context.Context, j job) (job, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	err := q.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		now, err := load(tx, j.ID)
		if err == nil && now.State != Waiting { // its till has taken it back meanwhile
			err = ErrNoJob
		}
		if err != nil {
			return err
		}
		return tx.Append(entry(j.ID, started, fact{Torn: q.torn}))
	})
	if err != nil {
		return j, fmt.Errorf("record %s of slip %s: %w", started, j.ID, err)
	}
	q.tell(ctx, j.ID)
	err = q.o.Journal.View(ctx, func(tx *journal.Tx) (err error) {
		j, err = load(tx, j.ID)
		return err
	})
	return j, err
}

// print sends a job whose begin is on disk; behind what is on paper, when windows of it may have left before.
func (q *Queue) print(ctx context.Context, j job, begun int) error {
	doc, err := q.document(ctx, j)
	if errors.Is(err, errUnreadable) {
		return q.record(ctx, j.ID, held, fact{Why: err.Error()})
	}
	if err != nil {
		return err
	}
	try := printer.Try{
		Tag: fmt.Sprint(j.ID, " ", j.try), Begun: begun,
		Begin: func(ctx context.Context, n int) error { return q.record(ctx, j.ID, window, fact{Window: n}) },
	}
	res, err := printer.PrintTry(ctx, q.o.Printer, q.mark(doc, j), try)
	step.At("slip out")
	var maybe *printer.UnconfirmedError
	switch {
	case err == nil:
		if n := len(res.Missing); n > 0 {
			q.o.Log.Warn("slip has characters that the printer does not", "slip", j.ID, "characters", n)
		}
		q.torn = false
		return q.record(ctx, j.ID, printed, fact{Confirmed: res.Confirmed, Missing: string(res.Missing), Drawn: string(res.Drawn)})
	case errors.Is(err, printer.ErrCannotSay):
		return q.unsure(ctx, j, err)
	case errors.As(err, &maybe) || begun > 0:
		return err // it stays begun: the printer will be asked how far it came
	default:
		return errors.Join(err, q.record(ctx, j.ID, stopped, fact{Why: err.Error()}))
	}
}

// marks are what stands above a slip that is not the first of its kind, or not of this hour, and below one that may have
// ended too early.
var marks = map[string]struct{ again, late, torn string }{
	"zh": {"*** 重打印 ***", "*** 补打 %s ***", "*** 如不完整，以重打印为准 ***"},
	"en": {"*** REPRINT ***", "*** PRINTED LATE %s ***", "*** IF CUT SHORT, SEE REPRINT ***"},
}

// mark says on the slip that it may be there twice, or that it comes late. The payment's own time stands below. What may
// hang out of the printer is cut off before. It depends on the job only: who goes on with a job needs the same bytes.
func (q *Queue) mark(doc printer.Document, j job) printer.Document {
	words, ok := marks[doc.Language]
	if !ok {
		words, ok = marks[q.o.Language]
	}
	if !ok {
		words = marks["en"]
	}
	var above []printer.Line
	add := func(text string) {
		above = append(above, printer.Line{Align: printer.Center, Runs: []printer.Run{{Text: text, Bold: true}}})
	}
	if j.torn {
		add(words.torn)
		above = append(above, printer.Line{Kind: printer.Cut})
	}
	if j.Unsure > 0 {
		add(words.again)
		doc.Lines = slices.DeleteFunc(slices.Clone(doc.Lines), func(l printer.Line) bool { return l.Kind == printer.Drawer })
	}
	if q.late(j, j.startedAt) {
		add(fmt.Sprintf(words.late, j.startedAt.Format("2006-01-02 15:04")))
	}
	doc.Lines = append(above, doc.Lines...)
	return doc
}
