// Package journal keeps every event on disk and the tables that are derived from them.
//
// It is one SQLite file with one owner. Events are only ever added; each carries the hash of the one before, so that
// a gap or a change shows. What other packages want to look up quickly they derive from events as projections, which
// change in the transaction of their event and can be rebuilt at any time. The journal knows no payment.
//
// What Update has acknowledged is on disk. When a write fails it is not known what is on disk, so the journal blocks:
// nothing is written until Reopen has read the file again.
package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Event is one entry of the log. Seq counts from 1 without a gap.
type Event struct {
	Seq     int64
	Time    time.Time // wall time, for people; order is Seq's
	Subject string    // what it is about: "sale/till-3/0042", "terminal/00000001"
	Kind    string
	Body    json.RawMessage
	Prev    [32]byte // hash of the event before
	Hash    [32]byte // over Prev, Seq, Time, Subject, Kind and Body
}

// Entry is an event about to be appended. Body is marshalled as JSON, without HTML escaping.
type Entry struct {
	Subject string
	Kind    string
	Body    any
}

// Projection is a set of tables derived from events. Fold must depend on nothing but the events and the projections
// registered before it: no clock, no randomness, no event table, or Verify will find a difference.
type Projection interface {
	// Name is a word in lower case; the names of its tables are it or begin with it and an underscore.
	Name() string
	// Schema makes the tables. When it changes, the projection is derived anew from all events. Tables that it makes
	// with IF NOT EXISTS and that Tables does not list are no derivation: they are kept, and never compared.
	Schema() string
	// Tables lists the derived tables, in the order in which they may be dropped.
	Tables() []string
	// Fold takes one event into the tables.
	Fold(tx *Tx, e Event) error
}

// Options say where the journal is and who uses it. Path and Now are required, but for Path when Memory is set.
type Options struct {
	Path        string           // the file; made with mode 0600 if there is none, in a folder that must exist
	Now         func() time.Time // wall time of events
	Projections []Projection     // folded in this order
	Owner       string           // who holds the lock, as the next one will read it: "posd"
	Ballast     int64            // bytes held back for a full disk; 0 for none
	Log         *slog.Logger     // nil for none
	KeepDamaged bool             // open it blocked where it is damaged, a newer posd's, or its disk fails, instead of refusing: what can be read is read
	ReadOnly    bool             // to look at: it must be there, and no event and no table changes

	// Restored begins the first transaction of a journal that may be an older copy that was put back: nobody noted of this
	// file what it acknowledged last. What happened after the copy was made, it does not know. nil for nothing.
	Restored func(tx *Tx) error

	Memory       bool            // simulations: nothing is synced; without Path nothing touches a disk
	BeforeCommit func() error    // simulations: an error fails the commit, as a disk would
	AfterCommit  func(seq int64) // simulations: called when events up to seq are durable; must not call the journal
	Free         func() int64    // simulations: bytes that are free on the disk; nil asks the disk
}

// Journal is an open journal. Its methods may be called by many goroutines; they run one after the other.
type Journal struct {
	opt     Options
	lock    *lock
	mark    *mark
	ballast *ballast
	turn    turn // who has it owns what follows

	store   *store   // owned by the holder of turn; nil after Close and while the file cannot be read
	seq     int64    // of the last durable event; owned by the holder of turn
	hash    [32]byte // of the last durable event; owned by the holder of turn
	group   *group   // the transaction that is open; owned by the holder of turn, and nil when it leaves
	commits int      // since the last checkpoint; owned by the holder of turn
	parts   int      // likewise
	closed  bool     // owned by the holder of turn
	doubt   bool     // damage was found, and the whole chain not read since; owned by the holder of turn

	id      atomic.Pointer[string]
	blocked atomic.Pointer[BlockedError]
	copied  atomic.Bool   // nobody has noted what was acknowledged last, and nothing was written since
	wrong   atomic.Bool   // damage was found: Reopen derives every projection anew
	idle    chan struct{} // nudges the keeper after a commit
	stop    context.CancelFunc
	keeper  sync.WaitGroup
}

// Open takes the lock, opens or makes the journal, checks its newest events and brings the projections up to date.
// It fails with *LockedError when another process has it, with *DamagedError when what it finds is not what was
// written, and with *NewerError when a newer posd has written to it.
func Open(ctx context.Context, opt Options) (*Journal, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkProjections(opt.Projections); err != nil {
		return nil, err
	}
	j := &Journal{opt: opt, idle: make(chan struct{}, 1)}
	j.setID("")
	if opt.Path != "" {
		l, err := takeLock(opt)
		if err != nil {
			return nil, err
		}
		j.lock = l
	}
	j.mark = openMark(opt)
	if !opt.ReadOnly {
		j.moveIn()
	}
	if err := j.open(ctx, tailLength); err != nil {
		if !j.keepBlocked(err) {
			return nil, j.abandon(err)
		}
	}
	if !opt.ReadOnly {
		j.ballast.fill()
		j.removeScrap()
	}
	j.startKeeper()
	return j, nil
}

// moveIn makes room where there is none, and says who is here. That is news for people only: without it we work, too.
func (j *Journal) moveIn() {
	j.ballast = newBallast(j.opt)
	j.ballast.relieve()
	if j.lock == nil {
		return
	}
	if err := j.lock.write(j.lock.known); err != nil {
		j.opt.Log.Warn("journal's owner cannot be noted", "err", err)
	}
}

// abandon gives everything back after a failed Open.
func (j *Journal) abandon(err error) error {
	j.store.close()
	j.mark.close()
	j.lock.release()
	return err
}

// keepBlocked blocks a journal that is damaged or of a newer posd, or whose disk fails, if the caller wants to have it all the
// same.
func (j *Journal) keepBlocked(err error) bool {
	b := blockedBy(err)
	if !j.opt.KeepDamaged || b.Code != CodeDamaged && b.Code != CodeNewer && !isFault(err) {
		return false
	}
	j.blocked.Store(b)
	if b.Code == CodeDiskFull {
		j.ballast.release()
	}
	j.opt.Log.Error("journal is blocked", "code", b.Code, "what", b.Detail)
	var dam *DamagedError
	if errors.As(err, &dam) && dam.derived {
		j.wrong.Store(true) // Reopen makes it good
	}
	return true
}

// ID names this journal: 8 characters of [0-9A-Z], random when it was made.
func (j *Journal) ID() string { return *j.id.Load() }

func (j *Journal) setID(id string) { j.id.Store(&id) }

// Blocked tells why nothing can be written: nil, or a *BlockedError.
func (j *Journal) Blocked() error {
	if b := j.blocked.Load(); b != nil {
		return b
	}
	return nil
}

// acquire waits for the turn, and for the commit of what is open.
func (j *Journal) acquire(ctx context.Context) error { return j.turn.enter(ctx, false) }

func (j *Journal) release() { j.turn.leave() }

// Reopen closes the file, opens it again and checks it as a start does; where damage was found, the whole chain. When all is
// well the journal is no longer blocked; what a failed commit had written may or may not be there.
func (j *Journal) Reopen(ctx context.Context) error {
	if err := j.acquire(ctx); err != nil {
		return err
	}
	defer j.release()
	if j.closed {
		return errClosed
	}
	if j.opt.Path != "" {
		j.store.close()
		j.store = nil
	}
	if err := j.open(ctx, j.doubted()); err != nil {
		j.blocked.Store(blockedBy(err))
		return err
	}
	j.doubt = false
	j.wrong.Store(false)
	j.blocked.Store(nil)
	j.opt.Log.Info("journal reopened", "seq", j.seq)
	return nil
}

// doubted is how many events Reopen checks. Everybody waits for it, and of a failed commit only the end is in doubt.
func (j *Journal) doubted() int64 {
	if b := j.blocked.Load(); j.wrong.Load() || b != nil && b.Code == CodeDamaged {
		j.doubt = true
	}
	if j.doubt {
		return wholeChain
	}
	return tailLength
}

// Close waits for the transaction that runs, writes the log back into the file and gives up the lock.
func (j *Journal) Close() error {
	j.stop()
	j.keeper.Wait()
	_ = j.acquire(unbound) // which never ends
	defer j.release()
	if j.closed {
		return nil
	}
	j.closed = true
	var err error
	if j.store != nil && j.blocked.Load() == nil && !j.opt.Memory && !j.opt.ReadOnly {
		if err = j.store.checkpoint(cutOff); err != nil {
			err = fmt.Errorf("write journal back: %w", err)
		}
	}
	j.store.close()
	j.store = nil
	j.mark.close()
	j.lock.release()
	return err
}
