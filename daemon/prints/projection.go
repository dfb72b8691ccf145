package prints

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// The kinds of event.
const (
	queued   = "print_queued"
	started  = "print_started" // the first byte may have left
	window   = "print_window"  // bytes of a further window may have left
	stopped  = "print_stopped" // nothing came out
	unsure   = "print_unsure"  // some of it may have come out
	printed  = "print_done"
	held     = "print_held"
	released = "print_released"
	recalled = "print_recalled" // by its till, before it was begun
)

const subjectPrefix = "print/"

// fact is the body of every kind of event.
type fact struct {
	Document  *printer.Document    `json:"document,omitempty"` // of a slip; a till's content is never in the journal
	Client    string               `json:"client,omitempty"`   // whose job it is; "" for a slip
	Sum       string               `json:"sum,omitempty"`      // of a till's content
	Window    int                  `json:"window,omitempty"`
	Torn      bool                 `json:"torn,omitempty"` // an incomplete print may hang out of the printer
	NotAfter  time.Time            `json:"not_after,omitzero"`
	Confirmed printer.Confirmation `json:"confirmed,omitempty"`
	Missing   string               `json:"missing,omitempty"`
	Drawn     string               `json:"drawn,omitempty"`
	Why       string               `json:"why,omitempty"`
	Quiet     bool                 `json:"quiet,omitempty"` // unsure: the printer was well, and did not say
	Again     time.Time            `json:"again,omitzero"`  // unsure: not tried before
}

func entry(id, kind string, f fact) journal.Entry {
	return journal.Entry{Subject: subjectPrefix + id, Kind: kind, Body: f}
}

// job is a row of the table.
type job struct {
	Job
	sum       string // of a till's content
	sending   bool   // started, and not ended
	try       int64  // number of the event that started it last
	startedAt time.Time
	windows   int    // of that try, that may have left
	torn      bool   // at that try an incomplete print may have hung out of the printer
	doc       string // a slip's; empty once printed
}

// Projection is to be registered when the journal is opened.
func Projection() journal.Projection { return projection{} }

// projection keeps one row per job.
type projection struct{}

var _ journal.Knowing = projection{}

// Name prefixes the table.
func (projection) Name() string { return "prints" }

// Tables are those that folding the events derives.
func (projection) Tables() []string { return []string{"prints_job"} }

// Schema is the table's definition. Times are milliseconds since 1970; 0 is none.
func (projection) Schema() string {
	return `
CREATE TABLE prints_job (id TEXT PRIMARY KEY, seq INTEGER, client TEXT, sum TEXT, state TEXT, sending INTEGER, try INTEGER,
  started_at INTEGER, windows INTEGER, torn INTEGER, queued_at INTEGER, not_after INTEGER, ended_at INTEGER,
  confirmed TEXT, missing TEXT, drawn TEXT, unsure INTEGER, quiet INTEGER, again INTEGER, released INTEGER, why TEXT, doc TEXT) WITHOUT ROWID;
CREATE INDEX prints_job_state ON prints_job (state, seq);
CREATE INDEX prints_job_begun ON prints_job (seq) WHERE sending = 1;
CREATE TABLE IF NOT EXISTS prints_content (id TEXT PRIMARY KEY, doc TEXT) WITHOUT ROWID;`
}

// changes are what each kind of event does to its row.
var changes = map[string]string{
	started:  `sending = 1, try = ?, started_at = ?, torn = ?, windows = 1, again = 0`,
	window:   `windows = ?`,
	stopped:  `sending = 0, why = ?`,
	unsure:   `sending = 0, unsure = unsure + 1, quiet = quiet + ?, again = ?, released = 0, why = ?`,
	printed:  `sending = 0, state = 'printed', doc = '', why = '', ended_at = ?, confirmed = ?, missing = ?, drawn = ?`,
	held:     `sending = 0, state = 'held', released = 0, ended_at = ?, why = ?`,
	released: `state = 'waiting', released = 1, again = 0`,
	recalled: `state = 'recalled', ended_at = ?, why = ''`,
}

// values are what stands for the question marks of changes.
func values(e journal.Event, f fact) []any {
	switch e.Kind {
	case started:
		return []any{e.Seq, e.Time.UnixMilli(), f.Torn}
	case window:
		return []any{f.Window}
	case stopped:
		return []any{f.Why}
	case unsure:
		return []any{f.Quiet, milli(f.Again), f.Why}
	case printed:
		return []any{e.Time.UnixMilli(), string(f.Confirmed), f.Missing, f.Drawn}
	case recalled:
		return []any{e.Time.UnixMilli()}
	case held:
		return []any{e.Time.UnixMilli(), f.Why}
	default:
		return nil
	}
}

// prefixes are those of the kinds of event that are ours, in this posd and in newer ones.
const (
	printPrefix  = "print_"
	drawerPrefix = "drawer_"
)

// Knows tells an event that a newer posd wrote about prints or the drawer.
func (projection) Knows(kind string) bool {
	_, changed := changes[kind]
	switch kind {
	case queued, drawerOrdered, drawerOpened, drawerUnsure, drawerFailed:
		return true
	}
	return changed || !strings.HasPrefix(kind, printPrefix) && !strings.HasPrefix(kind, drawerPrefix)
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
	if e.Kind == queued {
		return enqueue(tx, id, e, f)
	}
	return tx.Exec(`UPDATE prints_job SET `+change+` WHERE id = ?`, append(values(e, f), id)...)
}

func enqueue(tx *journal.Tx, id string, e journal.Event, f fact) error {
	doc := ""
	if f.Document != nil {
		text, err := json.Marshal(f.Document)
		if err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
		doc = string(text)
	}
	return tx.Exec(`INSERT INTO prints_job VALUES (?, ?, ?, ?, 'waiting', 0, 0, 0, 0, 0, ?, ?, 0, '', '', '', 0, 0, 0, 0, '', ?)`,
		id, e.Seq, f.Client, f.Sum, e.Time.UnixMilli(), milli(f.NotAfter), doc)
}

const (
	known = `SELECT id, client, sum, state, sending, try, started_at, windows, torn, queued_at, not_after, ended_at,
  confirmed, missing, drawn, unsure, quiet, again, released, why`
	columns     = known + `, doc FROM prints_job`
	withoutText = known + `, '' FROM prints_job`
)

// row is what can be scanned.
type row interface{ Scan(dest ...any) error }

func scan(r row) (j job, err error) {
	var queuedAt, notAfter, startedAt, endedAt, again int64
	err = r.Scan(&j.ID, &j.Client, &j.sum, &j.State, &j.sending, &j.try, &startedAt, &j.windows, &j.torn, &queuedAt,
		&notAfter, &endedAt, &j.Confirmed, &j.Missing, &j.Drawn, &j.Unsure, &j.Quiet, &again, &j.Released, &j.Why, &j.doc)
	j.QueuedAt, j.NotAfter, j.startedAt, j.Again = at(queuedAt), at(notAfter), at(startedAt), at(again)
	if j.State == Printed {
		j.PrintedAt = at(endedAt)
	}
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

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
