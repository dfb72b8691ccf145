package journal

import (
	"context"
	"fmt"
)

// commitsPerCheckpoint bounds the log when the journal is never idle.
const commitsPerCheckpoint = 256

// Update runs fn in one transaction. When it returns nil, all that fn wrote is durable. An error of fn, or of a write
// in it, rolls back. When the disk fails instead, nobody knows what is on it: the journal is blocked then, and the
// error wraps *BlockedError. ctx bounds only the wait for other transactions. fn must not wait for anything, nor call
// the journal.
func (j *Journal) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.opt.ReadOnly {
		return errReadOnly
	}
	if err := j.usable(); err != nil {
		return err
	}
	j.ballast.relieve()
	tx, err := j.begin()
	if err != nil {
		return err
	}
	done := false
	defer func() {
		tx.over = true
		if !done { // fn panicked or ended its goroutine
			_ = j.rollback(nil)
		}
	}()
	err = fn(tx)
	if err == nil {
		err = tx.err
	}
	done = true
	if err != nil {
		return j.rollback(firstFault(tx.err, err))
	}
	return j.commit(tx)
}

// View runs fn in a transaction that changes nothing. It works in a blocked journal too, as far as the file can be
// read. The rest is as with Update.
func (j *Journal) View(ctx context.Context, fn func(tx *Tx) error) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.store == nil {
		return j.usable()
	}
	if err := j.store.exec("BEGIN"); err != nil {
		return err
	}
	tx := &Tx{store: j.store, readOnly: true}
	defer func() {
		tx.over = true
		_ = j.store.exec("ROLLBACK")
	}()
	return fn(tx)
}

// usable tells whether there is a file to write to. The caller has the turn.
func (j *Journal) usable() error {
	if j.closed {
		return errClosed
	}
	return j.Blocked()
}

func (j *Journal) begin() (*Tx, error) {
	if err := j.store.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, j.block(err)
	}
	return &Tx{
		store: j.store, now: j.opt.Now, projections: j.opt.Projections,
		link: link{seq: j.seq, hash: j.hash},
	}, nil
}

// commit moves the head and makes the transaction durable.
func (j *Journal) commit(tx *Tx) error {
	appended := tx.seq != j.seq
	if appended {
		if err := j.store.exec("UPDATE head SET seq = ?, hash = ?", tx.seq, tx.hash[:]); err != nil {
			return j.rollback(err)
		}
	}
	if err := j.store.commit(j.opt.BeforeCommit); err != nil {
		_ = j.store.exec("ROLLBACK")
		return j.block(fmt.Errorf("commit: %w", err))
	}
	j.seq, j.hash = tx.seq, tx.hash
	if appended {
		j.mark.set(j.ID(), tx.link)
	}
	j.committed()
	if appended && j.opt.AfterCommit != nil {
		j.opt.AfterCommit(j.seq)
	}
	return nil
}

func (s *store) commit(before func() error) error {
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	return s.exec("COMMIT")
}

// committed counts towards the next checkpoint, or leaves it to the keeper when the journal falls idle.
func (j *Journal) committed() {
	if j.opt.Memory {
		return
	}
	j.commits++
	if j.commits >= commitsPerCheckpoint {
		j.checkpoint()
	}
	select {
	case j.idle <- struct{}{}:
	default:
	}
}

// rollback undoes the transaction after err. A fault of the disk blocks the journal.
func (j *Journal) rollback(err error) error {
	rerr := j.store.exec("ROLLBACK")
	if isFault(err) {
		return j.block(err)
	}
	if rerr != nil {
		return j.block(fmt.Errorf("roll back: %w", rerr))
	}
	return err
}

// firstFault prefers the error that says most about the disk.
func firstFault(errs ...error) error {
	for _, err := range errs {
		if isFault(err) {
			return err
		}
	}
	return errs[len(errs)-1]
}

// block stops all writing until Reopen. It gives the error to return.
func (j *Journal) block(err error) error {
	b := blockedBy(explain(err))
	j.blocked.Store(b)
	if b.Code == CodeDiskFull {
		j.ballast.release()
	}
	return b
}
