// Package prints is the print queue on disk: printed means printed.
//
// Slips are printed in order, each once. A slip waits while the printer cannot print; after its time it is held until
// somebody asks for it. Whether a slip came out when posd or the printer died in the middle nobody knows: it is printed
// again and says so. A printer's trouble never touches money.
package prints

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// State is where a job stands.
type State string

// The states.
const (
	Waiting State = "waiting" // for its turn, or for the printer
	Printed State = "printed"
	Held    State = "held" // too late to come out by itself, or given up: until Release
)

// Job is one slip.
type Job struct {
	ID        string
	State     State
	QueuedAt  time.Time
	NotAfter  time.Time // when it stops coming out by itself
	PrintedAt time.Time // zero until printed
	Confirmed printer.Confirmation
	Unsure    int    // how often nobody knew whether it came out
	Why       string // not printed: what keeps it, where that is known
	Released  bool   // somebody has asked for it
}

// GivenUp tells that the printer never said whether the slip came out, as often as it was tried: it is likely on paper.
func (j Job) GivenUp() bool { return j.State == Held && j.Unsure >= maxUnsure }

// ErrNoJob says that there is no such job, or none that is held.
var ErrNoJob = errors.New("no such print job")

const (
	pollEvery   = 2 * time.Second // how often a printer that cannot print is looked at again
	askLimit    = 5 * time.Second // for its status
	recordLimit = 5 * time.Second // for writing what became of a slip when posd is being stopped
	maxUnsure   = 3               // reprints of unknown outcome, then the slip is held: a printer that never confirms eats paper
)

// Options say what the queue works with. All but Log and OnChange are required.
type Options struct {
	Journal  *journal.Journal // opened with Projection
	Printer  printer.Printer
	Now      func() time.Time
	Log      *slog.Logger
	OnChange func(Job) // told after each change is on disk; must return at once
}

// Queue is the print queue. Its methods may be called by many goroutines; Run prints.
type Queue struct {
	o    Options
	wake chan struct{} // buffered: something has changed

	mu  sync.Mutex
	why string // guarded by mu: what keeps the first job
}

// New makes a queue on a journal.
func New(o Options) *Queue {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnChange == nil {
		o.OnChange = func(Job) {}
	}
	return &Queue{o: o, wake: make(chan struct{}, 1)}
}

// Put queues a slip. It is durable when Put returns. A job with that id that is there already is left as it is, so
// putting it again is harmless. After notAfter it no longer comes out by itself.
func (q *Queue) Put(ctx context.Context, id string, doc printer.Document, notAfter time.Time) error {
	added := false
	err := q.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := load(tx, id)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		added = true
		return tx.Append(entry(id, queued, fact{Document: &doc, NotAfter: notAfter}))
	})
	if err != nil {
		return fmt.Errorf("queue slip %s: %w", id, err)
	}
	if added {
		q.changed(ctx, id)
	}
	return nil
}

// Release lets a held job be printed although it is late; it will say so. ErrNoJob if it is not held.
func (q *Queue) Release(ctx context.Context, id string) error {
	err := q.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		j, err := load(tx, id)
		if errors.Is(err, sql.ErrNoRows) || err == nil && j.State != Held {
			return ErrNoJob
		}
		if err != nil {
			return err
		}
		return tx.Append(entry(id, released, fact{}))
	})
	if err != nil {
		return fmt.Errorf("release slip %s: %w", id, err)
	}
	q.changed(ctx, id)
	return nil
}

// ReleaseLate releases the jobs that are held because they are late. Those that were given up stay held: a printer that
// never confirms would print them all again each time.
func (q *Queue) ReleaseLate(ctx context.Context) error {
	jobs, err := q.Open(ctx)
	for _, j := range jobs {
		if j.State == Held && !j.GivenUp() {
			err = errors.Join(err, q.Release(ctx, j.ID))
		}
	}
	return err
}

// Job gives one job; ErrNoJob if there is none.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	var j job
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) (err error) {
		j, err = load(tx, id)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, ErrNoJob
	}
	return j.Job, err
}

// Open lists the jobs that are not printed, in their order.
func (q *Queue) Open(ctx context.Context) ([]Job, error) {
	var all []Job
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		rows, err := tx.Query(columns + " WHERE (state < 'printed' OR state > 'printed') ORDER BY seq")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			j, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, j.Job)
		}
		return rows.Err()
	})
	for i := range all {
		if all[i].State == Waiting {
			all[i].Why = q.keeps()
			break
		}
	}
	return all, err
}

// Wake makes Run look at the printer now: it has changed.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// keeps is what keeps the first waiting job.
func (q *Queue) keeps() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.why
}

// keep notes what keeps the first job, and tells whether that is something new.
func (q *Queue) keep(why string) (changed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	changed = q.why != why
	q.why = why
	return changed
}

// changed tells of a job after a change.
func (q *Queue) changed(ctx context.Context, id string) {
	q.Wake()
	if j, err := q.Job(context.WithoutCancel(ctx), id); err == nil {
		q.o.OnChange(j)
	}
}

// record writes what became of a job, even when ctx has ended.
func (q *Queue) record(ctx context.Context, id, kind string, f fact) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	err := q.o.Journal.Update(ctx, func(tx *journal.Tx) error { return tx.Append(entry(id, kind, f)) })
	if err != nil {
		return fmt.Errorf("record %s of slip %s: %w", kind, id, err)
	}
	if j, err := q.Job(ctx, id); err == nil {
		q.o.OnChange(j)
	}
	return nil
}

// document reads a document back.
func document(text string) (d printer.Document, err error) {
	err = json.Unmarshal([]byte(text), &d)
	return d, err
}
