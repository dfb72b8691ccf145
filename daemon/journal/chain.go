package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"
)

const (
	tailLength = 1000 // events checked at each start; Verify checks all
	wholeChain = 0
	pageLength = 500 // events read at a time, so that no reading of the log needs much memory or time
)

// timeLayout has a fixed width, so that times sort as text and a technician can read them.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// genesis is what the first event's Prev holds: it ties the chain to its journal.
func genesis(id string) [32]byte { return sha256.Sum256([]byte("posd journal " + id)) }

// hashEvent hashes what an event says. Lengths go before texts, so that no two events hash the same bytes.
func hashEvent(e *Event) [32]byte {
	b := make([]byte, 0, 96+len(e.Subject)+len(e.Kind)+len(e.Body))
	b = append(b, e.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = e.Time.AppendFormat(b, timeLayout)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Subject)))
	b = append(b, e.Subject...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Kind)))
	b = append(b, e.Kind...)
	b = append(b, e.Body...)
	return sha256.Sum256(b)
}

// link is a place in the chain: the last event that was found good.
type link struct {
	seq  int64
	hash [32]byte
}

// next checks that e follows, and moves on to it.
func (l *link) next(e *Event) error {
	switch {
	case e.Seq != l.seq+1:
		return damaged(l.seq+1, "it is missing: event %d follows %d", e.Seq, l.seq)
	case e.Prev != l.hash:
		return damaged(e.Seq, "it does not follow from event %d", l.seq)
	case e.Hash != hashEvent(e):
		return damaged(e.Seq, "its content does not match its hash")
	}
	l.seq, l.hash = e.Seq, e.Hash
	return nil
}

const eventColumns = "seq, time, subject, kind, body, prev, hash"

// readEvents scans rows of eventColumns. after is the event before the first row, to name the place of damage; it is
// -1 where the rows are not consecutive.
func readEvents(rows *Rows, after int64) ([]Event, error) {
	defer func() { _ = rows.Close() }()
	place := func(out []Event) int64 {
		if after < 0 {
			return 0
		}
		return after + int64(len(out)) + 1
	}
	var out []Event
	for rows.Next() {
		var e Event
		var at string
		var body, prev, hash []byte
		if err := rows.Scan(&e.Seq, &at, &e.Subject, &e.Kind, &body, &prev, &hash); err != nil {
			return out, damaged(place(out), "it cannot be read: %v", err)
		}
		t, err := time.Parse(timeLayout, at)
		if err != nil || len(prev) != 32 || len(hash) != 32 {
			return out, damaged(e.Seq, "its content does not match its hash")
		}
		e.Time, e.Body = t, json.RawMessage(body)
		copy(e.Prev[:], prev)
		copy(e.Hash[:], hash)
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		if isCorrupt(err) {
			return out, damaged(place(out), "it cannot be read: %v", err)
		}
		return out, err
	}
	return out, nil
}
