package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// mirrorInMemory is the size of a journal up to which the tables that Verify compares with are in memory.
const mirrorInMemory = 8 << 20

// scraping are the settings of a mirror in a file: what the cache does not hold is written there, and nothing is synced.
var scraping = []string{
	"PRAGMA locking_mode=EXCLUSIVE",
	"PRAGMA journal_mode=MEMORY", // OFF does nothing on a defensive connection; of a file that was empty nothing is kept
	"PRAGMA synchronous=OFF",
	"PRAGMA cache_size=-8192",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA temp_store=MEMORY",
}

// mirrorName is the file that Verify has beside a large journal while it works. One that a crash has left is removed by the
// next start.
func mirrorName(opt Options) string { return opt.Path + ".verify" }

// mirrorFor makes the mirror for Verify. That of a large journal is in a file: years of events give tables that would fill a
// till's memory. Who only looks is a process of its own, and may have no right to the folder: it has them in memory. It fails
// with an error that wraps ErrFull when the file would take the room that running payments need.
func (j *Journal) mirrorFor() (*mirror, error) {
	size := j.bytesOnDisk()
	if j.opt.Memory || j.opt.ReadOnly || size <= mirrorInMemory {
		return j.newMirror()
	}
	m, err := j.mirrorBeside(mirrorName(j.opt), size)
	if err != nil {
		return nil, fmt.Errorf("verify journal: %w", err)
	}
	return m, nil
}

func (j *Journal) mirrorBeside(path string, size int64) (*mirror, error) {
	if free, ok := j.freeBeside(path); ok && free < size+minFree {
		return nil, fmt.Errorf("%w: %d MiB free, the tables to compare with take up to %d MiB and %d MiB are kept",
			ErrFull, free>>20, size>>20, minFree>>20)
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	s, err := openStore(path, scraping)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	m, err := j.mirrorIn(s)
	if err != nil {
		return nil, errors.Join(fullMirror(err), os.Remove(path))
	}
	m.path = path
	return m, nil
}

// freeBeside tells how much room there is where a file is to be.
func (j *Journal) freeBeside(path string) (free int64, ok bool) {
	if j.opt.Free != nil {
		return j.opt.Free(), true
	}
	return freeBytes(filepath.Dir(path))
}

// roomLeft ends Verify where the disk has filled meanwhile: what is left is for running payments, and not for the mirror.
func (j *Journal) roomLeft(m *mirror) error {
	if m.path == "" {
		return nil
	}
	if free, ok := j.freeBeside(m.path); ok && free < minFree {
		return fmt.Errorf("%w: %d MiB free with the tables to compare with, and %d MiB are kept", ErrFull, free>>20, minFree>>20)
	}
	return nil
}

// fullMirror says of an error of a mirror in a file that the disk is full. The journal's own file gives no such error here:
// it is only read.
func fullMirror(err error) error {
	if primaryCode(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: no room for the tables to compare with: %w", ErrFull, err)
	}
	return err
}

// bytesOnDisk is how long the file is with its log: what is derived from the events is shorter.
func (j *Journal) bytesOnDisk() (size int64) {
	for _, name := range []string{"", "-wal"} {
		if info, err := os.Stat(j.opt.Path + name); err == nil {
			size += info.Size()
		}
	}
	return size
}

// close ends the mirror, and removes its file.
func (m *mirror) close() {
	m.store.close()
	if m.path != "" {
		_ = os.Remove(m.path) // else the next start does
	}
}
