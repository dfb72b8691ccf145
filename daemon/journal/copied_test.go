package journal_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// leaping counts how often a journal takes itself for a copy that was put back.
func leaping(opt journal.Options) (journal.Options, *int) {
	leaps := 0
	opt.Restored = func(tx *journal.Tx) error {
		leaps++
		return tx.Append(journal.Entry{Subject: "numbers", Kind: "leapt"})
	}
	return opt, &leaps
}

// stop closes a journal in the middle of a test.
func stop(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// taken is what a copy of the whole folder holds.
func taken(t *testing.T, opt journal.Options) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"", ".mark", ".owner"} {
		text, err := os.ReadFile(opt.Path + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	return files
}

// putBack removes the folder's files and makes new ones, as tar, rsync or a file manager do.
func putBack(t *testing.T, opt journal.Options, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		if err := errors.Join(os.Remove(opt.Path+name), os.WriteFile(opt.Path+name, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFolderThatIsPutBackWholeLeapsOnce(t *testing.T) {
	opt, leaps := leaping(written(t, 2))
	older := taken(t, opt)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "three", "four")
	stop(t, j)
	if *leaps != 0 {
		t.Fatalf("a journal that was never copied leaps %d times", *leaps)
	}
	for n := 1; n <= 2; n++ { // the same copy twice
		putBack(t, opt, older)
		for range 2 {
			j = open(t, opt)
			appendNotes(t, j, "sale/1", "another three")
			stop(t, j)
		}
		if *leaps != n {
			t.Errorf("put back %d times, the journal leaps %d times", n, *leaps)
		}
	}
}

func TestAnOlderFileBesideANewerMarkIsNotTakenForANewOne(t *testing.T) {
	opt, leaps := leaping(written(t, 2))
	older := taken(t, opt)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "three")
	stop(t, j)
	delete(older, ".mark")
	putBack(t, opt, older)
	_, err := journal.Open(t.Context(), opt)
	wantDamage(t, err, 3, "events up to 3 were acknowledged")
	if *leaps != 0 {
		t.Errorf("it leaps %d times", *leaps)
	}
}

func TestAMarkOfAnOlderPosdFitsAndLearnsItsFile(t *testing.T) {
	opt, leaps := leaping(written(t, 2))
	text, err := os.ReadFile(opt.Path + ".mark")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(opt.Path+".mark", []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, opt)
	older := taken(t, opt)
	appendNotes(t, j, "sale/1", "three")
	stop(t, j)
	if string(older[".mark"]) != string(text) || *leaps != 0 {
		t.Errorf("the mark is %q, want %q; %d leaps, want none", older[".mark"], text, *leaps)
	}
}

func TestAFailedCommitMakesNoCopyOfAJournal(t *testing.T) {
	opt, leaps := leaping(written(t, 2))
	var fail error
	opt.BeforeCommit = func() error { return fail }
	j := open(t, opt)
	fail = errors.New("input/output error")
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note"}) }); err == nil {
		t.Fatal("a commit that fails is taken")
	}
	fail = nil
	if err := j.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendNotes(t, j, "sale/1", "three")
	if *leaps != 0 {
		t.Errorf("the numbers leap %d times", *leaps)
	}
}
