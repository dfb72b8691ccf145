package journal

import (
	"context"
	"errors"
)

// errUnended is what a part comes to whose function does not return.
var errUnended = errors.New("transaction was left by a panic")

// Update runs fn in one transaction. When it returns nil, all that fn wrote is durable. An error of fn, or of a write
// in it, rolls back. When the disk fails instead, nobody knows what is on it: the journal is blocked then, and the
// error wraps *BlockedError. ctx bounds only the wait for other transactions. fn must not wait for anything, nor call
// the journal. Those who call at the same time share a commit; what one of them does, the next ones see.
func (j *Journal) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if j.opt.ReadOnly {
		return errReadOnly
	}
	if err := j.turn.enter(ctx, true); err != nil {
		return err
	}
	g, err := j.join()
	if err != nil {
		return err
	}
	tx := &Tx{store: j.store, now: j.opt.Now, projections: j.opt.Projections, link: g.link, kept: map[any]any{}}
	ended := false
	defer func() {
		if !ended { // fn panicked or ended its goroutine
			_ = j.settle(g, tx, errUnended)
		}
	}()
	if err = j.aware(g, tx); err == nil {
		err = fn(tx)
	}
	if err == nil {
		err = tx.err
	}
	ended = true
	return j.settle(g, tx, err)
}

// aware lets who keeps the journal speak first in one that may be an older copy, whoever it is that writes.
func (j *Journal) aware(g *group, tx *Tx) error {
	if g.parts > 1 || j.opt.Restored == nil || !j.copied.Load() {
		return nil
	}
	return j.opt.Restored(tx)
}

// View runs fn, which changes nothing, and nobody else changes anything meanwhile: there is one connection, and its turn is
// as good as a transaction. It works in a blocked journal too, as far as the file can be read. The rest is as with Update.
func (j *Journal) View(ctx context.Context, fn func(tx *Tx) error) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.store == nil {
		return j.usable()
	}
	tx := &Tx{store: j.store, readOnly: true}
	defer func() { tx.over = true }()
	return fn(tx)
}

// usable tells whether there is a file to write to. The caller has the turn.
func (j *Journal) usable() error {
	if j.closed {
		return errClosed
	}
	return j.Blocked()
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
