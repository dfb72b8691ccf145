package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

const (
	applicationID = 0x706f7364 // "posd", so that file(1) and we can tell what it is
	schemaVersion = 1
)

// schema is the journal's own. What may never change is guarded by the database itself.
const schema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE event (
	seq     INTEGER PRIMARY KEY,
	time    TEXT NOT NULL,
	subject TEXT NOT NULL,
	kind    TEXT NOT NULL,
	body    TEXT NOT NULL,
	prev    BLOB NOT NULL CHECK (length(prev) = 32),
	hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX event_subject ON event (subject, seq);
CREATE TRIGGER event_in_order BEFORE INSERT ON event
	WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM event)
	BEGIN SELECT raise(ABORT, 'events are appended without a gap'); END;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event
	BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
	BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE projection (name TEXT PRIMARY KEY, digest TEXT NOT NULL, tables TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

// open opens the file and brings everything in memory up to it: recovery after a crash, after a failed commit and at
// an ordinary start are the same. It checks the last tail events, or all. The caller has the turn, or nobody else
// knows the journal yet.
func (j *Journal) open(ctx context.Context, tail int64) error {
	if j.store == nil {
		if err := j.lookFirst(ctx, tail); err != nil {
			return err
		}
		s, err := j.openFile()
		if err != nil {
			return unfit(err)
		}
		j.store = s
		j.mark.belongs(j.opt.Path)
	}
	if err := explain(j.readIn(ctx, tail)); err != nil {
		return err
	}
	switch {
	case j.opt.ReadOnly:
		return nil
	case j.opt.Memory:
		return j.adopt()
	}
	if err := explain(j.checkWhole(ctx)); err != nil {
		return err
	}
	// Frames that a failed sync left in the log would be lost with the next power cut, and all after them.
	if err := j.store.checkpoint(cutOff); err != nil {
		return explain(err)
	}
	j.commits, j.parts = 0, 0
	if err := j.checkSize(); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(j.opt.Path)); err != nil {
		return err
	}
	if err := j.adopt(); err != nil {
		return err
	}
	_, noted := j.mark.get(j.ID())
	copied := !(noted && j.mark.fits()) && j.seq > 0 && j.mark.writable()
	if j.copied.Store(copied); !copied { // else the first commit will note it
		j.mark.set(j.ID(), link{j.seq, j.hash})
		return nil
	}
	j.opt.Log.Error("the journal may be a copy that was put back: what happened after it was made is not known here",
		"remedy", "its numbers are moved on; compare the bills of gateways and acquirer since then with it")
	return nil
}

// checkSize notices a file that was cut off; SQLite takes what is missing of the last page for zeros. It must run
// after a checkpoint: before, a crash may rightly have left the file shorter than the log makes it.
func (j *Journal) checkSize() error {
	var want int64
	const q = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if err := j.store.queryRow(q).Scan(&want); err != nil {
		return explain(err)
	}
	info, err := os.Stat(j.opt.Path)
	if err != nil {
		return err
	}
	if info.Size() < want {
		return damaged(0, "the file is cut off: %d of %d bytes", info.Size(), want)
	}
	return nil
}

// openFile opens the connection; it makes the file if there was never one.
func (j *Journal) openFile() (*store, error) {
	settings := durable
	if j.opt.Memory {
		settings = fleeting
	}
	if j.opt.Path == "" {
		return openStore("", settings)
	}
	info, err := os.Stat(j.opt.Path)
	if err != nil && (j.opt.ReadOnly || !errors.Is(err, os.ErrNotExist)) {
		return nil, err
	}
	if j.opt.ReadOnly {
		return openToLook(j.opt.Path)
	}
	if err != nil || info.Size() == 0 {
		if err := j.mayCreate(err == nil); err != nil {
			return nil, err
		}
	}
	if err != nil {
		if err := createFile(j.opt.Path); err != nil {
			return nil, err
		}
	}
	return openStore(j.opt.Path, settings)
}

// mayCreate refuses to begin a new journal where there was one: its numbers would begin anew. A log without its file was
// one. An empty file with a log is what is left of a journal that was being made when the power went, and went again:
// nobody has noted that it was finished.
func (j *Journal) mayCreate(there bool) error {
	log, err := os.Stat(j.opt.Path + "-wal")
	lost := err == nil && log.Size() > 0 && !there
	if j.lock.known == "" && !lost {
		return nil
	}
	return &DamagedError{
		What: fmt.Sprintf("the file %s is missing or empty, but a journal was here", j.opt.Path),
		Remedy: fmt.Sprintf("copy the folder away, remove %[1]s-wal, %[1]s-shm and %[1]s.mark, and restore the file from an export; "+
			"only to begin a new one, remove %[1]s.owner as well", j.opt.Path),
	}
}

// readIn checks what the file holds and folds what is new to the projections, in one transaction.
func (j *Journal) readIn(ctx context.Context, tail int64) error {
	if err := checkVersion(j.store); err != nil {
		return err
	}
	if j.opt.ReadOnly {
		return j.lookIn()
	}
	return j.store.transaction(func() error {
		if err := j.checkFormat(); err != nil {
			return unfit(err)
		}
		if err := j.checkChain(ctx, tail); err != nil {
			return unfit(err)
		}
		if err := j.checkPages(); err != nil {
			return unfit(err)
		}
		return j.bringUpToDate(ctx)
	})
}

// lookIn reads what stands at the top, and leaves every check to Verify.
func (j *Journal) lookIn() error {
	if err := j.checkFormat(); err != nil {
		return err
	}
	head, err := readHead(j.store)
	j.seq, j.hash = head.seq, head.hash
	return err
}

// transaction runs fn in a transaction, outside of the journal's ordinary life.
func (s *store) transaction(fn func() error) error {
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		_ = s.exec("ROLLBACK")
		return err
	}
	return s.exec("COMMIT")
}

// checkVersion refuses a SQLite that may lose what it acknowledged: below 3.51.3 a checkpoint can race with a writer
// (WAL-reset bug), and 3.52.0 was withdrawn.
func checkVersion(s *store) error {
	var v string
	if err := s.queryRow("SELECT sqlite_version()").Scan(&v); err != nil {
		return err
	}
	return refuseVersion(v)
}

func refuseVersion(v string) error {
	var major, minor, patch int
	if _, err := fmt.Sscanf(v, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("sqlite version %q: %w", v, err)
	}
	n := major*1_000_000 + minor*1_000 + patch
	if n < 3_051_003 || n == 3_052_000 {
		return fmt.Errorf("sqlite %s may lose committed data: build posd with 3.51.3 or later, and not 3.52.0", v)
	}
	return nil
}

// checkFormat tells whether the file is a journal that this program understands, and makes a new one in an empty
// file.
func (j *Journal) checkFormat() error {
	var app, version, objects int64
	const q = `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`
	if err := j.store.queryRow(q).Scan(&app, &version, &objects); err != nil {
		return err
	}
	switch {
	case app == 0 && objects == 0 && j.opt.ReadOnly:
		return fmt.Errorf("%s is empty: no journal", j.opt.Path)
	case app == 0 && objects == 0:
		if err := j.createAnew(); err != nil {
			return err
		}
	case app != applicationID:
		return j.strange(restoreRemedy, "%s is a database, but no journal of posd", j.opt.Path)
	case version != schemaVersion:
		return j.strange("use the posd that wrote it, or a newer one; if it was this one, "+restoreRemedy,
			"%s has format %d, this posd knows %d", j.opt.Path, version, schemaVersion)
	}
	var id sql.NullString
	err := j.store.queryRow("SELECT value FROM meta WHERE name = 'journal'").Scan(&id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !id.Valid {
		return damaged(0, "it has no name")
	}
	if err != nil {
		return err
	}
	j.setID(id.String)
	return nil
}

// strange refuses a file that is not what this program writes. Where a journal was before, that is damage: the API can
// stay up and say so.
func (j *Journal) strange(remedy, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if j.lock == nil || j.lock.known == "" {
		return fmt.Errorf("%s; %s", what, remedy)
	}
	return &DamagedError{What: what, Remedy: remedy}
}

// adopt notes whose journal belongs here, and holds it against the one that was here before. It comes when the file
// is durable: a note of a journal that a loss of power can still take would forbid to make it again.
func (j *Journal) adopt() error {
	if j.lock == nil || j.lock.known == j.ID() {
		return nil
	}
	if j.lock.known != "" {
		j.opt.Log.Warn("another journal than last time", "was", j.lock.known, "is", j.ID())
	}
	return j.lock.write(j.ID())
}

// createAnew writes an empty journal into a file in which SQLite finds nothing: also one of a single byte that is left of
// another journal.
func (j *Journal) createAnew() error {
	if j.lock != nil {
		if err := j.mayCreate(true); err != nil {
			return err
		}
	}
	return j.create()
}

// create writes an empty journal.
func (j *Journal) create() error {
	if err := j.store.script(schema); err != nil {
		return err
	}
	id := rand.Text()[:8]
	start := genesis(id)
	if err := j.store.exec("INSERT INTO meta VALUES ('journal', ?)", id); err != nil {
		return err
	}
	if err := j.store.exec("INSERT INTO head VALUES (1, 0, ?)", start[:]); err != nil {
		return err
	}
	return j.store.script(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, schemaVersion))
}

// quickCheckLimit is the size up to which a start checks every page; beyond it that would take seconds.
const quickCheckLimit = 64 << 20

// checkPages has SQLite look for structural damage, in a small journal also whether the indexes are those of their tables.
func (j *Journal) checkPages() error {
	if j.opt.Memory {
		return nil
	}
	if info, err := os.Stat(j.opt.Path); err == nil && info.Size() > quickCheckLimit && !j.opt.ReadOnly {
		return nil
	}
	check := "PRAGMA quick_check(1)"
	if j.small() || j.opt.ReadOnly {
		check = "PRAGMA integrity_check(1)"
	}
	var verdict string
	if err := j.store.queryRow(check).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return damaged(0, "%s", verdict)
	}
	return nil
}

// unfit is explain for the statements that look whether a file is a journal: a file with which they cannot work is not as
// it was made.
func unfit(err error) error {
	err = explain(err)
	switch primaryCode(err) {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_SCHEMA:
		return damaged(0, "%v", err)
	}
	return err
}

// explain makes a DamagedError of what SQLite says about a broken file.
func explain(err error) error {
	var dam *DamagedError
	if err == nil || errors.As(err, &dam) || !isCorrupt(err) {
		return err
	}
	return damaged(0, "%v", err)
}
