package journal_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

func TestLogIsWrittenBackWhenTheJournalIsIdle(t *testing.T) {
	opt := options(t)
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		appendNotes(t, j, "sale/1", "one", "two")
		if seq := without(t, opt, "-wal"); seq != 0 {
			t.Errorf("the file has event %d, which is still in the log", seq)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if seq := without(t, opt, "-wal"); seq != 2 {
			t.Errorf("after a minute of quiet the file ends at event %d, want 2", seq)
		}
	})
}

// without gives the last event of a copy of an open journal that lacks one of its files.
func without(t *testing.T, opt journal.Options, lost string) int64 {
	t.Helper()
	left := killed(t, opt)
	for _, name := range []string{lost, ".mark"} {
		if err := os.Remove(left.Path + name); err != nil {
			t.Fatal(err)
		}
	}
	j := open(t, left)
	defer j.Close()
	events, err := j.Events(t.Context(), 0, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(events))
}

func TestWhatIsLeftOfALogThatWasWrittenBackBringsNoOldPageBack(t *testing.T) {
	opt := options(t)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, opt)
		appendNotes(t, j, "sale/1", "one", "two", "three")
		time.Sleep(time.Minute) // it is written back
		synctest.Wait()
		const frame = 24 + 4096
		for frames := range int64(9) {
			left := killed(t, opt)
			if err := os.Truncate(left.Path+"-wal", 32+frames*frame); err != nil {
				t.Fatal(err)
			}
			if n := count(t, open(t, left), "sale/1"); n != 3 {
				t.Errorf("%d frames are left of the log, and %d of 3 notes", frames, n)
			}
		}
	})
}

func TestWhatIsWrittenAfterALogWasWrittenBackOutlivesAKill(t *testing.T) {
	opt := options(t)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, opt)
		for round := range 5 {
			appendNotes(t, j, "sale/1", "one", "two")
			if n := count(t, open(t, killed(t, opt)), "sale/1"); n != 3*round+2 {
				t.Fatalf("round %d: %d notes, want %d", round, n, 3*round+2)
			}
			time.Sleep(time.Minute) // the log is written back
			synctest.Wait()
			if err := j.Export(t.Context(), filepath.Join(t.TempDir(), "copy.db"), journal.Extract{}); err != nil {
				t.Fatal(err)
			}
			count(t, j, "sale/1")
			appendNotes(t, j, "sale/1", "three")
			if n := count(t, open(t, killed(t, opt)), "sale/1"); n != 3*round+3 {
				t.Fatalf("round %d, after it was written back: %d notes, want %d", round, n, 3*round+3)
			}
		}
	})
}
