package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// crashPlan says when a life ends: around the commit of an event. Which one is drawn for each event by itself, not
// counted: of what happens in one moment no order is told.
type crashPlan struct {
	kind  string // of the event; "" for any about payments
	after bool   // the commit is on disk; else it is not
	oneIn int    // of the events of the kind; 0 for none
	torn  bool   // with after: the disk has lost a part of it
}

// crashKinds are the events before and after whose commit posd falls.
var crashKinds = []string{
	"sale.opened", "sale.acked", "attempt.created", "attempt.sent", "attempt.asked", "attempt.approved", "attempt.declined", "attempt.unsent",
	"attempt.cancelled", "attempt.reversing", "reversal.tried", "attempt.reversed", "attempt.stuck", "attempt.settled", "attempt.told",
	"attempt.voided", "attempt.refunded", "pair.suspected", "pair.moved", "batch.closing", "batch.step", "batch.tried", "batch.closed",
	"batch.refused", "terminal.trace", "terminal.batch", "terminal.messages", "attempt.late",
	"print_queued", "print_started", "print_done", "print_unsure",
}

// rareKinds come up seldom: they get more of the plans.
var rareKinds = []string{
	"attempt.settled", "attempt.late", "attempt.stuck", "attempt.unsent", "attempt.cancelled", "attempt.declined", "attempt.voided", "pair.suspected",
	"pair.moved", "batch.closing", "batch.step", "batch.closed", "batch.refused", "batch.tried", "terminal.batch", "terminal.messages", "print_unsure",
}

// planCrash draws the end of a life. Each point has its turn. The caller holds mu.
func (s *shop) planCrash(n int) crashPlan {
	rng := s.draw("plan", fmt.Sprint(n))
	if s.calm || n > s.crashes {
		return crashPlan{}
	}
	switch rng.IntN(4) {
	case 0:
		return crashPlan{after: true, oneIn: 1 + rng.IntN(150), torn: rng.IntN(2) == 0}
	case 1:
		return crashPlan{kind: rareKinds[rng.IntN(len(rareKinds))], after: rng.IntN(2) == 0, oneIn: 1 + rng.IntN(2), torn: rng.IntN(3) == 0}
	}
	at := (7*int(s.seed) + n) % (2 * len(crashKinds))
	return crashPlan{kind: crashKinds[at%len(crashKinds)], after: at >= len(crashKinds), oneIn: 1 + rng.IntN(12), torn: rng.IntN(3) == 0}
}

// rarestKinds come up on few days only, the first of them most rarely.
var rarestKinds = []string{
	"attempt.late", "pair.moved", "pair.suspected", "batch.refused", "attempt.unsent", "terminal.batch", "terminal.trace", "print_unsure",
}

// planRarest draws a crash that waits for its moment all day, whatever ends the lives before.
func (s *shop) planRarest() crashPlan {
	rng := s.draw("rarest", "")
	kind := rarestKinds[0]
	if rng.IntN(2) == 0 {
		kind = rarestKinds[rng.IntN(len(rarestKinds))]
	}
	return crashPlan{kind: kind, oneIn: 1, after: rng.IntN(2) == 0, torn: rng.IntN(3) == 0}
}

// meets gives the plan whose moment has come with the commit that runs. The caller holds mu.
func (l *life) meets(after bool) (crashPlan, bool) {
	for _, p := range []*crashPlan{&l.plan, &l.shop.rarest} {
		if p.after == after && slices.ContainsFunc(l.events, func(e stamped) bool { return l.shop.isMoment(*p, e) }) {
			met := *p
			p.oneIn = 0
			return met, true
		}
	}
	return crashPlan{}, false
}

// isMoment draws whether an event is the one that a plan waits for.
func (s *shop) isMoment(p crashPlan, e stamped) bool {
	if p.oneIn == 0 || p.kind != e.Kind && (p.kind != "" || !counts(e.Kind)) {
		return false
	}
	return s.draw("moment", fmt.Sprint(e.Kind, e.Subject, e.at)).IntN(p.oneIn) == 0
}

// counts tells whether a kind of event counts where any does: those that are written beside others, in no order that is
// told, do not.
func counts(kind string) bool {
	return !strings.HasPrefix(kind, "print") && kind != "attempt.told" && kind != "terminal.messages"
}

// point names the moment, for the tally.
func (p crashPlan) point() string {
	side := "before "
	if p.after {
		side = "after "
	}
	if p.kind == "" {
		return "after any commit"
	}
	return side + p.kind
}

func (l *life) beforeCommit() error {
	s := l.shop
	s.mu.Lock()
	defer s.mu.Unlock()
	l.events = slices.Clone(s.mirror.pending)
	if l.dead {
		return errPower
	}
	if s.diskFails && len(l.events) > 0 {
		s.diskFails, l.failed = false, true
		s.tally.add("fault", "disk: a commit fails")
		s.noteHeld("disk", "fails the commit of "+strings.Join(s.mirror.kinds(), ", "))
		return errDisk
	}
	if plan, meets := l.meets(false); meets {
		s.snap(false)
		l.fall(plan.point())
		return errPower
	}
	l.commits = true
	s.mark, _ = os.ReadFile(s.cfg.Journal.Path + ".mark") // there is none before the first commit
	return nil
}

// cut is a power cut at a moment that the journal does not choose. One that comes while a commit is written waits for
// it: nobody hears of that commit any more.
func (s *shop) cut(point string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch l := s.life; {
	case l == nil || l.dead || s.calm:
	case l.commits:
		s.tally.add("fault", point)
		l.cutSoon = point
	default:
		s.tally.add("fault", point)
		s.snap(false)
		l.fall(point)
	}
}

func (l *life) afterCommit(seq int64) {
	s := l.shop
	s.mu.Lock()
	defer s.mu.Unlock()
	l.commits = false
	s.mirror.undone(seq)
	plan, meets := l.meets(true)
	if meets && plan.torn && s.snap(true) {
		s.tally.add("fault", "disk: a commit is torn")
		l.fall(plan.point())
		return
	}
	s.mirror.commit(s)
	if meets || l.cutSoon != "" {
		s.snap(false)
		l.fall(cmp.Or(l.cutSoon, plan.point()))
	}
}

// snap keeps the journal's files as they are at a crash. A torn commit is one that the log lacks from some place on, or that
// is garbled there. One that was written back already cannot be torn any more, and snap says so. The caller holds mu.
func (s *shop) snap(tear bool) (torn bool) {
	path := s.cfg.Journal.Path
	log, errLog := os.ReadFile(path + "-wal")
	if errors.Is(errLog, fs.ErrNotExist) { // nothing was written since the start
		errLog = nil
	}
	file, err := os.ReadFile(path)
	if err := errors.Join(err, errLog); err != nil {
		s.broken = append(s.broken, "the journal cannot be copied: "+err.Error())
	}
	from, end := lastCommit(log)
	if torn = tear && from < end; torn {
		rng := s.draw("torn", fmt.Sprint(s.lives))
		at := from + rng.IntN(end-from)
		if rng.IntN(2) == 0 {
			log = log[:at]
		} else {
			log[at] ^= byte(1 + rng.IntN(255))
		}
	}
	mark := s.mark // a commit that is torn was not acknowledged
	if !torn {
		mark, _ = os.ReadFile(path + ".mark")
	}
	mark, _, _ = bytes.Cut(mark, []byte("\n")) // without which file it belongs to: restore makes a new one of the same
	s.image = map[string][]byte{path: file, path + "-wal": log, path + ".mark": append(mark, '\n')}
	if !torn {
		s.keepsOlder()
	}
	return torn
}

// lastCommit gives the part of a log that its last commit wrote; what stands behind that is of an older log
// (sqlite.org/fileformat2.html, section 4).
func lastCommit(log []byte) (from, end int) {
	const head, frame = 32, 24 + 4096
	if len(log) < head || binary.BigEndian.Uint32(log) == 0 {
		return 0, 0 // it has been written back
	}
	salts := log[16:24]
	from, end = head, head
	for at := head; at+frame <= len(log) && bytes.Equal(log[at+8:at+16], salts); at += frame {
		if pages := binary.BigEndian.Uint32(log[at+4:]); pages != 0 { // the frame that ends a commit
			from, end = end, at+frame
		}
	}
	return from, end
}

// restore puts the files back as the crash left them.
func (s *shop) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(s.image)
	s.image = nil
	s.mirror.forget()
}

// free is what the disk has left.
func (s *shop) free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.diskFull {
		return 8 << 20
	}
	return 1 << 30
}
