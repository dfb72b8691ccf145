package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// note is the body of the tests' events.
type note struct {
	Text string `json:"text"`
	N    int    `json:"n,omitempty"`
}

// tally counts events by subject: a projection as small as can be.
type tally struct{ schema string }

func (tally) Name() string     { return "tally" }
func (tally) Tables() []string { return []string{"tally"} }

func (t tally) Schema() string {
	if t.schema != "" {
		return t.schema
	}
	return "CREATE TABLE tally (subject TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;" +
		"CREATE TABLE IF NOT EXISTS tally_kept (what TEXT)"
}

func (tally) Fold(tx *journal.Tx, e journal.Event) error {
	if e.Kind == "refused" {
		return errRefused
	}
	return tx.Exec("INSERT INTO tally VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1", e.Subject)
}

var errRefused = errors.New("refused by the projection")

func options(t testing.TB) journal.Options {
	t.Helper()
	return journal.Options{
		Path:        filepath.Join(t.TempDir(), "journal.db"),
		Now:         func() time.Time { return time.Date(2025, 11, 22, 9, 30, 0, 42, time.UTC) },
		Projections: []journal.Projection{tally{}},
		Owner:       "posd",
	}
}

func open(t testing.TB, opt journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func appendNotes(t testing.TB, j *journal.Journal, subject string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		err := j.Update(t.Context(), func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: subject, Kind: "note", Body: note{Text: text}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func count(t testing.TB, j *journal.Journal, subject string) (n int) {
	t.Helper()
	err := j.View(t.Context(), func(tx *journal.Tx) error {
		return tx.QueryRow("SELECT coalesce((SELECT n FROM tally WHERE subject = ?), 0)", subject).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func events(t testing.TB, j *journal.Journal) []journal.Event {
	t.Helper()
	list, err := j.Events(t.Context(), 0, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAppendIsFoldedAndSurvivesReopening(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "a <b> & c", "two")
	id := j.ID()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	j = open(t, opt)
	list := events(t, j)
	if len(list) != 2 || count(t, j, "sale/1") != 2 || j.ID() != id || len(id) != 8 {
		t.Fatalf("got %d events, tally %d, id %q; want 2, 2, %q", len(list), count(t, j, "sale/1"), j.ID(), id)
	}
	if got, want := string(list[0].Body), `{"text":"a <b> & c"}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if list[1].Prev != list[0].Hash || !list[0].Time.Equal(opt.Now()) {
		t.Errorf("second event does not follow the first, or its time is wrong: %+v", list[1])
	}
	if info, err := os.Stat(opt.Path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" { // which has no modes
		t.Errorf("file mode %v, want 0600 (%v)", info.Mode(), err)
	}
}

func TestErrorRollsBackEventAndFold(t *testing.T) {
	mine := errors.New("changed my mind")
	for name, tc := range map[string]struct {
		fn   func(tx *journal.Tx) error
		want error
	}{
		"of the function": {func(tx *journal.Tx) error {
			_ = tx.Append(journal.Entry{Subject: "sale/1", Kind: "note"})
			return mine
		}, mine},
		"of a fold": {func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "sale/1", Kind: "refused"})
		}, errRefused},
		"of a fold, ignored": {func(tx *journal.Tx) error {
			_ = tx.Append(journal.Entry{Subject: "sale/1", Kind: "refused"})
			return nil
		}, errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, options(t))
			if err := j.Update(t.Context(), tc.fn); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if n := len(events(t, j)); n != 0 || count(t, j, "sale/1") != 0 || j.Blocked() != nil {
				t.Errorf("%d events left, tally %d, blocked %v", n, count(t, j, "sale/1"), j.Blocked())
			}
			appendNotes(t, j, "sale/1", "still works")
		})
	}
}

func TestPanicInUpdateRollsBack(t *testing.T) {
	j := open(t, options(t))
	func() {
		defer func() { _ = recover() }()
		_ = j.Update(t.Context(), func(tx *journal.Tx) error {
			_ = tx.Append(journal.Entry{Subject: "sale/1", Kind: "note"})
			panic("crash point")
		})
	}()
	appendNotes(t, j, "sale/1", "after")
	if n := len(events(t, j)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestTransactionReadsItsOwnWrites(t *testing.T) {
	j := open(t, options(t))
	err := j.Update(t.Context(), func(tx *journal.Tx) error {
		if err := tx.Append(journal.Entry{Subject: "a", Kind: "note"}, journal.Entry{Subject: "a", Kind: "note"}); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow("SELECT n FROM tally WHERE subject = 'a'").Scan(&n); err != nil || n != 2 {
			return fmt.Errorf("tally %d, want 2 (%w)", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestViewAndFinishedTransactionCannotWrite(t *testing.T) {
	j := open(t, options(t))
	var kept *journal.Tx
	err := j.View(t.Context(), func(tx *journal.Tx) error {
		kept = tx
		return tx.Append(journal.Entry{Subject: "a", Kind: "note"})
	})
	if err == nil {
		t.Error("a view may append")
	}
	if err := kept.Exec("DELETE FROM tally"); err == nil {
		t.Error("a finished transaction may write")
	}
	var n int
	if err := kept.QueryRow("SELECT 1").Scan(&n); err == nil {
		t.Error("a finished transaction may read")
	}
	if n := len(events(t, j)); n != 0 {
		t.Errorf("%d events, want 0", n)
	}
}

func TestEventsCannotBeChangedByAnyStatement(t *testing.T) {
	j := open(t, options(t))
	appendNotes(t, j, "sale/1", "one", "two")
	for _, q := range []string{
		"UPDATE event SET body = '{}'",
		"DELETE FROM event WHERE seq = 2",
		"INSERT OR REPLACE INTO event SELECT * FROM event WHERE seq = 1",
		"INSERT INTO event SELECT 9, time, subject, kind, body, prev, hash FROM event WHERE seq = 1",
	} {
		if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec(q) }); err == nil {
			t.Errorf("%s: no error", q)
		}
	}
	if _, err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSecondOpenNamesTheOwner(t *testing.T) {
	opt := options(t)
	open(t, opt)
	opt.Owner = "another"
	_, err := journal.Open(t.Context(), opt)
	var locked *journal.LockedError
	if !errors.As(err, &locked) || locked.Owner != "posd" || locked.PID != os.Getpid() {
		t.Fatalf("got %v, want a LockedError that names posd and %d", err, os.Getpid())
	}
}

func TestEventsBySubject(t *testing.T) {
	j := open(t, options(t))
	for _, s := range []string{"sale/7", "sale/71", "sale/7/1", "terminal/1", "sale/7"} {
		appendNotes(t, j, s, "x")
	}
	for _, tc := range []struct {
		after   int64
		limit   int
		subject string
		want    string
	}{
		{0, 0, "", "[1 2 3 4 5]"},
		{2, 2, "", "[3 4]"},
		{0, 0, "sale/7", "[1 3 5]"},
		{1, 0, "sale/7", "[3 5]"},
		{0, 0, "sale/", "[1 2 3 5]"},
		{0, 0, "sale", "[1 2 3 5]"},
		{0, 0, "none", "[]"},
	} {
		list, err := j.Events(t.Context(), tc.after, tc.limit, tc.subject)
		if err != nil {
			t.Fatal(err)
		}
		seqs := []int64{}
		for _, e := range list {
			seqs = append(seqs, e.Seq)
		}
		if got := fmt.Sprint(seqs); got != tc.want {
			t.Errorf("after %d, limit %d, subject %q: %s, want %s", tc.after, tc.limit, tc.subject, got, tc.want)
		}
	}
}

func TestExportIsAWholeJournal(t *testing.T) {
	j := open(t, options(t))
	appendNotes(t, j, "sale/1", "one", "two")
	opt := options(t)
	if err := j.Export(t.Context(), opt.Path, journal.Extract{}); err != nil {
		t.Fatal(err)
	}
	if err := j.Export(t.Context(), opt.Path, journal.Extract{}); err == nil {
		t.Error("an export overwrites a file")
	}
	copied := open(t, opt)
	r, err := copied.Verify(t.Context())
	if err != nil || r.Events != 2 || copied.ID() != j.ID() {
		t.Errorf("got %+v, %v, id %s; want 2 events of %s", r, err, copied.ID(), j.ID())
	}
}

func TestMemoryJournalLivesInABubble(t *testing.T) {
	for _, path := range []string{"", "journal.db"} {
		t.Run("path "+path, func(t *testing.T) {
			opt := options(t)
			opt.Memory = true
			if path == "" {
				opt.Path = ""
			}
			synctest.Test(t, func(t *testing.T) {
				var seen []int64
				opt.AfterCommit = func(seq int64) { seen = append(seen, seq) }
				opt.Now = time.Now
				j, err := journal.Open(t.Context(), opt)
				if err != nil {
					t.Fatal(err)
				}
				defer j.Close()
				go func() {
					time.Sleep(time.Hour)
					appendNotes(t, j, "a", "later")
				}()
				appendNotes(t, j, "a", "now")
				time.Sleep(2 * time.Hour)
				if err := j.Reopen(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := j.Verify(t.Context()); err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(seen) != "[1 2]" {
					t.Errorf("crash points %v, want [1 2]", seen)
				}
			})
		})
	}
}

func TestWaitForTheTurnEndsWithTheContext(t *testing.T) {
	j := open(t, options(t))
	inside, leave := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- j.Update(context.Background(), func(*journal.Tx) error { close(inside); <-leave; return nil })
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := j.Update(ctx, func(*journal.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	close(leave)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUseAfterCloseIsAnError(t *testing.T) {
	j := open(t, options(t))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	none := func(*journal.Tx) error { return nil }
	for name, err := range map[string]error{
		"update": j.Update(t.Context(), none),
		"view":   j.View(t.Context(), none),
		"reopen": j.Reopen(t.Context()),
		"export": j.Export(t.Context(), filepath.Join(t.TempDir(), "x"), journal.Extract{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v, want an error that says closed", name, err)
		}
	}
}
