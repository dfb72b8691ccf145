//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/hwtest/hostsim"
)

// verdict is what a check has found: nothing, if all is well.
type verdict struct{ broken []string }

func (v *verdict) breach(format string, args ...any) {
	v.broken = append(v.broken, fmt.Sprintf(format, args...))
}

// check compares what rests: the journal of a posd that does not run, the ledgers of the other side, what the till was
// told, and what was printed. It names the invariant with each breach.
func (s *shop) check(ctx context.Context) (broken []string, err error) {
	if s.posd.running() {
		return nil, errors.New("posd runs: its journal is its own")
	}
	j, done, err := s.copied(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	v := &verdict{}
	if _, err := j.Verify(ctx); err != nil {
		v.breach("I10: the journal does not verify: %v", err)
		return v.broken, nil
	}
	l, err := s.ledgers()
	if err != nil {
		return nil, err
	}
	sales, err := payment.NewBook(j, nil, time.Now, slog.New(slog.DiscardHandler)).Sales(ctx, "", 1<<30)
	if err != nil {
		return nil, err
	}
	w := newWalk(v)
	if err := w.events(ctx, j); err != nil {
		return nil, err
	}
	for _, sale := range sales {
		v.checkSale(sale, l, w)
	}
	v.checkStrangers(l, w)
	v.checkTold(s.heard(), sales, w)
	s.checkStuck(v, sales, l, w)
	s.checkAcks(v, sales)
	err = errors.Join(s.checkSlips(v, sales, w), s.checkAmounts(v, sales, l), s.checkBatches(v, w))
	return v.broken, err
}

// copied opens a copy of the journal, as it was left.
func (s *shop) copied(ctx context.Context) (j *journal.Journal, done func(), err error) {
	dir, err := os.MkdirTemp(s.dir, "copy-")
	if err != nil {
		return nil, nil, err
	}
	clean := func() { _ = os.RemoveAll(dir) }
	to := filepath.Join(dir, filepath.Base(journalFile))
	for _, suffix := range []string{"", "-wal", ".mark", ".owner"} {
		text, err := os.ReadFile(s.path(journalFile) + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, text, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			clean()
			return nil, nil, err
		}
	}
	j, err = journal.Open(ctx, journal.Options{
		Path: to, Now: time.Now, Owner: "proof", Projections: []journal.Projection{payment.Projection(), prints.Projection()},
	})
	if err != nil {
		clean()
		return nil, nil, fmt.Errorf("I10: the journal does not open: %w", err)
	}
	return j, func() { _ = j.Close(); clean() }, nil
}

// heard is a copy of what the till was told.
func (s *shop) heard() []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// standing are the states in which the other side has done what was asked, and undone those in which it has not.
var (
	standing = []payment.State{payment.ApprovedState, payment.SettledPaid}
	undone   = []payment.State{payment.Unsent, payment.Cancelled, payment.DeclinedState, payment.Reversed, payment.SettledNotPaid}
)

// checkSale holds a sale against the ledgers (I2, I3).
func (v *verdict) checkSale(s payment.Sale, l *ledgers, w *walk) {
	var held int64
	for _, a := range s.Attempts {
		n := a.Numbers
		did := l.did(n.Terminal, n.Batch, n.Trace.String(), n.Order)
		switch {
		case a.Kind == payment.KindBalance: // it moves nothing, whatever the host has noted of it
		case a.State.Open() || a.State == payment.Stuck:
			v.breach("I5: %s is still %s at rest", a.Key, a.State)
		case did && slices.Contains(undone, a.State):
			v.breach("I2: %s is %s, and stands in the other side's ledger", a.Key, a.State)
		case !did && slices.Contains(standing, a.State):
			v.breach("I2: %s is %s, and the other side has nothing of it", a.Key, a.State)
		}
		if twice := l.doubled(a); twice != "" {
			v.breach("I3: %s %s", a.Key, twice)
		}
		held += l.net(a)
	}
	if held < 0 || held > int64(s.Amount) && !w.failedPairs[s.ID] {
		v.breach("I3: sale %s over %d: the ledgers hold %d", s.ID, s.Amount, held)
	}
	if held != int64(s.Net()) {
		v.breach("I3: sale %s: posd says %d, the ledgers hold %d", s.ID, s.Net(), held)
	}
}

// checkStrangers looks for what reached the other side without an intent in the journal (I1).
func (v *verdict) checkStrangers(l *ledgers, w *walk) {
	for _, e := range l.host {
		if _, known := w.numbers[cardKey(e.Terminal, e.Batch, e.Trace)]; !known {
			v.breach("I1: row %d of the host's ledger (%s, trace %s) is no attempt of posd", e.Seq, e.Kind, e.Trace)
		}
	}
	for _, e := range l.wallet {
		_, known := w.numbers[e.Order]
		if _, refund := w.numbers[e.Refund]; !known || e.Refund != "" && !refund {
			v.breach("I1: row %d of the gateway's ledger (%s, order %s) is no attempt of posd", e.Seq, e.Kind, e.Order)
		}
	}
}

// checkBatches wants every batch that the host has closed to hold what the host has, to the cent but for what was open
// when it was closed (rule 13).
func (s *shop) checkBatches(v *verdict, w *walk) error {
	if s.host == nil {
		return nil
	}
	batches, err := book(hostsim.ReadBatches(s.path(hostLedger)))
	for _, b := range batches {
		if b.Closed && (!b.Healed() || b.Told != b.Own && !w.openAtClose[b.Batch]) {
			v.breach("rule 13: batch %s was closed with %+v told and %+v held, missing %v", b.Batch, b.Told, b.Own, b.Missing)
		}
	}
	return err
}
