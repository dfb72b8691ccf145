package journal_test

import (
	"errors"
	"testing"

	"posd/daemon/journal"
)

func TestFailedCommitBlocksUntilReopened(t *testing.T) {
	broken := errors.New("input/output error")
	for _, memory := range []bool{false, true} {
		opt := options(t)
		opt.Memory = memory
		var fail error
		opt.BeforeCommit = func() error { return fail }
		j := open(t, opt)
		appendNotes(t, j, "sale/1", "one")

		fail = broken
		one := func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note"}) }
		err := j.Update(t.Context(), one)
		var blocked *journal.BlockedError
		if !errors.As(err, &blocked) || !errors.Is(err, broken) || blocked.Code != journal.CodeDisk {
			t.Fatalf("memory %v: got %v, want a BlockedError that wraps the disk's", memory, err)
		}
		fail = nil
		if err := j.Update(t.Context(), one); !errors.As(err, &blocked) {
			t.Errorf("memory %v: a blocked journal writes: %v", memory, err)
		}
		if len(events(t, j)) != 1 {
			t.Errorf("memory %v: a blocked journal cannot be read", memory)
		}
		if err := j.Reopen(t.Context()); err != nil || j.Blocked() != nil {
			t.Fatalf("memory %v: reopen: %v, blocked: %v", memory, err, j.Blocked())
		}
		appendNotes(t, j, "sale/1", "two")
		if r, err := j.Verify(t.Context()); err != nil || r.Events != 2 {
			t.Errorf("memory %v: %+v, %v; want 2 events", memory, r, err)
		}
	}
}

func TestMistakesOfTheCallerDoNotBlock(t *testing.T) {
	j := open(t, options(t))
	for name, fn := range map[string]func(tx *journal.Tx) error{
		"syntax":     func(tx *journal.Tx) error { return tx.Exec("CHOOSE 1") },
		"no table":   func(tx *journal.Tx) error { return tx.Exec("DELETE FROM nothing") },
		"constraint": func(tx *journal.Tx) error { return tx.Exec("INSERT INTO tally VALUES (NULL, NULL)") },
		"arguments":  func(tx *journal.Tx) error { return tx.Exec("DELETE FROM tally WHERE n = ?") },
		"body":       func(tx *journal.Tx) error { return tx.Append(journal.Entry{Body: func() {}}) },
	} {
		if err := j.Update(t.Context(), fn); err == nil || j.Blocked() != nil {
			t.Errorf("%s: error %v, blocked %v; want an error and no block", name, err, j.Blocked())
		}
	}
}

func TestChangedSchemaIsDerivedAnewAndKeepsWhatIsNoProjection(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "one", "two")
	err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("INSERT INTO tally_kept VALUES ('key')") })
	if err != nil {
		t.Fatal(err)
	}
	_ = j.Close()

	opt.Projections = []journal.Projection{tally{schema: "CREATE TABLE tally (subject TEXT PRIMARY KEY, n INTEGER, more TEXT);" +
		"CREATE TABLE IF NOT EXISTS tally_kept (what TEXT)"}}
	j, err = journal.Open(t.Context(), opt)
	if err == nil {
		t.Error("a fold that does not fit its schema opens")
		_ = j.Close()
	}
	opt.Projections = []journal.Projection{tally{schema: "CREATE TABLE tally (subject TEXT UNIQUE, n INTEGER);" +
		"CREATE TABLE IF NOT EXISTS tally_kept (what TEXT)"}}
	j = open(t, opt)
	var kept int
	err = j.View(t.Context(), func(tx *journal.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM tally_kept").Scan(&kept)
	})
	if err != nil || kept != 1 || count(t, j, "sale/1") != 2 {
		t.Errorf("kept %d rows, tally %d, %v; want 1 and 2", kept, count(t, j, "sale/1"), err)
	}
}

func TestUnregisteredProjectionIsDerivedAnewWhenItComesBack(t *testing.T) {
	opt := options(t)
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "one")
	_ = j.Close()

	without := opt
	without.Projections = nil
	j = open(t, without)
	appendNotes(t, j, "sale/1", "two")
	_ = j.Close()

	if n := count(t, open(t, opt), "sale/1"); n != 2 {
		t.Errorf("tally %d, want 2", n)
	}
}

type misnamed struct {
	tally
	name, table string
}

func (m misnamed) Name() string     { return m.name }
func (m misnamed) Tables() []string { return []string{m.table} }

func TestProjectionNamesAreChecked(t *testing.T) {
	for _, m := range []misnamed{{name: "Tally", table: "tally"}, {name: "tally", table: "other"}, {name: "a", table: "a; x"}} {
		opt := options(t)
		opt.Projections = []journal.Projection{m}
		if j, err := journal.Open(t.Context(), opt); err == nil {
			_ = j.Close()
			t.Errorf("%q with table %q is accepted", m.name, m.table)
		}
	}
	opt := options(t)
	opt.Projections = []journal.Projection{tally{}, tally{}}
	if j, err := journal.Open(t.Context(), opt); err == nil {
		_ = j.Close()
		t.Error("one name twice is accepted")
	}
}

func TestAfterAFailedCommitOnlyTheEndIsReadAgain(t *testing.T) {
	opt := large(t)
	tamper(t, opt, "DROP TRIGGER event_no_update", "UPDATE event SET kind = 'other' WHERE seq = 17") // seen by who reads it
	var fail error
	opt.BeforeCommit = func() error { return fail }
	j := open(t, opt)
	one := func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note"}) }
	fail = errors.New("input/output error")
	if err := j.Update(t.Context(), one); err == nil {
		t.Fatal("a commit that fails is taken")
	}
	fail = nil
	if err := errors.Join(j.Reopen(t.Context()), j.Update(t.Context(), one)); err != nil {
		t.Errorf("more than the end was read: %v", err)
	}
	_, err := j.Verify(t.Context())
	wantDamage(t, err, 17, "content")
	wantDamage(t, j.Reopen(t.Context()), 17, "content")
}
