package journal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// looked opens a journal to look at it.
func looked(opt journal.Options) journal.Options {
	opt.ReadOnly, opt.KeepDamaged, opt.Owner = true, true, "a technician"
	return opt
}

func TestWhoOnlyLooksChangesNothing(t *testing.T) {
	opt := written(t, 9)
	before, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, looked(opt))
	r, err := j.Verify(t.Context())
	if err != nil || r.Events != 9 || r.First.IsZero() || r.Last.Before(r.First) || len(r.Projections) != 1 {
		t.Errorf("found %+v, %v", r, err)
	}
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "x", Kind: "note"}) }); err == nil {
		t.Error("who only looks can write")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(opt.Path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed (%v)", err)
	}
	owner, err := os.ReadFile(opt.Path + ".owner")
	if err != nil || !strings.HasPrefix(string(owner), "posd\n") {
		t.Errorf("the owner is %q now (%v)", owner, err)
	}
}

func TestWhoOnlyLooksSeesWhatACrashLeftInTheLog(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "one", "two")
	crashed := options(t)
	for _, name := range []string{"", "-wal"} {
		text, err := os.ReadFile(opt.Path + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed.Path+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := open(t, looked(crashed)).Verify(t.Context()); err != nil || r.Events != 2 {
		t.Errorf("found %+v, %v; want 2 events", r, err)
	}
}

func TestALookMakesNoFile(t *testing.T) {
	opt := looked(options(t))
	if _, err := journal.Open(t.Context(), opt); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(opt.Path)); len(files) > 0 {
		t.Errorf("files are left: %v", files)
	}
}

func TestALookNamesTheOwner(t *testing.T) {
	opt := options(t)
	open(t, opt)
	var locked *journal.LockedError
	if _, err := journal.Open(t.Context(), looked(opt)); !errors.As(err, &locked) || locked.Owner != "posd" || locked.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
}

func TestALookAtDamageTellsWhatIsGoodBeforeIt(t *testing.T) {
	opt := written(t, 9)
	tamper(t, opt, "DROP TRIGGER event_no_update", "UPDATE event SET body = '{}' WHERE seq = 6")
	r, err := open(t, looked(opt)).Verify(t.Context())
	wantDamage(t, err, 6, "content")
	if r.Events != 5 || r.Last.IsZero() {
		t.Errorf("found %+v, want 5 good events", r)
	}
}

func TestTablesOfAnotherVersionAreNotTakenForDamage(t *testing.T) {
	opt := looked(written(t, 9))
	opt.Projections = []journal.Projection{tally{schema: "CREATE TABLE tally (subject TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT -- as another version has it"}}
	j := open(t, opt)
	if r, err := j.Verify(t.Context()); err == nil && len(r.Stale) == 1 && len(r.Projections) == 0 {
		return
	}
	t.Error("tables of another version are compared")
}

func TestDamageThatVerifyFindsStopsWritingUntilTablesAreDerivedAnew(t *testing.T) {
	j := open(t, options(t))
	appendNotes(t, j, "sale/1", "one")
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("UPDATE tally SET n = 8") }); err != nil {
		t.Fatal(err)
	}
	_, err := j.Verify(t.Context())
	wantDamage(t, err, 0, "table tally differs")
	var b *journal.BlockedError
	if !errors.As(j.Blocked(), &b) || b.Code != journal.CodeDamaged || b.Remedy == "" {
		t.Errorf("after damage the journal is blocked by %v", j.Blocked())
	}
	if err := j.Reopen(t.Context()); err != nil || j.Blocked() != nil {
		t.Fatalf("reopen: %v, blocked by %v", err, j.Blocked())
	}
	if _, err := j.Verify(t.Context()); err != nil {
		t.Errorf("after tables were derived anew: %v", err)
	}
}

func TestATableThatAStartFindsWrongIsDerivedAnew(t *testing.T) {
	for name, statement := range map[string]string{"row": "UPDATE tally SET n = 8", "table": "DROP TABLE tally", "column": "ALTER TABLE tally ADD COLUMN x TEXT"} {
		t.Run(name, func(t *testing.T) {
			opt := written(t, 9)
			tamper(t, opt, statement)
			opt.KeepDamaged = true
			j := open(t, opt)
			if j.Blocked() == nil {
				t.Error("a journal with a wrong table is not blocked")
			}
			if err := j.Reopen(t.Context()); err != nil || j.Blocked() != nil {
				t.Fatalf("reopen: %v, blocked by %v", err, j.Blocked())
			}
			if _, err := j.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestALookFindsThatTheEndIsLost(t *testing.T) {
	opt := written(t, 9)
	tamper(t, opt, "DROP TRIGGER event_no_delete", "DELETE FROM event WHERE seq = 9",
		"UPDATE head SET seq = 8, hash = (SELECT hash FROM event WHERE seq = 8)")
	_, err := open(t, looked(opt)).Verify(t.Context())
	wantDamage(t, err, 9, "were acknowledged")
}

func TestAnExportLeavesOutWhatStaysAtHome(t *testing.T) {
	j := open(t, options(t))
	appendNotes(t, j, "sale/1", "one")
	const secret = "sealed-card-data-0123456789"
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("INSERT INTO tally_kept VALUES (?)", secret) }); err != nil {
		t.Fatal(err)
	}
	f, giveUp, err := j.Copy(t.Context(), journal.Extract{Empty: []string{"tally_kept"}, Views: "CREATE VIEW notes AS SELECT seq, subject FROM event"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.Name())
	giveUp()
	if err != nil || bytes.Contains(text, []byte(secret)) || !bytes.Contains(text, []byte("CREATE VIEW notes")) {
		t.Errorf("the copy holds the secret, or no view (%v)", err)
	}
	if _, err := os.Stat(f.Name()); err == nil {
		t.Error("the copy is still there")
	}
}
