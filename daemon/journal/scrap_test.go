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

// squanderer is a tally that lets a disk fill while it is folded, or writes more than its file may hold.
type squanderer struct {
	tally
	folded func(tx *journal.Tx, e journal.Event) error
}

func (s squanderer) Fold(tx *journal.Tx, e journal.Event) error {
	if err := s.folded(tx, e); err != nil {
		return err
	}
	return s.tally.Fold(tx, e)
}

func TestVerifyEndsWhenTheDiskFillsMeanwhile(t *testing.T) {
	opt := options(t)
	var verifying bool
	var last, free int64 = 0, 1 << 30
	opt.Free = func() int64 { return free }
	opt.Projections = []journal.Projection{squanderer{folded: func(_ *journal.Tx, e journal.Event) error {
		if verifying {
			last, free = e.Seq, 15<<20
		}
		return nil
	}}}
	j := bulky(t, opt)
	verifying = true
	_, err := j.Verify(t.Context())
	if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "15 MiB free") || last > 100 || j.Blocked() != nil {
		t.Errorf("after %d events: %v, blocked by %v; want no room after 100", last, err, j.Blocked())
	}
}

func TestTheFileOfVerifyThatTheDiskTakesNotIsAFullDisk(t *testing.T) {
	opt := options(t)
	verifying := false
	opt.Projections = []journal.Projection{squanderer{folded: func(tx *journal.Tx, e journal.Event) error {
		if verifying && e.Seq == 1 {
			return tx.Exec("PRAGMA max_page_count = 1")
		}
		return nil
	}}}
	j := bulky(t, opt)
	verifying = true
	_, err := j.Verify(t.Context())
	if !errors.Is(err, journal.ErrFull) || j.Blocked() != nil {
		t.Errorf("got %v, blocked by %v; want no room", err, j.Blocked())
	}
	if _, err := os.Stat(opt.Path + ".verify"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there (%v)", err)
	}
}
