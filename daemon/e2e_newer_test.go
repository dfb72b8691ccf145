package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
)

// foreseeing is a projection as a newer posd has it: it knows every kind of event.
type foreseeing struct{ journal.Projection }

// writeAsNewer appends an event that this posd does not know to the journal of a stopped one.
func (s *store) writeAsNewer(kind string) {
	s.t.Helper()
	ctx := s.t.Context()
	j, err := journal.Open(ctx, journal.Options{
		Path: s.cfg.Journal.Path, Now: time.Now, Owner: "posd",
		Projections: []journal.Projection{foreseeing{payment.Projection()}, foreseeing{prints.Projection()}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	err = j.Update(ctx, func(tx *journal.Tx) error {
		return tx.Append(journal.Entry{Subject: "sale/till/S-1/a", Kind: kind, Body: payment.Fact{}})
	})
	if err := errors.Join(err, j.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func TestAPosdThatIsOlderThanItsJournalTakesNoPaymentAndSaysWhy(t *testing.T) {
	s, p := traded(t)
	p.kill()
	s.writeAsNewer("attempt.forgiven")
	const why = `is a "attempt.forgiven", which this posd does not know: it was written by a newer posd`
	s.complains(why, "journal", "verify")
	s.launchProcess()
	s.complains(why, "journal", "verify")
	wantTold(t, s.works("journal", "show", "--last", "3"), "attempt.forgiven")
	status, problems := s.till.health()
	if status != "blocked" || len(problems) == 0 || !strings.Contains(problems[0].Detail, why) || !strings.HasPrefix(problems[0].Remedy, "use that one") {
		t.Errorf("health is %s, %+v", status, problems)
	}
}
