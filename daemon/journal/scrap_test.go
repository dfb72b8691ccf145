package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// bulky makes an open journal of some 10 MiB.
func bulky(t *testing.T, opt journal.Options) *journal.Journal {
	t.Helper()
	j := open(t, opt)
	entries := make([]journal.Entry, 1200)
	for i := range entries {
		entries[i] = journal.Entry{Subject: fmt.Sprint("sale/", i), Kind: "note", Body: note{Text: strings.Repeat("x", 8<<10)}}
	}
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(entries...) }); err != nil {
		t.Fatal(err)
	}
	return j
}

// beholder is a tally that looks for a file while it is folded.
type beholder struct {
	tally
	path string
	seen *bool
}

func (b beholder) Fold(tx *journal.Tx, e journal.Event) error {
	if _, err := os.Stat(b.path); err == nil {
		*b.seen = true
	}
	return b.tally.Fold(tx, e)
}

func TestALargeJournalIsVerifiedWithAFileBesideItThatGoesAgain(t *testing.T) {
	opt := options(t)
	beside, seen := opt.Path+".verify", false
	opt.Projections = []journal.Projection{beholder{path: beside, seen: &seen}}
	j := bulky(t, opt)
	if r, err := j.Verify(t.Context()); err != nil || r.Events != 1200 || len(r.Projections) != 1 || !seen {
		t.Errorf("found %+v, %v; the file was there: %v", r, err, seen)
	}
	if _, err := os.Stat(beside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there (%v)", err)
	}
	err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("UPDATE tally SET n = 8 WHERE subject = 'sale/1100'") })
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Verify(t.Context())
	wantDamage(t, err, 0, "table tally differs")
}

func TestWhatACrashLeavesOfVerifyingIsRemovedByTheNextStart(t *testing.T) {
	opt := written(t, 2)
	if err := os.WriteFile(opt.Path+".verify", []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, opt)
	if files, _ := filepath.Glob(opt.Path + ".verify*"); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
}
