package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Extract says what a snapshot is besides a copy. The zero value is a copy.
type Extract struct {
	Empty []string // tables whose rows stay at home
	Views string   // a script that makes views, for people
}

// refine empties and adds.
func (x Extract) refine(s *store) error {
	for _, t := range x.Empty {
		if !projectionName.MatchString(t) {
			return fmt.Errorf("table %q: its name is not a word", t)
		}
		there := 0
		if err := s.queryRow("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", t).Scan(&there); err != nil {
			return err
		}
		if there == 0 {
			continue // of an older posd
		}
		if err := s.script("DELETE FROM " + t); err != nil {
			return err
		}
	}
	return s.script(x.Views)
}

// refining are the settings with which a snapshot is refined: nothing of what is deleted may rest in it, or beside it.
var refining = []string{
	"PRAGMA locking_mode=EXCLUSIVE",
	"PRAGMA journal_mode=MEMORY", // OFF does nothing on a defensive connection; a copy comes with that of a log
	"PRAGMA synchronous=OFF",     // the file is synced when it is complete
	"PRAGMA secure_delete=ON",
	"PRAGMA temp_store=MEMORY",
}

// Export writes a snapshot to a new file, which any SQLite tool opens. Others write meanwhile; the snapshot is the journal
// as it stands when the last part is copied. It fails with an error that wraps ErrFull when the copy would take the room
// that running payments need.
func (j *Journal) Export(ctx context.Context, path string, x Extract) error {
	if err := createFile(path); err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	err := j.copyInto(ctx, path)
	if err == nil {
		err = refineFile(path, x)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export journal: %w", err), os.Remove(path))
	}
	return nil
}

// copyInto fills an empty file that has our mode already, and lets others write between its parts.
func (j *Journal) copyInto(ctx context.Context, path string) error {
	var c *copying
	err := j.withStore(ctx, func() (err error) {
		if err = j.roomFor(path); err == nil {
			c, err = j.store.beginCopy(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		err = j.withStore(ctx, func() (err error) {
			more, err = c.some()
			return err
		})
	}
	_ = j.acquire(unbound) // which never ends
	defer j.release()
	return errors.Join(err, c.end())
}

// withStore runs fn when nobody writes.
func (j *Journal) withStore(ctx context.Context, fn func() error) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.store == nil {
		return j.usable()
	}
	return fn()
}

// roomFor looks whether a copy fits beside what running payments need.
func (j *Journal) roomFor(path string) error {
	var size int64
	const q = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if err := j.store.queryRow(q).Scan(&size); err != nil {
		return err
	}
	if free, ok := freeBytes(filepath.Dir(path)); ok && free < size+minFree {
		return fmt.Errorf("%w: %d MiB free, the copy takes %d MiB and %d MiB are kept", ErrFull, free>>20, size>>20, minFree>>20)
	}
	return nil
}

// refineFile makes a copy what it is to be, and durable.
func refineFile(path string, x Extract) error {
	s, err := openStore(path, refining)
	if err != nil {
		return err
	}
	err = x.refine(s)
	s.close()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// copyName is the file that Copy leaves beside the journal while it is read. One that a crash has left is removed by
// the next start.
func copyName(opt Options) string { return opt.Path + ".export" }

// removeScrap removes what a crash has left of copies, verifying and looks; mostly there is nothing. The index of a log is
// nobody's when the file is open to write, since it is ours alone then.
func (j *Journal) removeScrap() {
	if j.opt.Path == "" {
		return
	}
	_ = os.Remove(copyName(j.opt))
	_ = os.Remove(mirrorName(j.opt))
	if j.Blocked() == nil {
		_ = os.Remove(j.opt.Path + "-shm")
	}
}

// Copy makes a snapshot beside the journal and opens it, for who reads it from elsewhere; giveUp ends that. There may be
// one at a time. A journal without a file has its copy where temporary files are.
func (j *Journal) Copy(ctx context.Context, x Extract) (f *os.File, giveUp func(), err error) {
	path := copyName(j.opt)
	scrap := path
	if j.opt.Path == "" {
		if scrap, err = os.MkdirTemp("", "posd"); err != nil {
			return nil, nil, err
		}
		path = filepath.Join(scrap, "journal.db")
	}
	if err = j.Export(ctx, path, x); err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _, _ = f.Close(), os.RemoveAll(scrap) }, nil
}
