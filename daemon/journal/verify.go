package journal

import (
	"context"
	"errors"
	"slices"
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

// Verify checks the whole hash chain, folds all events into fresh tables and compares these with the projections. Others
// write meanwhile: between pages of events, and between parts of tables. Each part is compared as the events are that stand
// then. What it finds wrong is a *DamagedError, and blocks the journal: nothing is to be written on top of damage. When
// Reopen finds the events whole, it derives the tables anew. Events of a newer posd block it as well, and are a *NewerError.
// It fails with an error that wraps ErrFull when it would take the room that running payments need.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	m, err := j.mirrorFor()
	if err != nil {
		return Report{}, err
	}
	defer m.close()
	for done := false; !done && err == nil; {
		if err = j.roomLeft(m); err == nil {
			done, err = j.verifyPage(ctx, m)
		}
	}
	if err == nil {
		err = j.compareByParts(ctx, m)
	}
	m.report.Events, m.report.Hash = m.at.seq, m.at.hash
	return m.report, j.found(explain(fullMirror(err)))
}

// found blocks the journal where Verify found it damaged or of a newer posd.
func (j *Journal) found(err error) error {
	var dam *DamagedError
	var newer *NewerError
	isDamage, isNewer := errors.As(err, &dam), errors.As(err, &newer)
	if j.opt.ReadOnly || !isDamage && !isNewer {
		return err
	}
	b := blockedBy(err)
	j.opt.Log.Error("journal is blocked", "code", b.Code, "what", b.Detail)
	if isDamage {
		j.wrong.Store(true)
	}
	j.blocked.Store(b)
	if isNewer {
		return b
	}
	return err
}

// mirror is a second set of projections, folded from the log alone.
type mirror struct {
	store  *store
	path   string // of its file; "" in memory
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

// newMirror makes one in memory.
func (j *Journal) newMirror() (*mirror, error) {
	s, err := openStore("", fleeting)
	if err != nil {
		return nil, err
	}
	return j.mirrorIn(s)
}

// mirrorIn makes the empty tables. It closes the store if it cannot.
func (j *Journal) mirrorIn(s *store) (*mirror, error) {
	m := &mirror{store: s, tx: &Tx{store: s, folding: true}, at: link{hash: genesis(j.ID())}}
	err := s.script("BEGIN; " + schema)
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

// verifyPage reads the next events; they are checked and folded when others have their turn again.
func (j *Journal) verifyPage(ctx context.Context, m *mirror) (done bool, err error) {
	var page []Event
	var bad error
	err = j.View(ctx, func(tx *Tx) error {
		page, bad, err = pageAfter(tx, m.at.seq)
		return err
	})
	if err == nil {
		err = j.take(m, page)
	}
	if err == nil {
		err = bad
	}
	return len(page) < eventsAtOnce, err
}

// eventsAtOnce are read before others have their turn.
const eventsAtOnce = 100

// pageAfter gives the next events, and what is wrong with the one after them.
func pageAfter(tx *Tx, seq int64) (page []Event, bad, err error) {
	const q = "SELECT " + eventColumns + " FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
	rows, err := tx.Query(q, seq, eventsAtOnce)
	if err != nil {
		return nil, nil, err
	}
	page, bad = readEvents(rows, seq)
	return page, bad, nil
}

// take checks events and folds them.
func (j *Journal) take(m *mirror, page []Event) error {
	for i := range page {
		if err := m.at.next(&page[i]); err != nil {
			return err
		}
		m.note(page[i])
		if err := fold(m.tx, j.opt.Projections, page[i]); err != nil {
			return err
		}
	}
	return nil
}

// compareByParts compares the head, the shapes and every table, and lets others write in between.
func (j *Journal) compareByParts(ctx context.Context, m *mirror) error {
	now := func(compare func(tx *Tx) error) error {
		if err := j.roomLeft(m); err != nil {
			return err
		}
		return j.View(ctx, func(tx *Tx) error {
			if err := j.catchUp(tx, m); err != nil {
				return err
			}
			return compare(tx)
		})
	}
	if err := now(func(tx *Tx) error { return j.compareFrame(tx, m) }); err != nil {
		return err
	}
	return j.eachComparison(m, func(c *comparison) (done bool, err error) {
		err = now(func(tx *Tx) error { done, err = c.some(tx, m.tx); return err })
		return done, err
	})
}

// catchUp takes the events that were appended meanwhile, and holds the head against them. What a blocked journal has in
// memory is no measure: a commit that failed may be on disk.
func (j *Journal) catchUp(tx *Tx, m *mirror) error {
	for more := true; more; {
		page, bad, err := pageAfter(tx, m.at.seq)
		if err != nil {
			return err
		}
		if err := j.take(m, page); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		more = len(page) == eventsAtOnce
	}
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
	return nil
}

// compare holds head and projections against the mirror, all at once.
func (j *Journal) compare(tx *Tx, m *mirror) error {
	if err := j.catchUp(tx, m); err != nil {
		return err
	}
	if err := j.compareFrame(tx, m); err != nil {
		return err
	}
	return j.eachComparison(m, func(c *comparison) (bool, error) { return c.some(tx, m.tx) })
}

// compareFrame compares what there is besides rows.
func (j *Journal) compareFrame(tx *Tx, m *mirror) error {
	if j.opt.ReadOnly {
		if err := j.compareOnlyLooking(m); err != nil {
			return err
		}
	}
	return j.compareShapes(tx, m)
}

// eachComparison has every table compared that this program derives, until its rows are through.
func (j *Journal) eachComparison(m *mirror, some func(*comparison) (done bool, err error)) error {
	for _, p := range j.opt.Projections {
		if slices.Contains(m.report.Stale, p.Name()) {
			continue
		}
		for _, t := range p.Tables() {
			c, err := newComparison(m.tx, t)
			for done := false; !done && err == nil; {
				done, err = some(c)
			}
			if err != nil {
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
