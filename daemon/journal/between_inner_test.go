package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// names counts how often each subject occurs.
type names struct{}

func (names) Name() string     { return "names" }
func (names) Tables() []string { return []string{"names", "names_plain"} }

func (names) Schema() string {
	return `CREATE TABLE names (kind TEXT, subject TEXT, n INTEGER, PRIMARY KEY (subject, kind)) WITHOUT ROWID;
CREATE TABLE names_plain (subject TEXT);`
}

func (names) Fold(tx *Tx, e Event) error {
	if err := tx.Exec(`INSERT INTO names_plain VALUES (?)`, e.Subject); err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO names VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1`, e.Kind, e.Subject)
}

// longJournal has more rows than are compared at once, and more pages than are copied at once.
func longJournal(t *testing.T) *Journal {
	t.Helper()
	j, err := Open(t.Context(), Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, Owner: "test", Projections: []Projection{names{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	all := make([]string, 25*rowsAtOnce)
	for i := range all {
		all[i] = fmt.Sprintf("%05d", i)
	}
	note(t, j, all...)
	return j
}

func note(t *testing.T, j *Journal, subjects ...string) {
	t.Helper()
	err := j.Update(t.Context(), func(tx *Tx) error {
		for _, s := range subjects {
			if err := tx.Append(Entry{Subject: s, Kind: "noted", Body: fmt.Sprintf("%01500d", 0)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// beginCopy begins a copy as its caller does: with the turn.
func beginCopy(t *testing.T, j *Journal, path string) (c *copying, err error) {
	t.Helper()
	err = j.withStore(t.Context(), func() (err error) {
		c, err = j.store.beginCopy(path)
		return err
	})
	return c, err
}

// someOf copies the next pages, likewise.
func someOf(t *testing.T, j *Journal, c *copying) (more bool, err error) {
	t.Helper()
	err = j.withStore(t.Context(), func() (err error) {
		more, err = c.some()
		return err
	})
	return more, err
}

func TestWhatIsWrittenBetweenThePartsOfACopyIsInIt(t *testing.T) {
	j := longJournal(t)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := createFile(path); err != nil {
		t.Fatal(err)
	}
	c, err := beginCopy(t, j, path)
	if err != nil {
		t.Fatal(err)
	}
	parts := 1
	for more := true; more; parts++ {
		if more, err = someOf(t, j, c); err != nil {
			t.Fatal(err)
		}
		note(t, j, "00000", fmt.Sprint("new", parts))
	}
	if err := errors.Join(j.withStore(t.Context(), c.end), refineFile(path, Extract{})); err != nil || parts < 4 {
		t.Fatalf("%v after %d parts, want some", err, parts)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text[18] != 1 || text[19] != 1 { // sqlite.org/fileformat.html, 1.3.3
		t.Errorf("the copy wants a log beside it")
	}
	opt := j.opt
	opt.Path = path
	whole, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = whole.Close() }()
	r, err := whole.Verify(t.Context())
	if want := int64(25*rowsAtOnce + 2*(parts-2)); err != nil || r.Events < want {
		t.Errorf("%d events, %v; want at least %d", r.Events, err, want)
	}
}

func TestACopyEndsWithTheJournal(t *testing.T) {
	for what, end := range map[string]func(j *Journal) error{
		"closed":   func(j *Journal) error { return j.Close() },
		"reopened": func(j *Journal) error { return j.Reopen(t.Context()) },
	} {
		j := longJournal(t)
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := createFile(path); err != nil {
			t.Fatal(err)
		}
		c, err := beginCopy(t, j, path)
		if err == nil {
			_, err = someOf(t, j, c)
		}
		if err := errors.Join(err, end(j)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.some(); !errors.Is(err, errCopyEnded) {
			t.Errorf("%s: the copy goes on: %v", what, err)
		}
		if err := c.end(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhatIsWrittenBetweenThePartsOfAVerificationIsNoDamage(t *testing.T) {
	j := longJournal(t)
	m, err := j.newMirror()
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	for done := false; !done; {
		if done, err = j.verifyPage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	parts := 0
	err = j.eachComparison(m, func(c *comparison) (done bool, err error) {
		parts++
		note(t, j, "00000", "02499", fmt.Sprint("new", parts)) // behind it, before it and at the end
		err = j.View(t.Context(), func(tx *Tx) error {
			if err := j.catchUp(tx, m); err != nil {
				return err
			}
			done, err = c.some(tx, m.tx)
			return err
		})
		return done, err
	})
	if want := 26 + 1; err != nil || parts != want { // the second table has no key
		t.Errorf("%d parts, %v; want %d", parts, err, want)
	}
}

func TestARowThatIsWrongInAnyPartOfATableIsFound(t *testing.T) {
	for _, change := range []string{
		`DELETE FROM names WHERE subject = '00000'`,
		`UPDATE names SET n = 2 WHERE subject = '01234'`,
		`DELETE FROM names WHERE subject = '02499'`,
		`INSERT INTO names VALUES ('noted', '02500', 1)`,
		`UPDATE names_plain SET subject = '' WHERE subject = '02499'`,
	} {
		j := longJournal(t)
		if err := j.Update(t.Context(), func(tx *Tx) error { return tx.Exec(change) }); err != nil {
			t.Fatal(err)
		}
		var dam *DamagedError
		if _, err := j.Verify(t.Context()); !errors.As(err, &dam) {
			t.Errorf("%s: Verify says %v, want damage", change, err)
		}
	}
}
