package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Report is what Verify found. After damage it tells of the events before it.
type Report struct {
	Events      int64     // in a chain without a gap
	First, Last time.Time // when the first and the last of them happened; zero if there is none
	Hash        [32]byte  // of the last one
	Projections []string  // equal to a fresh fold of all events
	Stale       []string  // not compared, since another version of this program derived them: the next start does so anew
}

// Verify checks the whole hash chain, folds all events into fresh tables in memory and compares these with the
// projections. It lets others write between pages of events, but not during the last comparison. What it finds wrong
// is a *DamagedError, and blocks the journal: nothing is to be written on top of damage. When Reopen finds the events
// whole, it derives the tables anew.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	m, err := j.newMirror()
	if err != nil {
		return Report{}, err
	}
	defer m.store.close()
	for done := false; !done && err == nil; {
		done, err = j.verifyPage(ctx, m)
	}
	m.report.Events, m.report.Hash = m.at.seq, m.at.hash
	var dam *DamagedError
	if err = explain(err); errors.As(err, &dam) && !j.opt.ReadOnly {
		j.opt.Log.Error("journal is damaged", "what", dam.fault())
		j.wrong.Store(true)
		j.blocked.Store(blockedBy(dam))
	}
	return m.report, err
}

// mirror is a second set of projections, folded from the log alone.
type mirror struct {
	store  *store
	tx     *Tx
	at     link
	report Report
}

// note tells of an event that was found good.
func (m *mirror) note(e Event) {
	if m.report.First.IsZero() {
		m.report.First = e.Time
	}
	m.report.Last = e.Time
}

func (j *Journal) newMirror() (*mirror, error) {
	s, err := openStore("", fleeting)
	if err != nil {
		return nil, err
	}
	m := &mirror{store: s, tx: &Tx{store: s, folding: true}, at: link{hash: genesis(j.ID())}}
	err = s.script("BEGIN; " + schema)
	for _, p := range j.opt.Projections {
		if err == nil {
			err = s.script(p.Schema())
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return m, nil
}

// verifyPage takes the next events; after the last one it compares, before anything can be added.
func (j *Journal) verifyPage(ctx context.Context, m *mirror) (done bool, err error) {
	err = j.View(ctx, func(tx *Tx) error {
		const q = "SELECT " + eventColumns + " FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
		rows, err := tx.Query(q, m.at.seq, pageLength)
		if err != nil {
			return err
		}
		page, bad := readEvents(rows, m.at.seq)
		for i := range page {
			if err := m.at.next(&page[i]); err != nil {
				return err
			}
			m.note(page[i])
			if err := fold(m.tx, j.opt.Projections, page[i]); err != nil {
				return err
			}
		}
		if bad != nil || len(page) == pageLength {
			return bad
		}
		done = true
		return j.compare(tx, m)
	})
	return done, err
}

// compare holds head and projections against the mirror. What a blocked journal has in memory is no measure: a commit
// that failed may be on disk.
func (j *Journal) compare(tx *Tx, m *mirror) error {
	head, err := readHead(j.store)
	if err != nil {
		return err
	}
	if err := m.at.mustBe(head); err != nil {
		return err
	}
	if j.Blocked() == nil && (m.at.seq != j.seq || m.at.hash != j.hash) {
		return damaged(min(m.at.seq, j.seq)+1, "the log ends at event %d, posd has written %d", m.at.seq, j.seq)
	}
	if j.opt.ReadOnly {
		if err := j.compareOnlyLooking(m); err != nil {
			return err
		}
	}
	if err := j.compareShapes(tx, m); err != nil {
		return err
	}
	for _, p := range j.opt.Projections {
		if slices.Contains(m.report.Stale, p.Name()) {
			continue
		}
		for _, t := range p.Tables() {
			if err := compareTable(tx, m.tx, t); err != nil {
				return err
			}
		}
		m.report.Projections = append(m.report.Projections, p.Name())
	}
	return nil
}

// compareOnlyLooking does what a start does before it verifies, and finds out which tables are another version's.
func (j *Journal) compareOnlyLooking(m *mirror) error {
	known, err := j.knownProjections()
	if err != nil {
		return err
	}
	for _, p := range j.opt.Projections {
		if known[p.Name()].digest != digest(p) {
			m.report.Stale = append(m.report.Stale, p.Name())
		}
	}
	if err := j.checkMark(); err != nil {
		return err
	}
	return j.checkPages()
}

// compareTable compares row by row, in an order that depends on nothing but the content.
func compareTable(got, want *Tx, table string) error {
	g, err := sortedRows(got, table)
	if err != nil {
		return err
	}
	defer func() { _ = g.Close() }()
	w, err := sortedRows(want, table)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	for n := 1; ; n++ {
		a, err := nextRow(g)
		if err != nil {
			return err
		}
		b, err := nextRow(w)
		if err != nil {
			return err
		}
		if a == nil && b == nil {
			return nil
		}
		if !reflect.DeepEqual(a, b) {
			return wrongTable("table %s differs from what its events give, row %d", table, n)
		}
	}
}

func sortedRows(tx *Tx, table string) (*Rows, error) {
	rows, err := tx.Query("SELECT * FROM " + table + " LIMIT 0")
	if err != nil {
		return nil, err
	}
	columns, err := rows.Columns()
	_ = rows.Close()
	if err != nil {
		return nil, err
	}
	order := make([]string, len(columns))
	for i := range columns {
		order[i] = fmt.Sprint(i + 1)
	}
	return tx.Query("SELECT * FROM " + table + " ORDER BY " + strings.Join(order, ", "))
}

// nextRow gives the next row's values, or nil after the last.
func nextRow(rows *Rows) ([]any, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			values[i] = bytes.Clone(b)
		}
	}
	return values, nil
}
