package journal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"posd/daemon/journal"
)

// halfMade is a projection that lets a start fail in the middle of making the journal.
type halfMade struct{ tally }

func (halfMade) Schema() string { return "this is no table" }

func TestAJournalThatWasNeverFinishedMayBeMadeAgain(t *testing.T) {
	opt := options(t)
	opt.Projections = []journal.Projection{halfMade{}}
	if _, err := journal.Open(t.Context(), opt); err == nil {
		t.Fatal("a journal without its tables was made")
	}
	// What two losses of power may leave: the file was rolled back to nothing, and the log of the first try is still there.
	for name, text := range map[string]string{"": "", "-wal": "what was written of it"} {
		if err := os.WriteFile(opt.Path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opt.Projections = []journal.Projection{tally{}}
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "first")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(opt.Path, 0); err != nil { // this one was finished
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), opt)
	wantDamage(t, err, 0, "missing or empty")
}

func TestMakeFolderMakesWhatIsMissingForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for _, when := range []string{"nothing is there", "all is there"} {
		if err := journal.MakeFolder(dir); err != nil {
			t.Fatalf("when %s: %v", when, err)
		}
	}
	for at := dir; filepath.Base(at) != "a"; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o700 {
			t.Errorf("%s has mode %o", at, mode)
		}
	}
}

func TestMakeFolderRefusesAFileInItsWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := journal.MakeFolder(filepath.Join(file, "b")); err == nil {
		t.Error("a folder below a file was made")
	}
}
