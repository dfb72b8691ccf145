package journal

import (
	"errors"

	"modernc.org/sqlite"
)

// pagesAtOnce are copied before others have their turn: 256 KiB.
const pagesAtOnce = 64

// errCopyEnded says that the journal was closed, or opened again, while it was copied.
var errCopyEnded = errors.New("the journal was closed while it was copied: begin again")

// copying is a copy of the journal that is being made. What is written meanwhile over the store's own connection goes into
// the pages that are copied already (sqlite.org/backup.html). It is used by who has the turn, and ends with its store.
type copying struct {
	of     *store
	backup *sqlite.Backup
}

// scrap are the settings of the file that a copy goes to: it is synced when it is complete, and worth nothing before.
const scrap = "&_pragma=journal_mode(MEMORY)&_pragma=synchronous(OFF)"

func (s *store) beginCopy(path string) (*copying, error) {
	name, err := fileName("rw", path)
	if err != nil {
		return nil, err
	}
	c := &copying{of: s}
	err = s.conn.Raw(func(conn any) (err error) {
		source, ok := conn.(interface {
			NewBackup(name string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("this SQLite cannot copy while it works")
		}
		c.backup, err = source.NewBackup(name + scrap)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.copies[c] = true
	return c, nil
}

// some copies the next pages, and tells whether there are more.
func (c *copying) some() (more bool, err error) {
	if !c.of.copies[c] {
		return false, errCopyEnded
	}
	return c.backup.Step(pagesAtOnce)
}

// end may be called more than once.
func (c *copying) end() error {
	if !c.of.copies[c] {
		return nil
	}
	delete(c.of.copies, c)
	return c.backup.Finish()
}
