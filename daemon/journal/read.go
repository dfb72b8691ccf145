package journal

import (
	"context"
	"slices"
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

// Newest gives the newest events of a subject as Events takes it, at most limit, in order.
func (j *Journal) Newest(ctx context.Context, limit int, subject string) ([]Event, error) {
	if limit <= 0 || limit > maxEvents {
		limit = maxEvents
	}
	var out []Event
	err := j.View(ctx, func(tx *Tx) error {
		query, args := eventQuery(0, limit, subject)
		rows, err := tx.Query(strings.Replace(query, "ORDER BY seq", "ORDER BY seq DESC", 1), args...)
		if err != nil {
			return err
		}
		out, err = readEvents(rows, -1)
		return err
	})
	slices.Reverse(out)
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
