package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"posd/daemon/journal"
)

func TestFullDatabaseBlocksGivesUpTheBallastAndWritesAfterReopen(t *testing.T) {
	opt := options(t)
	opt.Ballast = 1 << 20
	j := open(t, opt)
	err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("PRAGMA max_page_count = 20") })
	for err == nil {
		err = appendLong(t, j)
	}
	wantFull(t, err)
	if _, err := os.Stat(opt.Path + ".ballast"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ballast after a full disk: %v", err)
	}
	if err := j.Reopen(t.Context()); err != nil { // a new connection knows no limit
		t.Fatal(err)
	}
	if err := appendLong(t, j); err != nil {
		t.Error(err)
	}
	if _, err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func appendLong(t *testing.T, j *journal.Journal) error {
	t.Helper()
	return j.Update(t.Context(), func(tx *journal.Tx) error {
		return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note", Body: note{Text: string(make([]byte, 1000))}})
	})
}

func wantFull(t *testing.T, err error) {
	t.Helper()
	var blocked *journal.BlockedError
	if !errors.As(err, &blocked) || blocked.Code != journal.CodeDiskFull {
		t.Fatalf("got %v, want blocked with %s", err, journal.CodeDiskFull)
	}
}

// smallDisk mounts a disk of its own; only root may.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=40m"); err != nil {
		t.Skip("needs root to mount a small disk: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fillUp takes all room that is left, as another program would.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

func TestFullDiskRefusesSalesButWritesResults(t *testing.T) {
	dir := smallDisk(t)
	opt := options(t)
	opt.Path, opt.Ballast = filepath.Join(dir, "journal.db"), 4<<20
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "before")
	if err := j.Room(); err != nil {
		t.Fatal(err)
	}

	fillUp(t, filepath.Join(dir, "filler"))
	if err := j.Room(); !errors.Is(err, journal.ErrFull) {
		t.Errorf("room on a full disk: %v", err)
	}
	for range 50 {
		if err := appendLong(t, j); err != nil {
			t.Fatalf("a result on a full disk: %v", err)
		}
	}

	var err error
	for n := 0; err == nil && n < 10_000; n++ { // somebody takes the ballast's room too
		fillUp(t, filepath.Join(dir, "filler"))
		err = appendLong(t, j)
	}
	wantFull(t, err)
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	if err := j.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(appendLong(t, j), j.Room()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(opt.Path + ".ballast"); err != nil || info.Size() != opt.Ballast {
		t.Errorf("the ballast is not back: %v", err)
	}
	if _, err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAStartOnAFullDiskTakesTheBallast(t *testing.T) {
	opt := options(t)
	opt.Path, opt.Ballast, opt.KeepDamaged = filepath.Join(smallDisk(t), "journal.db"), 4<<20, true
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "before")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	fillUp(t, filepath.Join(filepath.Dir(opt.Path), "filler"))
	j = open(t, opt)
	if err := errors.Join(j.Blocked(), appendLong(t, j)); err != nil {
		t.Errorf("a reversal that is owed cannot be written: %v", err)
	}
	if err := j.Room(); !errors.Is(err, journal.ErrFull) {
		t.Errorf("room on a full disk: %v", err)
	}
}

func TestAStartOnADiskWithoutAnyRoomIsBlockedUntilThereIsSome(t *testing.T) {
	opt := options(t)
	opt.Path, opt.KeepDamaged = filepath.Join(smallDisk(t), "journal.db"), true
	j := open(t, opt)
	appendNotes(t, j, "sale/1", "before")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(filepath.Dir(opt.Path), "filler")
	fillUp(t, filler)
	opt.Projections = []journal.Projection{tally{schema: "CREATE TABLE tally (subject TEXT UNIQUE, n INTEGER)"}} // derived anew
	j = open(t, opt)
	wantFull(t, j.Blocked())
	if _, err := j.Events(t.Context(), 0, 0, ""); err != nil {
		t.Errorf("events of before: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Reopen(t.Context()), appendLong(t, j)); err != nil {
		t.Error(err)
	}
}

func TestALargeJournalIsNotVerifiedWhereThatTakesTheRoomOfPayments(t *testing.T) {
	opt := options(t)
	opt.Path = filepath.Join(smallDisk(t), "journal.db")
	j := bulky(t, opt)
	if err := os.WriteFile(filepath.Join(filepath.Dir(opt.Path), "filler"), make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := j.Verify(t.Context())
	if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "MiB free") || j.Blocked() != nil {
		t.Errorf("got %v, blocked by %v; want no room", err, j.Blocked())
	}
}
