package prints

import (
	"encoding/json"
	"fmt"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// The kinds of event.
const (
	queued   = "print_queued"
	started  = "print_started" // the first byte may have left
	stopped  = "print_stopped" // nothing came out
	unsure   = "print_unsure"  // some of it may have come out
	printed  = "print_done"
	held     = "print_held"
	released = "print_released"
)

const subjectPrefix = "print/"

// fact is the body of every kind of event.
type fact struct {
	Document  *printer.Document    `json:"document,omitempty"`
	NotAfter  time.Time            `json:"not_after,omitzero"`
	Confirmed printer.Confirmation `json:"confirmed,omitempty"`
	Missing   string               `json:"missing,omitempty"`
	Why       string               `json:"why,omitempty"`
}

func entry(id, kind string, f fact) journal.Entry {
	return journal.Entry{Subject: subjectPrefix + id, Kind: kind, Body: f}
}

// job is a row of the table.
type job struct {
	Job
	sending bool   // started, and not ended
	doc     string // empty once printed
}

// Projection is to be registered when the journal is opened.
func Projection() journal.Projection { return projection{} }

// projection keeps one row per job.
type projection struct{}

// Name prefixes the table.
func (projection) Name() string { return "prints" }

// Tables are those that folding the events derives.
func (projection) Tables() []string { return []string{"prints_job"} }

// Schema is the table's definition. Times are milliseconds since 1970; 0 is none.
func (projection) Schema() string {
	return `
CREATE TABLE prints_job (id TEXT PRIMARY KEY, seq INTEGER, state TEXT, sending INTEGER, queued_at INTEGER,
  not_after INTEGER, printed_at INTEGER, confirmed TEXT, unsure INTEGER, released INTEGER, why TEXT, doc TEXT) WITHOUT ROWID;
CREATE INDEX prints_job_state ON prints_job (state, seq);`
}

// changes are what each kind of event does to its row.
var changes = map[string]string{
	started:  `sending = 1`,
	stopped:  `sending = 0`,
	unsure:   `sending = 0, unsure = unsure + 1, released = 0`,
	printed:  `sending = 0, state = 'printed', doc = '', why = ''`,
	held:     `sending = 0, state = 'held', released = 0`,
	released: `state = 'waiting', released = 1`,
}

// Fold applies one event.
func (projection) Fold(tx *journal.Tx, e journal.Event) error {
	change, ours := changes[e.Kind]
	if !ours && e.Kind != queued {
		return nil
	}
	var f fact
	if err := json.Unmarshal(e.Body, &f); err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	id := e.Subject[len(subjectPrefix):]
	switch e.Kind {
	case queued:
		doc, err := json.Marshal(f.Document)
		if err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
		return tx.Exec(`INSERT INTO prints_job VALUES (?, ?, 'waiting', 0, ?, ?, 0, '', 0, 0, '', ?)`,
			id, e.Seq, e.Time.UnixMilli(), f.NotAfter.UnixMilli(), string(doc))
	case printed:
		return tx.Exec(`UPDATE prints_job SET `+change+`, printed_at = ?, confirmed = ? WHERE id = ?`,
			e.Time.UnixMilli(), string(f.Confirmed), id)
	case stopped, unsure, held:
		return tx.Exec(`UPDATE prints_job SET `+change+`, why = ? WHERE id = ?`, f.Why, id)
	default:
		return tx.Exec(`UPDATE prints_job SET `+change+` WHERE id = ?`, id)
	}
}

const columns = `SELECT id, state, sending, queued_at, not_after, printed_at, confirmed, unsure, released, why, doc FROM prints_job`

// row is what can be scanned.
type row interface{ Scan(dest ...any) error }

func scan(r row) (j job, err error) {
	var queuedAt, notAfter, printedAt int64
	err = r.Scan(&j.ID, &j.State, &j.sending, &queuedAt, &notAfter, &printedAt, &j.Confirmed, &j.Unsure, &j.Released,
		&j.Why, &j.doc)
	j.QueuedAt, j.NotAfter, j.PrintedAt = at(queuedAt), at(notAfter), at(printedAt)
	return j, err
}

func load(tx *journal.Tx, id string) (job, error) {
	return scan(tx.QueryRow(columns+" WHERE id = ?", id))
}

func at(milli int64) time.Time {
	if milli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milli)
}
