package journal

import (
	"fmt"

	"posd/daemon/step"
)

const (
	commitsPerCheckpoint = 128  // bounds the log when the journal is never idle
	partsPerCheckpoint   = 2048 // likewise, when many share each commit
	partsPerCommit       = 64   // bounds how long the first of a group waits for the last
)

// group is a transaction that several callers of Update share. Each has a part of it, which is undone alone if it fails;
// the commit, which is what takes time, is one for all. Nobody hears what came of his part before that is durable, and
// nobody else reads before.
type group struct {
	link  link // the last event, with those of the parts so far
	parts int  // begun so far
	steps step.Tx
	over  chan struct{} // closed when it was committed or has come to nothing
	err   error         // why it has come to nothing; set before over is closed
}

// join begins a part of the group that is open, or a group. The caller has the turn.
func (j *Journal) join() (*group, error) {
	if g := j.group; g != nil {
		g.parts++
		if err := j.store.exec("SAVEPOINT part"); err != nil {
			return g, j.end(g, j.ruin(err))
		}
		return g, nil
	}
	if err := j.usable(); err != nil {
		j.turn.leave()
		return nil, err
	}
	j.ballast.relieve()
	if err := j.store.exec("BEGIN IMMEDIATE"); err != nil {
		err = j.block(err)
		j.turn.leave()
		return nil, err
	}
	j.group = &group{link: link{seq: j.seq, hash: j.hash}, parts: 1, over: make(chan struct{})}
	return j.group, nil
}

// settle ends a part, whose function has ended with err, and the group, unless somebody waits to share it. It gives what
// came of the part.
func (j *Journal) settle(g *group, tx *Tx, err error) error {
	tx.over = true
	if fault := firstFault(tx.err, err); isFault(fault) {
		return j.end(g, j.ruin(fault))
	}
	switch {
	case err == nil:
		g.link = tx.link
		step.Join(&g.steps, &tx.steps)
	case g.parts == 1: // it is alone: nothing is left to commit
		if uerr := j.store.exec("ROLLBACK"); uerr != nil {
			return j.end(g, j.block(fmt.Errorf("roll back: %w", uerr)))
		}
		_ = j.end(g, nil)
		return err
	default:
		if uerr := j.store.script("ROLLBACK TO part; RELEASE part"); uerr != nil {
			return j.end(g, j.ruin(fmt.Errorf("roll back: %w", uerr)))
		}
	}
	if g.parts < j.mostParts() && j.turn.pass() {
		<-g.over
	} else {
		_ = j.end(g, j.commit(g))
	}
	if g.err != nil {
		return g.err
	}
	return err
}

// mostParts is how many may share a commit. In memory a commit takes no time, and simulations want each by itself.
func (j *Journal) mostParts() int {
	if j.opt.Memory {
		return 1
	}
	return partsPerCommit
}

// end tells everybody who has a part in the group what came of it, and gives the turn away.
func (j *Journal) end(g *group, err error) error {
	j.group, g.err = nil, err
	close(g.over)
	j.turn.leave()
	return err
}

// ruin undoes the whole group after a fault of the disk, and blocks the journal.
func (j *Journal) ruin(fault error) error {
	_ = j.store.exec("ROLLBACK")
	return j.block(fault)
}

// commit moves the head and makes the group durable.
func (j *Journal) commit(g *group) error {
	appended := g.link.seq != j.seq
	if appended {
		if err := j.store.exec("UPDATE head SET seq = ?, hash = ?", g.link.seq, g.link.hash[:]); err != nil {
			return j.ruin(err)
		}
	}
	step.Before(&g.steps)
	if err := j.store.commit(j.opt.BeforeCommit); err != nil {
		return j.ruin(fmt.Errorf("commit: %w", err))
	}
	step.After(&g.steps)
	j.seq, j.hash = g.link.seq, g.link.hash
	if appended {
		j.mark.set(j.ID(), g.link)
		j.copied.Store(false)
	}
	j.committed(g.parts)
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
func (j *Journal) committed(parts int) {
	if j.opt.Memory {
		return
	}
	j.commits++
	j.parts += parts
	if j.commits >= commitsPerCheckpoint || j.parts >= partsPerCheckpoint {
		j.checkpoint()
	}
	select {
	case j.idle <- struct{}{}:
	default:
	}
}
