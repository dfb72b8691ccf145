package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // registers the driver
)

// cacheLimit bounds the statements that a store keeps prepared; the code has far fewer.
const cacheLimit = 256

// logHead is how many bytes a log begins with that are no frame (sqlite.org/fileformat2.html, section 4.1).
const logHead = 32

// unbound is the ctx of every statement: it runs to its end whatever happens to the caller, since half a transaction
// helps nobody.
var unbound = context.Background()

// store is one SQLite connection and its prepared statements.
type store struct {
	path  string // of the file; "" in memory
	index string // of its log, to be removed when it is closed; "" for none
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	resting map[string]*sql.Stmt // for queries of many rows; nil when closed
	copies  map[*copying]bool    // that are under way
}

// durable are the settings of a journal on disk. The lock must be exclusive before WAL is switched on: then there is
// no shared memory file, no second process, and the WAL-reset bug of older SQLite tools cannot be reached. EXTRA
// costs nothing in WAL mode and is right if the mode ever falls back. Checkpoints are ours, because SQLite hides the
// failure of its own.
var durable = []string{
	"PRAGMA page_size=4096",
	"PRAGMA locking_mode=EXCLUSIVE",
	"PRAGMA journal_mode=WAL",
	"PRAGMA synchronous=EXTRA",
	"PRAGMA wal_autocheckpoint=0",
	"PRAGMA journal_size_limit=8388608",
	"PRAGMA secure_delete=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA cell_size_check=ON",
	"PRAGMA temp_store=MEMORY",
}

// looking are those for who only looks. What stands in the log of a crashed owner is read, too.
var looking = []string{
	"PRAGMA locking_mode=EXCLUSIVE",
	"PRAGMA query_only=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA cell_size_check=ON",
	"PRAGMA temp_store=MEMORY",
}

// fleeting are those of a simulation: the same statements, nothing synced.
var fleeting = []string{
	"PRAGMA locking_mode=EXCLUSIVE",
	"PRAGMA journal_mode=MEMORY",
	"PRAGMA synchronous=OFF",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA temp_store=MEMORY",
}

// openStore opens an existing file to write to it, or a database in memory if path is empty.
func openStore(path string, settings []string) (*store, error) {
	return openStoreAs("rw", path, settings)
}

// openStoreAs opens it in one of SQLite's modes: "rw", or "ro".
func openStoreAs(mode, path string, settings []string) (*store, error) {
	if err := trustFlush(); err != nil {
		return nil, fmt.Errorf("notice syncs that fail: %w", err)
	}
	name := ":memory:"
	if path != "" {
		var err error
		if name, err = fileName(mode, path); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(unbound)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &store{path: path, db: db, conn: conn, stmts: map[string]*sql.Stmt{}, resting: map[string]*sql.Stmt{}, copies: map[*copying]bool{}}
	for _, p := range settings {
		if _, err := conn.ExecContext(unbound, p); err != nil {
			s.close()
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	return s, nil
}

// fileName makes the URI that SQLite opens without ever making a file itself.
func fileName(mode, path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	p := filepath.ToSlash(abs)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/... on Windows
	}
	return (&url.URL{Scheme: "file", Path: p, RawQuery: "mode=" + mode + "&_defensive=1"}).String(), nil
}

// close may be called on nil, and more than once.
func (s *store) close() {
	if s == nil {
		return
	}
	for c := range s.copies {
		_ = c.end()
	}
	for _, st := range s.stmts {
		_ = st.Close()
	}
	for _, st := range s.resting {
		_ = st.Close()
	}
	s.stmts, s.resting = nil, nil
	_ = s.conn.Close()
	_ = s.db.Close()
	if s.index != "" {
		_ = os.Remove(s.index)
		s.index = ""
	}
}

// prepared gives the statement of a query, compiled once.
func (s *store) prepared(query string) (*sql.Stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(unbound, query)
	if err != nil {
		return nil, err
	}
	if len(s.stmts) >= cacheLimit {
		for q, old := range s.stmts {
			_ = old.Close()
			delete(s.stmts, q)
		}
	}
	s.stmts[query] = st
	return st, nil
}

func (s *store) exec(query string, args ...any) error {
	st, err := s.prepared(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(unbound, args...)
	return err
}

// script runs one or more statements that are not worth keeping.
func (s *store) script(text string) error {
	_, err := s.conn.ExecContext(unbound, text)
	return err
}

func (s *store) queryRow(query string, args ...any) *sql.Row {
	st, err := s.prepared(query)
	if err != nil {
		return s.conn.QueryRowContext(unbound, query, args...)
	}
	return st.QueryRowContext(unbound, args...)
}

// The ways of a checkpoint. A log that keeps its length is written over: that takes half the time of making it longer.
const (
	keepLength = "PRAGMA wal_checkpoint(RESTART)"
	cutOff     = "PRAGMA wal_checkpoint(TRUNCATE)"
)

// checkpoint writes the log back into the file, and ends it in one of two ways.
func (s *store) checkpoint(way string) error {
	var busy, frames, done int
	if err := s.queryRow(way).Scan(&busy, &frames, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("checkpoint found the journal in use")
	}
	if way == keepLength {
		s.voidLog()
	}
	return nil
}

// voidLog takes the head from a log that has been written back, before SQLite writes another: what is left of it stands
// for nothing then, and cannot bring old pages back if it is damaged later. A failure harms nothing, since the log is
// whole: who opens it writes the same pages once more.
func (s *store) voidLog() {
	f, err := os.OpenFile(s.path+"-wal", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	_, _ = f.WriteAt(make([]byte, logHead), 0)
	_ = f.Close()
}

// createFile makes an empty file, so that its mode is ours, and makes its name durable.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// MakeFolder makes the folder of a journal if there is none, and those above it, and makes their names durable: with the
// name of its folder a file is lost, however well it was synced itself.
func MakeFolder(dir string) error {
	var above []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, os.ErrNotExist) {
			break
		}
		above = append(above, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if len(above) == 0 {
		_ = syncDir(filepath.Dir(dir)) // who made it may have had no time for this; we may have no right to it
	}
	for _, a := range above {
		if err := syncDir(a); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the names in a folder durable. SQLite tries too, and ignores a failure: we must not, since a file
// whose name is lost takes every acknowledged event with it. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	if err != nil {
		return fmt.Errorf("make the names in %s durable: %w", dir, err)
	}
	return nil
}
