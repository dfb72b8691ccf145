package journal

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrFull says that no new sale may start: space is kept for the results and reversals of those that run.
var ErrFull = errors.New("disk is almost full")

var (
	errClosed   = errors.New("journal is closed")
	errReadOnly = errors.New("transaction is read only")
	errOver     = errors.New("transaction is over")
	errFolding  = errors.New("a fold cannot append events")
)

// Codes of a BlockedError.
const (
	CodeDiskFull = "disk_full"
	CodeDisk     = "disk_error"
	CodeDamaged  = "journal_damaged"
	CodeNewer    = "journal_newer" // a newer posd has written to it
)

// DamagedError says that the journal is not what was written.
type DamagedError struct {
	Seq    int64  // the first event that is wrong; 0 if it is not an event
	What   string // what is wrong
	Remedy string

	derived bool // only tables are wrong: they can be derived anew
}

// Error names the place, the fault and the remedy.
func (e *DamagedError) Error() string { return e.fault() + "; " + e.Remedy }

// fault is the error without its remedy.
func (e *DamagedError) fault() string {
	if e.Seq == 0 {
		return "journal is damaged: " + e.What
	}
	return fmt.Sprintf("journal is damaged at event %d: %s", e.Seq, e.What)
}

const restoreRemedy = "copy the journal's folder away, remove what is left beside the file (its -wal, -shm and .mark), " +
	"restore the last copy of the file, then settle by hand what happened since"

const tableRemedy = "the events are whole, and posd derives the tables anew when it runs; " +
	"look at the disk, and at who may write to the file"

// wrongTable says that a table is not what its events give.
func wrongTable(format string, args ...any) *DamagedError {
	return &DamagedError{What: fmt.Sprintf(format, args...), Remedy: tableRemedy, derived: true}
}

func damaged(seq int64, format string, args ...any) *DamagedError {
	return &DamagedError{Seq: seq, What: fmt.Sprintf(format, args...), Remedy: restoreRemedy}
}

// LockedError says that another process has the journal.
type LockedError struct {
	Owner string // as that process named itself; "" if it cannot be read
	PID   int
}

// Error names the owner and the remedy.
func (e *LockedError) Error() string {
	if e.Owner == "" {
		return "it is in use by another process; stop that one first"
	}
	return fmt.Sprintf("it is in use by %s (pid %d); stop that one first", e.Owner, e.PID)
}

// BlockedError says that nothing can be written until Reopen succeeds.
type BlockedError struct {
	Code   string // CodeDiskFull, CodeDisk, CodeDamaged or CodeNewer
	Detail string
	Remedy string
	cause  error
}

// Error gives code, detail and remedy.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("journal is blocked (%s): %s; %s", e.Code, e.Detail, e.Remedy)
}

// Unwrap gives what went wrong.
func (e *BlockedError) Unwrap() error { return e.cause }

// blockedBy turns the error of a failed write or open into the state it leads to.
func blockedBy(err error) *BlockedError {
	var dam *DamagedError
	var newer *NewerError
	switch {
	case errors.As(err, &newer):
		return &BlockedError{Code: CodeNewer, Detail: newer.fault(), Remedy: newerRemedy, cause: err}
	case errors.As(err, &dam):
		return &BlockedError{Code: CodeDamaged, Detail: dam.fault(), Remedy: dam.Remedy, cause: err}
	case primaryCode(err) == sqlite3.SQLITE_FULL:
		return &BlockedError{
			Code: CodeDiskFull, Detail: err.Error(), cause: err,
			Remedy: "free space on the journal's disk; posd tries again every second and goes on by itself",
		}
	default:
		return &BlockedError{
			Code: CodeDisk, Detail: err.Error(), cause: err,
			Remedy: "check the disk and the system log; posd tries again every second and goes on by itself",
		}
	}
}

// primaryCode gives SQLite's result code without its extension; 0 if err is not SQLite's.
func primaryCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// isCorrupt tells whether SQLite itself found the file damaged, or shorter than it must be.
func isCorrupt(err error) bool {
	c := primaryCode(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB || isShortRead(err)
}

func isShortRead(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
}

// isFault tells the disk's errors from the caller's own (syntax, constraint): after one, nobody knows what is on disk.
func isFault(err error) bool {
	switch primaryCode(err) {
	case 0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE,
		sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISUSE:
		return false
	}
	return true
}
