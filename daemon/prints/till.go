package prints

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// maxWaiting is how many jobs of tills may wait.
const maxWaiting = 100

// Errors of PutJob.
var (
	ErrOther = errors.New("another content was sent under this id")
	ErrFull  = errors.New("too many print jobs wait")
	ErrBegun = errors.New("the print job was begun") // of Recall
	ErrRoom  = errors.New("the journal's disk is nearly full")
)

// Result is what a till is told of its job.
type Result string

// The results.
const (
	Confirmed  Result = "confirmed"         // the printer said that it is on paper
	Sent       Result = "sent, unconfirmed" // the printer took it, and cannot say more
	Failed     Result = "failed"            // given up, or taken back when some of it was printed; Why says how far it came
	StillWaits Result = "waiting"
	Recalled   Result = "recalled" // by its till: nothing of it was printed, and nothing will be
	jobPrefix         = "job/"
)

// How often it is looked for contents that are kept too long.
const (
	forgetEvery   = 10 * time.Minute
	forgetSoonest = 10 * time.Second
)

// Result is what a till is told.
func (j Job) Result() Result {
	switch {
	case j.State == Printed && j.Confirmed == printer.Unconfirmed:
		return Sent
	case j.State == Printed:
		return Confirmed
	case j.State == Held:
		return Failed
	case j.State == Taken:
		return Recalled
	default:
		return StillWaits
	}
}

// Name is the id that the till has given it; that of a slip is made by posd.
func (j Job) Name() string { return strings.TrimPrefix(j.ID, jobPrefix+j.Client+"/") }

func jobID(client, id string) string { return jobPrefix + client + "/" + id }

// PutJob queues what a till wants printed. It is durable when PutJob returns. The same content under the same id is the same
// job, however often and late it comes; another one is ErrOther. Its other errors are *ContentError, ErrFull, ErrRoom and
// the journal's. What is left of a disk is for the results and reversals of payments.
func (q *Queue) PutJob(ctx context.Context, client, id string, c Content) (Job, error) {
	doc, sum, err := c.Read()
	if err != nil {
		return Job{}, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return Job{}, err
	}
	if full := q.o.Journal.Room(); full != nil {
		if _, err := q.TillJob(ctx, client, id); errors.Is(err, ErrNoJob) {
			return Job{}, fmt.Errorf("%w: %w", ErrRoom, full)
		}
	}
	w := wish{id: jobID(client, id), client: client, sum: sum, text: string(text)}
	added := false
	err = q.o.Journal.Update(ctx, func(tx *journal.Tx) (err error) {
		added, err = q.add(tx, &w)
		return err
	})
	if err != nil {
		if w.begun {
			q.takeFresh(w.id)
		}
		return Job{}, fmt.Errorf("queue print job %s: %w", id, err)
	}
	if added {
		q.changed(ctx, w.id)
	}
	return q.TillJob(ctx, client, id)
}

// TillJob gives one job of a till; ErrNoJob if it has none of that id.
func (q *Queue) TillJob(ctx context.Context, client, id string) (Job, error) {
	return q.Job(ctx, jobID(client, id))
}

// Wait gives a job of a till when its result is known, or as it is when limit is over; with the error of ctx when that ends.
func (q *Queue) Wait(ctx context.Context, client, id string, limit time.Duration) (Job, error) {
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		q.mu.Lock()
		news := q.news // before the look: what happens after it is no news missed
		q.mu.Unlock()
		j, err := q.TillJob(ctx, client, id)
		if err != nil || j.Result() != StillWaits {
			return j, err
		}
		select {
		case <-news:
		case <-over.C:
			return j, nil
		case <-ctx.Done():
			return j, ctx.Err()
		}
	}
}

// Recall takes back a job of which nothing was printed: nothing will be, and its content is deleted at once. A job that was
// taken back already is as it was. One that rests is given up, and its Why says that some of it may be on paper. ErrBegun: some
// of it is on paper, or may be; ErrNoJob if there is none.
func (q *Queue) Recall(ctx context.Context, client, id string) (Job, error) {
	name, done := jobID(client, id), false
	err := q.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		j, err := load(tx, name)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNoJob
		case err != nil || j.State == Taken || j.State == Held && j.Why == takenBack:
			return err
		case j.State != Waiting || j.sending || j.Unsure > 0 && !j.Rests():
			return ErrBegun
		}
		if err := tx.Append(takeBack(j)); err != nil {
			return err
		}
		done = true
		return tx.Exec(`DELETE FROM prints_content WHERE id = ?`, name)
	})
	if err != nil {
		return Job{}, fmt.Errorf("recall print job %s: %w", id, err)
	}
	if done {
		q.changed(ctx, name)
	}
	return q.TillJob(ctx, client, id)
}

// wish is a till's job that is about to be queued.
type wish struct {
	id, client, sum, text string
	begun                 bool // in the commit that queues it
}

// add queues a job. Where nothing else waits it is begun in the same commit: its first byte needs no other.
func (q *Queue) add(tx *journal.Tx, w *wish) (added bool, err error) {
	switch old, err := load(tx, w.id); {
	case err == nil && old.sum != w.sum:
		return false, ErrOther
	case err == nil || !errors.Is(err, sql.ErrNoRows):
		return false, err
	}
	var all, tills int
	if err := tx.QueryRow(`SELECT count(*), count(nullif(client, '')) FROM prints_job WHERE state = 'waiting'`).Scan(&all, &tills); err != nil {
		return false, err
	}
	if tills >= maxWaiting {
		return false, ErrFull
	}
	if err := tx.Append(entry(w.id, queued, fact{Client: w.client, Sum: w.sum})); err != nil {
		return false, err
	}
	if err := tx.Exec(`INSERT OR REPLACE INTO prints_content VALUES (?, ?)`, w.id, w.text); err != nil {
		return false, err
	}
	if all > 0 || !q.calm() {
		return true, nil
	}
	w.begun = true
	q.fresh.Store(&w.id) // before the commit: Run must not take it for one of before a restart
	return true, tx.Append(entry(w.id, started, fact{}))
}

// takeFresh tells whether a job was begun in the commit that queued it, and nothing of it has left yet. It says so once.
func (q *Queue) takeFresh(id string) bool {
	f := q.fresh.Load()
	return f != nil && *f == id && q.fresh.CompareAndSwap(f, nil)
}

// forgetting deletes contents that were kept for their time, until ctx ends.
func (q *Queue) forgetting(ctx context.Context) {
	tick := time.NewTicker(min(forgetEvery, max(q.o.Keep/8, forgetSoonest)))
	defer tick.Stop()
	for {
		if err := q.forget(ctx); err != nil && ctx.Err() == nil {
			q.o.Log.Warn("contents of print jobs could not be deleted; tried again", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// forgotten selects the contents of jobs that did not end between two times. The plus keeps SQLite to the contents that are
// there: there are far more jobs that have none any more.
const forgotten = ` FROM prints_content AS c WHERE EXISTS (SELECT 1 FROM prints_job j
  WHERE j.id = c.id AND +j.state IN ('printed', 'held') AND j.client <> '' AND j.ended_at NOT BETWEEN ? AND ?)`

// forget deletes the contents of jobs that ended longer than Keep ago, or, since the clock was set back, will have ended longer
// than Keep from now. The journal never had them: what is deleted is gone.
func (q *Queue) forget(ctx context.Context) error {
	now := q.o.Now()
	from, to := now.Add(-q.o.Keep).UnixMilli()+1, now.Add(q.o.Keep).UnixMilli()
	n := 0
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) error { return tx.QueryRow(`SELECT count(*)`+forgotten, from, to).Scan(&n) })
	if err != nil || n == 0 {
		return err
	}
	return q.o.Journal.Update(ctx, func(tx *journal.Tx) error { return tx.Exec(`DELETE`+forgotten, from, to) })
}
