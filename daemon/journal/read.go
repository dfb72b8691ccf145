package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxEvents bounds one answer of Events.
const maxEvents = 10_000

// Events gives the events after a sequence number in order, at most limit (10 000 if it is 0 or more than that). A
// subject takes its own events and those of what is below it: "sale/7" takes "sale/7" and "sale/7/1" but not
// "sale/71"; "sale/" takes everything below; "" takes all.
func (j *Journal) Events(ctx context.Context, after int64, limit int, subject string) ([]Event, error) {
	if limit <= 0 || limit > maxEvents {
		limit = maxEvents
	}
	var out []Event
	err := j.View(ctx, func(tx *Tx) error {
		query, args := eventQuery(after, limit, subject)
		rows, err := tx.Query(query, args...)
		if err != nil {
			return err
		}
		out, err = readEvents(rows, -1)
		return err
	})
	return out, err
}

func eventQuery(after int64, limit int, subject string) (string, []any) {
	const head, tail = "SELECT " + eventColumns + " FROM event WHERE seq > ?", " ORDER BY seq LIMIT ?"
	if subject == "" {
		return head + tail, []any{after, limit}
	}
	below := strings.TrimSuffix(subject, "/") + "/"
	return head + " AND (subject = ? OR (subject > ? AND subject < ?))" + tail,
		[]any{after, subject, below, below + "\U0010FFFF", limit}
}

// Export writes a snapshot to a new file, which any SQLite tool opens. It holds up writers while it runs.
func (j *Journal) Export(ctx context.Context, path string) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.store == nil {
		return j.usable()
	}
	if err := createFile(path); err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	if err := j.exportInto(path); err != nil {
		return errors.Join(fmt.Errorf("export journal: %w", err), os.Remove(path))
	}
	return nil
}

// exportInto fills an empty file that has our mode already.
func (j *Journal) exportInto(path string) error {
	if err := j.store.exec("VACUUM INTO ?", path); err != nil {
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
