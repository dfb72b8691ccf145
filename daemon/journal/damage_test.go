package journal_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// written makes a closed journal with n events.
func written(t testing.TB, n int) journal.Options {
	t.Helper()
	opt := options(t)
	j := open(t, opt)
	for i := range n {
		appendNotes(t, j, "sale/1", fmt.Sprintf("event number %03d", i+1))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return opt
}

// tamper runs statements on a closed journal, as a person with an SQLite tool could.
func tamper(t *testing.T, opt journal.Options, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func wantDamage(t *testing.T, err error, seq int64, what string) {
	t.Helper()
	var dam *journal.DamagedError
	if !errors.As(err, &dam) {
		t.Fatalf("got %v, want a DamagedError", err)
	}
	if dam.Seq != seq || !strings.Contains(dam.Error(), what) || dam.Remedy == "" {
		t.Errorf("got event %d, %q, remedy %q; want event %d, %q and a remedy", dam.Seq, dam.What, dam.Remedy, seq, what)
	}
}

func TestTamperedEventsAreNamed(t *testing.T) {
	const unguard = "DROP TRIGGER event_no_update; DROP TRIGGER event_no_delete; DROP TRIGGER event_in_order;"
	for name, tc := range map[string]struct {
		statement string
		seq       int64
		what      string
	}{
		"body":            {"UPDATE event SET body = '{}' WHERE seq = 4", 4, "content"},
		"time":            {"UPDATE event SET time = replace(time, '2025', '2024') WHERE seq = 4", 4, "content"},
		"unreadable time": {"UPDATE event SET time = 'noon' WHERE seq = 4", 4, "content"},
		"kind to subject": {"UPDATE event SET subject = subject || 'n', kind = 'ote' WHERE seq = 4", 4, "content"},
		"hash":            {"UPDATE event SET hash = zeroblob(32) WHERE seq = 4", 4, "content"},
		"prev":            {"UPDATE event SET prev = zeroblob(32) WHERE seq = 4", 4, "does not follow"},
		"gap":             {"DELETE FROM event WHERE seq = 4", 4, "missing"},
		"first gone":      {"DELETE FROM event WHERE seq = 1", 1, "missing"},
		"last gone":       {"DELETE FROM event WHERE seq = 9", 9, "ends at event 8"},
		"all gone":        {"DELETE FROM event", 1, "ends at event 0"},
		"head":            {"UPDATE head SET seq = 5", 6, "its head says 5"},
		"head's hash":     {"UPDATE head SET hash = zeroblob(32)", 9, "hash"},
		"head gone":       {"DELETE FROM head", 0, "head is missing"},
		"other journal":   {"UPDATE meta SET value = 'AAAAAAAA'", 1, "does not follow"},
		"name gone":       {"DELETE FROM meta", 0, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := written(t, 9)
			tamper(t, opt, unguard, tc.statement)
			_, err := journal.Open(t.Context(), opt)
			wantDamage(t, err, tc.seq, tc.what)
		})
	}
}

// large makes a closed journal that is too large to be checked wholly at each start.
func large(t *testing.T) journal.Options {
	t.Helper()
	opt := options(t)
	j := open(t, opt)
	entries := make([]journal.Entry, 1500)
	for i := range entries {
		entries[i] = journal.Entry{Subject: "sale/1", Kind: "note", Body: note{N: i}}
	}
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(entries...) }); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	return opt
}

func TestDamageBeyondTheTailIsFoundByVerify(t *testing.T) {
	opt := large(t)
	tamper(t, opt, "DROP TRIGGER event_no_update", "UPDATE event SET kind = 'other' WHERE seq = 17")
	j := open(t, opt)
	_, err := j.Verify(t.Context())
	wantDamage(t, err, 17, "content")
	wantDamage(t, j.Reopen(t.Context()), 17, "content")
	if j.Blocked() == nil {
		t.Error("a journal that reopened damaged is not blocked")
	}
}

func TestAChangedProjectionIsFoundByVerifyAndInASmallJournalAtOnce(t *testing.T) {
	for name, statement := range map[string]string{
		"changed": "UPDATE tally SET n = 8",
		"missing": "DELETE FROM tally",
		"extra":   "INSERT INTO tally VALUES ('sale/0', 1)",
	} {
		t.Run(name, func(t *testing.T) {
			opt := written(t, 9)
			tamper(t, opt, statement)
			_, err := journal.Open(t.Context(), opt)
			wantDamage(t, err, 0, "table tally differs")

			opt = large(t)
			tamper(t, opt, statement)
			_, err = open(t, opt).Verify(t.Context())
			wantDamage(t, err, 0, "table tally differs")
		})
	}
}

func TestChangedTablesIndexesAndTriggersAreNamed(t *testing.T) {
	for statement, what := range map[string]string{
		"DROP TRIGGER event_no_delete":    "trigger event_no_delete is missing",
		"DROP INDEX event_subject":        "index event_subject is missing",
		"ALTER TABLE tally ADD more TEXT": "table tally is missing or changed",
		"DROP TABLE tally_kept":           "table tally_kept is missing",
		"CREATE TRIGGER greedy BEFORE INSERT ON event BEGIN SELECT raise(IGNORE); END": "trigger greedy is not ours",
	} {
		opt := written(t, 1)
		tamper(t, opt, statement)
		_, err := journal.Open(t.Context(), opt)
		wantDamage(t, err, 0, what)
	}
	opt := written(t, 1)
	tamper(t, opt, "ALTER TABLE tally_kept ADD more", "CREATE TABLE left_over (x)")
	open(t, opt) // older or newer tables that are no derivation
}

func TestLostEndOfTheLogIsNoticed(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "one")
	if err := j.Reopen(t.Context()); err != nil { // writes the log back
		t.Fatal(err)
	}
	appendNotes(t, j, "sale/1", "two", "three")
	left := killed(t, opt)
	if err := os.Truncate(left.Path+"-wal", 100); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), left)
	wantDamage(t, err, 2, "events up to 3 were acknowledged")
	_, err = journal.Open(t.Context(), left)
	wantDamage(t, err, 2, left.Path+".mark")

	if err := os.Remove(left.Path + ".mark"); err != nil { // as the remedy says
		t.Fatal(err)
	}
	appendNotes(t, open(t, left), "sale/1", "other two")
}

// killed copies an open journal, as a killed process would leave it.
func killed(t *testing.T, opt journal.Options) journal.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	for _, name := range []string{"", "-wal", ".mark", ".owner"} {
		text, err := os.ReadFile(opt.Path + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opt.Path = path
	return opt
}

func TestAnotherEndOfTheLogIsNoticed(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "one")
	older := killed(t, opt)
	appendNotes(t, j, "sale/1", "two")
	newer := killed(t, opt)
	appendNotes(t, open(t, older), "sale/1", "another two")
	other := killed(t, older)
	if text, err := os.ReadFile(newer.Path + ".mark"); err != nil || os.WriteFile(other.Path+".mark", text, 0o600) != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), other)
	wantDamage(t, err, 2, "not the one that was acknowledged")
}

func TestAMarkThatCannotBeReadHarmsNothing(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "cut off": "ABCD", "other": strings.Repeat("7", 110)} {
		opt := written(t, 2)
		if err := os.WriteFile(opt.Path+".mark", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := len(events(t, open(t, opt))); got != 2 {
			t.Errorf("mark %s: %d events, want 2", name, got)
		}
	}
}

// flips says which bytes of the file to change: those of the events' text, and some everywhere else.
func flips(text []byte) (inEvents map[int]int64, others []int) {
	inEvents = map[int]int64{}
	for seq := int64(1); seq <= 9; seq++ {
		at := bytes.Index(text, fmt.Appendf(nil, "event number %03d", seq))
		inEvents[at] = seq
		inEvents[at+15] = seq
	}
	for at := 0; at < len(text); at += 101 {
		others = append(others, at)
	}
	return inEvents, others
}

func TestFlippedBytesNeverPassUnseen(t *testing.T) {
	opt := written(t, 9)
	text, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	inEvents, others := flips(text)
	for at, seq := range inEvents {
		wantDamage(t, flipped(t, opt, text, at), seq, "content")
	}
	var seen int
	for _, at := range others {
		if flipped(t, opt, text, at) != nil {
			seen++
		}
	}
	t.Logf("%d of %d other places noticed; the rest are unused or projections' bytes", seen, len(others))
}

// flipped opens a copy of the journal with one byte changed, and verifies it. It fails the test when events come back
// other than they were written without a word.
func flipped(t *testing.T, opt journal.Options, text []byte, at int) error {
	t.Helper()
	text = bytes.Clone(text)
	text[at] ^= 0x01
	opt.Path = filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(opt.Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), opt)
	if err != nil {
		return err
	}
	defer j.Close()
	if _, err := j.Verify(t.Context()); err != nil {
		return err
	}
	list, err := j.Events(t.Context(), 0, 0, "")
	if err != nil {
		return err
	}
	for i, e := range list {
		if want := fmt.Sprintf(`{"text":"event number %03d"}`, i+1); string(e.Body) != want || len(list) != 9 {
			t.Errorf("byte %d flipped: %d events, body %s, want %s", at, len(list), e.Body, want)
		}
	}
	return nil
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	opt := written(t, 9)
	text, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(text); n += 997 { // SQLite finds nothing in a file of one byte
		if err := os.WriteFile(opt.Path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(t.Context(), opt)
		if err == nil {
			_ = j.Close()
			t.Errorf("a journal cut to %d of %d bytes opens", n, len(text))
		}
	}
}

func TestMissingFileIsNoReasonToBeginAnew(t *testing.T) {
	opt := written(t, 1)
	if err := os.Remove(opt.Path); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), opt)
	wantDamage(t, err, 0, "missing or empty")
	if err := os.Remove(opt.Path + ".owner"); err != nil {
		t.Fatal(err)
	}
	open(t, opt)
}

func TestStrangeFilesAreRefusedWithTheReason(t *testing.T) {
	opt := options(t)
	if err := os.WriteFile(opt.Path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), opt)
	wantDamage(t, err, 0, "not a database")

	opt = options(t)
	tamper(t, opt, "CREATE TABLE other (x)")
	if _, err := journal.Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "no journal of posd") {
		t.Errorf("somebody else's database: %v", err)
	}

	opt = written(t, 1)
	tamper(t, opt, "PRAGMA user_version = 2")
	_, err = journal.Open(t.Context(), opt)
	wantDamage(t, err, 0, "format 2")

	if err := os.Remove(opt.Path + ".owner"); err != nil { // nobody knows that a journal was here
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("a newer format: %v", err)
	}
}

func TestAJournalWithAChangedShapeIsDamaged(t *testing.T) {
	for statement, what := range map[string]string{
		"PRAGMA application_id = 7":                     "no journal of posd",
		"ALTER TABLE head RENAME hash TO hush":          "no such column",
		"ALTER TABLE event RENAME kind TO kin":          "no such column",
		"ALTER TABLE projection RENAME digest TO digit": "no such column",
		"DROP TABLE meta":                               "no such table",
		"DROP TABLE head; CREATE TABLE head (one, seq, hash); INSERT INTO head VALUES (1, 'x', 'y')": "head cannot be read",
	} {
		opt := written(t, 1)
		tamper(t, opt, statement)
		_, err := journal.Open(t.Context(), opt)
		wantDamage(t, err, 0, what)
		opt.KeepDamaged = true
		if j := open(t, opt); j.Blocked() == nil {
			t.Errorf("%s: not blocked", statement)
		}
	}
}

func TestDamagedJournalCanBeKeptToRead(t *testing.T) {
	opt := written(t, 9)
	tamper(t, opt, "DROP TRIGGER event_no_update", "UPDATE event SET kind = 'other' WHERE seq = 4")
	opt.KeepDamaged = true
	j := open(t, opt)
	var blocked *journal.BlockedError
	if !errors.As(j.Blocked(), &blocked) || blocked.Code != journal.CodeDamaged {
		t.Fatalf("blocked: %v, want %s", j.Blocked(), journal.CodeDamaged)
	}
	if err := j.Update(t.Context(), func(*journal.Tx) error { return nil }); !errors.As(err, &blocked) {
		t.Errorf("update: %v, want a BlockedError", err)
	}
	if got := len(events(t, j)); got != 9 {
		t.Errorf("%d events can be read, want 9", got)
	}
	tamper(t, journal.Options{Path: filepath.Join(t.TempDir(), "x")}, "SELECT 1") // the driver still works
	if err := os.WriteFile(opt.Path, []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Reopen(t.Context()); err == nil {
		t.Error("reopened a file that is no database")
	}
	if _, err := j.Events(context.Background(), 0, 0, ""); err == nil {
		t.Error("events of a file that is no database")
	}
}
