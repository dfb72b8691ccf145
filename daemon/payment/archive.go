package payment

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"time"

	"posd/daemon/journal"
)

// Archive is the journal as people look at it: whether it is whole, what happened, and copies of it. It moves no money.
type Archive struct{ j *journal.Journal }

// NewArchive looks at j, which must have been opened with Projection.
func NewArchive(j *journal.Journal) *Archive { return &Archive{j} }

// Archive is the desk's journal, to look at.
func (d *Desk) Archive() *Archive { return NewArchive(d.book.j) }

// Audit is what a look at the whole journal found.
type Audit struct {
	Journal  string    `json:"journal"` // its name, made with it
	Events   int64     `json:"events"`  // in a chain without a gap; after damage those before it
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	Head     string    `json:"head"`            // hash of the last of them, in hexadecimal
	Compared []string  `json:"compared"`        // tables that are what their events give
	Stale    []string  `json:"stale,omitempty"` // tables of another version of posd: the next start derives them anew
	Damage   *Damage   `json:"damage,omitempty"`
}

// Damage is what is wrong with a journal, and what to do.
type Damage struct {
	Event  int64  `json:"event,omitempty"` // the first that is wrong; 0 if it is not an event
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// Audit checks every event and every derived table. Damage stands in what it gives, and stops payments; an error says
// that nobody could look.
func (a *Archive) Audit(ctx context.Context) (Audit, error) {
	r, err := a.j.Verify(ctx)
	out := Audit{
		Journal: a.j.ID(), Events: r.Events, First: r.First, Last: r.Last, Head: hex.EncodeToString(r.Hash[:]),
		Compared: r.Projections, Stale: r.Stale,
	}
	if out.Compared == nil {
		out.Compared = []string{}
	}
	var dam *journal.DamagedError
	if errors.As(err, &dam) {
		out.Damage = &Damage{Event: dam.Seq, What: dam.What, Remedy: dam.Remedy}
		return out, nil
	}
	return out, fullProblem(err)
}

// sealedTable holds what only this machine may have: whoever gets a copy of the journal does not get it, and a key that
// is destroyed later is destroyed everywhere (rule 15).
const sealedTable = "payment_sealed"

// printsTable holds what tills print, for the time that it may be kept on this machine.
const printsTable = "prints_content"

// extract is the snapshot that leaves the house.
var extract = journal.Extract{Empty: []string{sealedTable, printsTable}, Views: views}

// Export writes a snapshot to a new file that any SQLite tool opens. Sealed card data is not in it, nor what tills print.
func (a *Archive) Export(ctx context.Context, path string) error {
	return fullProblem(a.j.Export(ctx, path, extract))
}

// Copy gives the same as an open file, until giveUp.
func (a *Archive) Copy(ctx context.Context) (f *os.File, giveUp func(), err error) {
	f, giveUp, err = a.j.Copy(ctx, extract)
	return f, giveUp, fullProblem(err)
}

// fullProblem says that there is no room for a copy, or for what it is compared with; other errors stay what they are.
func fullProblem(err error) error {
	if !errors.Is(err, journal.ErrFull) {
		return err
	}
	return &Problem{Code: "disk_full", Status: 507, Detail: err.Error(), Remedy: "free disk space; payments need what is left"}
}

// Record is an event as people and programs outside read it.
type Record struct {
	Seq     int64           `json:"seq"`
	Time    time.Time       `json:"time"`
	Subject string          `json:"subject"` // what it is about: "sale/CLIENT/SALE/ATTEMPT", "terminal/ID", "print/..."
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body"`
}

// Search says which records are wanted. The zero value wants all from the first one on.
type Search struct {
	Client  string // whose sale; "" where only one client has it
	Sale    string // its id, or the short id of its slip; "" for everything that happened
	Attempt string
	After   int64 // those of a higher number
	Last    int   // of these only so many, the newest ones; 0 for all
	Limit   int   // the most that are given at once; 0 for MaxRecords
}

// MaxRecords bounds one answer of History.
const MaxRecords = 1000

// History gives records in their order, with those of a sale's slips among them. next is where to go on from; there may
// be more as long as it is above After. A sale or attempt that is not known is a *Problem with status 404.
func (a *Archive) History(ctx context.Context, s Search) (records []Record, next int64, err error) {
	if s.Limit <= 0 || s.Limit > MaxRecords {
		s.Limit = MaxRecords
	}
	subjects := []string{""}
	if s.Sale != "" {
		if subjects, err = a.subjects(ctx, s); err != nil {
			return nil, s.After, err
		}
	}
	if s.Last > 0 {
		if s.After, err = a.before(ctx, subjects, min(s.Last, s.Limit), s.After); err != nil {
			return nil, s.After, err
		}
	}
	records, err = a.records(ctx, subjects, s.After, s.Limit)
	next = s.After
	if len(records) > 0 {
		next = records[len(records)-1].Seq
	}
	return records, next, err
}

// SaleSearch says which sales are wanted, in the order in which they were opened.
type SaleSearch struct {
	Since time.Time // only those of which an attempt was sent at this time or later; zero for all
	After int64     // those that were opened after this event
	Limit int       // the most that are given at once; 0 for MaxSales
}

// MaxSales bounds one answer of Sales.
const MaxSales = 500

// Name is the journal's own, made with it: the order numbers that it hands out begin with it.
func (a *Archive) Name() string { return a.j.ID() }

// Sales gives sales with all their attempts. next is where to go on from; there may be more as long as it is above After.
func (a *Archive) Sales(ctx context.Context, s SaleSearch) (sales []Sale, next int64, err error) {
	if s.Limit <= 0 || s.Limit > MaxSales {
		s.Limit = MaxSales
	}
	sales, next = []Sale{}, s.After // an empty list, in JSON too
	err = a.j.View(ctx, func(tx *journal.Tx) error {
		keys, last, err := salesSince(tx, s)
		if err != nil {
			return err
		}
		for _, k := range keys {
			sale, err := loadSale(tx, k.Client, k.Sale)
			if err != nil {
				return err
			}
			sales = append(sales, sale)
		}
		next = max(next, last)
		return nil
	})
	return sales, next, err
}

// What salesSince asks: for all sales, or for those of which an attempt was sent at a time or later; the attempts tell where these
// begin.
const (
	openedAfter = `SELECT client, id, seq FROM payment_sale WHERE seq > ? ORDER BY seq LIMIT ?`
	firstSince  = `SELECT coalesce(min(s.seq), 0) FROM payment_attempt a CROSS JOIN payment_sale s ON s.client = a.client AND s.id = a.sale
  WHERE a.sent_at > 0 AND a.sent_at >= ?`
	sentSince = `SELECT client, id, seq FROM payment_sale s WHERE seq > ? AND EXISTS (SELECT 1 FROM payment_attempt a
  WHERE a.client = s.client AND a.sale = s.id AND a.sent_at >= ?) ORDER BY seq LIMIT ?`
)

// salesSince also gives the number of the event that opened the last of them.
func salesSince(tx *journal.Tx, s SaleSearch) (keys []Key, last int64, err error) {
	query, args := openedAfter, []any{s.After, s.Limit}
	if !s.Since.IsZero() {
		after := s.After
		if after == 0 {
			if err := tx.QueryRow(firstSince, millis(s.Since)).Scan(&after); err != nil || after == 0 {
				return nil, 0, err
			}
			after--
		}
		query, args = sentSince, []any{after, millis(s.Since), s.Limit}
	}
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Client, &k.Sale, &last); err != nil {
			return nil, 0, err
		}
		keys = append(keys, k)
	}
	return keys, last, rows.Err()
}
