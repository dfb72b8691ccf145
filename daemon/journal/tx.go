package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"posd/daemon/step"
)

// Tx is a transaction. It is valid until the function that got it returns, and belongs to that function's goroutine.
// It reads its own writes. Rows must be closed before the function returns.
type Tx struct {
	store       *store
	now         func() time.Time
	projections []Projection
	link              // the last event, with those appended here
	readOnly    bool  // View
	folding     bool  // rebuilding: no events are appended
	over        bool  // the function has returned
	err         error // the first error of a write: the transaction cannot be committed any more
	subjects    []string
	kept        map[any]any // what its function wants to have at hand; nil where nothing is kept
	steps       step.Tx
}

// Subjects are those of the events that this transaction has appended.
func (tx *Tx) Subjects() []string { return tx.subjects }

// Keep remembers what was read or written, for who wants it again in this transaction. Only that of an Update remembers:
// there, what is kept goes with what was written, whatever comes of it.
func (tx *Tx) Keep(key, value any) {
	if tx.kept != nil {
		tx.kept[key] = value
	}
}

// Kept gives what was kept under a key; nil if nothing was.
func (tx *Tx) Kept(key any) any { return tx.kept[key] }

// Forget drops all that was kept, for who writes to many rows at once.
func (tx *Tx) Forget() { clear(tx.kept) }

// Append adds events and folds them into every projection. After an error the transaction is rolled back, even if
// the caller ignores it.
func (tx *Tx) Append(entries ...Entry) error {
	for _, en := range entries {
		if err := tx.append(en); err != nil {
			return tx.fail(err)
		}
	}
	return nil
}

func (tx *Tx) append(en Entry) error {
	if err := tx.mayWrite(); err != nil {
		return err
	}
	if tx.folding {
		return errFolding
	}
	body, err := marshal(en.Body)
	if err != nil {
		return fmt.Errorf("marshal %s of %s: %w", en.Kind, en.Subject, err)
	}
	e := Event{Seq: tx.seq + 1, Time: tx.now().UTC().Round(0), Subject: en.Subject, Kind: en.Kind, Body: body, Prev: tx.hash}
	e.Hash = hashEvent(&e)
	err = tx.store.exec("INSERT INTO event ("+eventColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.Seq, e.Time.Format(timeLayout), e.Subject, e.Kind, string(body), e.Prev[:], e.Hash[:])
	if err != nil {
		return err
	}
	tx.link = link{seq: e.Seq, hash: e.Hash}
	tx.subjects = append(tx.subjects, e.Subject)
	step.Append(&tx.steps, e.Kind)
	tx.folding = true
	defer func() { tx.folding = false }()
	return fold(tx, tx.projections, e)
}

// marshal gives canonical JSON: fields in the order of the struct, <, > and & as they are.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Exec changes tables of a projection, or others that the caller made. Statements are kept prepared: their text
// should be constant.
func (tx *Tx) Exec(query string, args ...any) error {
	if err := tx.mayWrite(); err != nil {
		return tx.fail(err)
	}
	if err := tx.store.exec(query, args...); err != nil {
		return tx.fail(err)
	}
	return nil
}

// Query reads many rows, which the caller closes.
func (tx *Tx) Query(query string, args ...any) (*Rows, error) {
	if tx.over {
		return nil, errOver
	}
	rows, err := tx.store.query(query, args...)
	if err != nil {
		return nil, tx.fault(err)
	}
	return rows, nil
}

// QueryRow reads one row, which the caller scans at once.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	if tx.over {
		// A done ctx is the only way to make a Row that says no.
		ctx, cancel := context.WithCancelCause(unbound)
		cancel(errOver)
		return tx.store.conn.QueryRowContext(ctx, query, args...)
	}
	return tx.store.queryRow(query, args...)
}

func (tx *Tx) mayWrite() error {
	switch {
	case tx.over:
		return errOver
	case tx.readOnly:
		return errReadOnly
	}
	return tx.err
}

// fail remembers the first error of a write.
func (tx *Tx) fail(err error) error {
	if tx.err == nil {
		tx.err = err
	}
	return err
}

// fault remembers an error of a read if it is the disk's.
func (tx *Tx) fault(err error) error {
	if isFault(err) {
		return tx.fail(err)
	}
	return err
}
