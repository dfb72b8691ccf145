// Package prints is the print queue on disk: printed means printed.
//
// Slips, and the jobs of tills, are printed in order, each once. They wait while the printer cannot print; a slip is held
// after its time until somebody asks for it. When posd or the printer died in the middle, the printer is asked what is on
// paper, and the rest is printed; if it cannot say, all is printed again and says so. A slip does not wait for a till's job
// that the printer has failed at. A printer's trouble never touches money.
//
// A slip's document is in the journal, and masked. What tills print is not: it is kept beside, and deleted in time.
package prints

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
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
	Held    State = "held"     // too late to come out by itself, or given up: until Release
	Taken   State = "recalled" // by its till, before it was begun
)

// Job is one slip, or what a till wants printed.
type Job struct {
	ID        string
	Client    string // the till whose job it is; "" for a slip
	State     State
	QueuedAt  time.Time
	NotAfter  time.Time // when it stops coming out by itself; zero: never
	PrintedAt time.Time // zero until printed
	Confirmed printer.Confirmation
	Missing   string    // printed: characters that nobody has
	Drawn     string    // printed: characters that the printer does not have, printed as pictures
	Unsure    int       // how often nobody knew whether it came out
	Quiet     int       // how many of these times the printer was well, and never said anything
	Again     time.Time // waiting: when it is tried again, after the printer was lost in it once more
	Why       string    // not printed: what keeps it, where that is known
	Released  bool      // somebody has asked for it
}

// GivenUp tells that nobody knows whether the slip came out, as often as it was tried: it is likely on paper.
func (j Job) GivenUp() bool { return j.State == Held && (j.Quiet >= maxQuiet || j.Unsure >= maxUnsure) }

// Rests tells that the printer was lost in it so often that it is tried now and then only.
func (j Job) Rests() bool { return j.State == Waiting && !j.Again.IsZero() }

// ErrNoJob says that there is no such job, or none that is held.
var ErrNoJob = errors.New("no such print job")

const (
	pollEvery   = 2 * time.Second // how often a printer that cannot print is looked at again
	askLimit    = 5 * time.Second // for its status
	recordLimit = 5 * time.Second // for writing what became of a slip when posd is being stopped
	maxQuiet    = 3               // prints that a printer that is well did not confirm, then the slip is held: it would eat all paper
	maxUnsure   = 6               // tries of a slip of unknown outcome, then it does not come out with the next sale's
)

// Options say what the queue works with. All but Log and OnChange are required.
type Options struct {
	Journal  *journal.Journal // opened with Projection
	Printer  printer.Printer
	Now      func() time.Time
	Keep     time.Duration // how long a till's content stays on disk after its end
	Language string        // of the marks, where a document says none
	Log      *slog.Logger
	OnChange func(Job) // told after each change is on disk; must return at once
}

// Queue is the print queue. Its methods may be called by many goroutines; Run prints.
type Queue struct {
	o    Options
	wake chan struct{} // buffered: something has changed
	torn bool          // an incomplete print may hang out of the printer; owned by Run

	fresh atomic.Pointer[string] // the job that was begun as it was queued, until Run has it

	mu   sync.Mutex
	why  string        // guarded by mu: what keeps the first job
	news chan struct{} // guarded by mu: closed when something has become of a job
}

// New makes a queue on a journal.
func New(o Options) *Queue {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnChange == nil {
		o.OnChange = func(Job) {}
	}
	return &Queue{o: o, wake: make(chan struct{}, 1), news: make(chan struct{})}
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
	late, err := q.heldSlips(ctx)
	for _, id := range late {
		err = errors.Join(err, q.Release(ctx, id))
	}
	return err
}

// heldSlips are the slips that are held and not given up, in their order.
func (q *Queue) heldSlips(ctx context.Context) (ids []string, err error) {
	err = q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		rows, err := tx.Query(`SELECT id FROM prints_job WHERE state = 'held' AND client = '' AND quiet < ? AND unsure < ? ORDER BY seq`, maxQuiet, maxUnsure)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
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
	if why := q.keeps(); err == nil && j.State == Waiting && why != "" {
		j.Why = why
	}
	return j.Job, err
}

// Open lists the jobs that are not printed, in their order.
func (q *Queue) Open(ctx context.Context) ([]Job, error) {
	var all []Job
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		rows, err := tx.Query(withoutText + " WHERE state IN ('waiting', 'held') ORDER BY seq")
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
		if all[i].State == Waiting && !all[i].Rests() {
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

// calm tells that nothing keeps the printer from printing, as far as is known.
func (q *Queue) calm() bool { return q.keeps() == "" }

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
	q.tell(context.WithoutCancel(ctx), id)
}

// tell tells of a job whoever follows the queue, or waits for the job.
func (q *Queue) tell(ctx context.Context, id string) {
	q.mu.Lock()
	close(q.news)
	q.news = make(chan struct{})
	q.mu.Unlock()
	if j, err := q.Job(ctx, id); err == nil {
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
	q.tell(ctx, id)
	return nil
}

// errUnreadable says that a document is not what was queued, or not there.
var errUnreadable = errors.New("the document cannot be read")

// document reads the document of a job.
func (q *Queue) document(ctx context.Context, j job) (d printer.Document, err error) {
	text := j.doc
	if j.Client != "" {
		err = q.o.Journal.View(ctx, func(tx *journal.Tx) error {
			return tx.QueryRow(`SELECT doc FROM prints_content WHERE id = ?`, j.ID).Scan(&text)
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		return d, errUnreadable
	}
	if err != nil {
		return d, err
	}
	if json.Unmarshal([]byte(text), &d) != nil { // whose error quotes it
		return d, errUnreadable
	}
	return d, nil
}
