package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// crashed makes an older copy of a journal's file, and what a kill left of the journal later: its end is in the log.
func crashed(t *testing.T) (older []byte, left journal.Options) {
	t.Helper()
	opt := options(t)
	j := open(t, opt)
	for range 20 {
		appendNotes(t, j, "sale/1", "an older note", "and another one")
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := j.Export(t.Context(), path, journal.Extract{}); err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		appendNotes(t, j, "sale/2", "a newer note", "and another one")
	}
	if err := j.Reopen(t.Context()); err != nil { // so much is in the file
		t.Fatal(err)
	}
	appendNotes(t, j, "sale/2", "the last note")
	return older, killed(t, opt)
}

func TestALogThatIsLeftBesideARestoredFileDestroysItNot(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nobody looks there first")
	}
	for name, lost := range map[string]bool{"with its mark": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			older, opt := crashed(t)
			opt.KeepDamaged = true
			if err := os.WriteFile(opt.Path, older, 0o600); err != nil { // over the file, as cp does
				t.Fatal(err)
			}
			if lost {
				if err := os.Remove(opt.Path + ".mark"); err != nil {
					t.Fatal(err)
				}
			}
			look := open(t, looked(opt))
			if _, err := look.Verify(t.Context()); err == nil {
				t.Error("who only looks finds nothing wrong")
			}
			stop(t, look)
			j := open(t, opt)
			var blocked *journal.BlockedError
			if !errors.As(j.Blocked(), &blocked) || blocked.Code != journal.CodeDamaged || !strings.Contains(blocked.Remedy, opt.Path+"-wal") {
				t.Fatalf("blocked by %v, want a remedy that names the log", j.Blocked())
			}
			if err := j.Reopen(t.Context()); err == nil {
				t.Error("it is open again")
			}
			stop(t, j)
			if text, err := os.ReadFile(opt.Path); err != nil || !bytes.Equal(text, older) {
				t.Fatalf("the copy has changed (%v)", err)
			}
			for _, name := range []string{"-wal", "-shm", ".mark"} { // as the remedy says
				_ = os.Remove(opt.Path + name)
			}
			if j = open(t, opt); j.Blocked() != nil || len(events(t, j)) != 40 {
				t.Errorf("blocked by %v with %d events, want 40", j.Blocked(), len(events(t, j)))
			}
		})
	}
}

func TestTheLogOfACrashIsReadWithoutAMarkToo(t *testing.T) {
	_, opt := crashed(t)
	if err := os.Remove(opt.Path + ".mark"); err != nil {
		t.Fatal(err)
	}
	j := open(t, opt)
	if n := len(events(t, j)); n != 81 {
		t.Errorf("%d events, want 81", n)
	}
	if _, err := os.Stat(opt.Path + "-shm"); err == nil {
		t.Error("the index of the look is left")
	}
}

func TestALookAtTheLogOfACrashLeavesNoIndexOfIt(t *testing.T) {
	_, opt := crashed(t)
	look := open(t, looked(opt))
	if _, err := look.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	stop(t, look)
	wantIndex(t, opt, false)
}

func TestALookLeavesTheIndexThatWasThereBefore(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("one looks at a time there")
	}
	_, opt := crashed(t)
	first := open(t, looked(opt)) // two may look at a copy that was never opened to write: it has no lock
	stop(t, open(t, looked(opt)))
	wantIndex(t, opt, true)
	if n := len(events(t, first)); n != 81 {
		t.Errorf("%d events, want 81", n)
	}
	stop(t, first)
	wantIndex(t, opt, false)
}

func TestAJournalThatIsOpenedAgainWithALogLeavesNoIndexOfIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nobody looks there first")
	}
	older, opt := crashed(t)
	opt.KeepDamaged = true
	right, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(opt.Path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, opt)
	if j.Blocked() == nil {
		t.Error("the log of another file is taken")
	}
	if err := os.WriteFile(opt.Path, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Reopen(t.Context()); err != nil || len(events(t, j)) != 81 {
		t.Errorf("opened again with %d events, want 81 (%v)", len(events(t, j)), err)
	}
	wantIndex(t, opt, false)
}

// wantIndex looks for the index of a log, which who looks has beside it.
func wantIndex(t *testing.T, opt journal.Options, want bool) {
	t.Helper()
	if _, err := os.Stat(opt.Path + "-shm"); (err == nil) != want {
		t.Errorf("an index of the log is there: %v, want %v", err == nil, want)
	}
}
