package payment

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"posd/daemon/journal"
)

// unwary is the projection without its answer about kinds that it does not know, as the newer posd has it that knows them.
type unwary struct{ journal.Projection }

func TestAPosdThatTakesTheOlderOnesPlaceBackIsBlocked(t *testing.T) {
	opt := journal.Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, KeepDamaged: true, Restored: Leap,
		Projections: []journal.Projection{unwary{Projection()}},
	}
	newer, err := journal.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	err = newer.Update(t.Context(), func(tx *journal.Tx) error {
		return tx.Append(journal.Entry{Subject: "sale/till/S-1/a", Kind: "attempt.forgiven", Body: Fact{}})
	})
	if err := errors.Join(err, newer.Close()); err != nil {
		t.Fatal(err)
	}
	opt.Projections = []journal.Projection{Projection()}
	j, err := journal.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if p := Explain(j.Blocked()); p == nil || p.Code != "blocked" || p.Remedy == "" {
		t.Errorf("blocked by %v", j.Blocked())
	}
	if list, err := j.Events(t.Context(), 0, 0, ""); err != nil || len(list) != 1 {
		t.Errorf("%d events can be read (%v), want 1", len(list), err)
	}
}

func TestEveryKindOfFactIsKnownAndNoneOfANewerPosd(t *testing.T) {
	for kind := range folds {
		if !(projection{}).Knows(kind) {
			t.Errorf("%s is not known", kind)
		}
	}
	for kind, want := range map[string]bool{
		factMessages: true, "print_queued": true, "note": true, "attempt.forgiven": false, "sale.split": false, "reversal.given_up": false,
		"pair.forgotten": false, "terminal.moved": false, "batch.split": false, "numbers.fell": false,
	} {
		if got := (projection{}).Knows(kind); got != want {
			t.Errorf("%s: known %v, want %v", kind, got, want)
		}
	}
}
