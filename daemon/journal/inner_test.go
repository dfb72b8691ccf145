package journal

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionsOfSQLiteThatLoseDataAreRefused(t *testing.T) {
	for v, ok := range map[string]bool{
		"3.40.1": false, "3.51.2": false, "3.51.3": true, "3.52.0": false, "3.52.1": true, "3.54.1": true, "4.0.0": true, "x": false,
	} {
		if err := refuseVersion(v); (err == nil) != ok {
			t.Errorf("%s: %v, want accepted %v", v, err, ok)
		}
	}
}

func TestABlockedJournalSaysItsRemedyOnce(t *testing.T) {
	for what, cause := range map[string]error{
		"damage": damaged(7, "its hash is not that of its content"),
		"disk":   errors.New("input/output error"),
	} {
		b := blockedBy(cause)
		if n := strings.Count(b.Error(), b.Remedy); b.Remedy == "" || n != 1 || strings.Contains(b.Detail, b.Remedy) {
			t.Errorf("%s: the remedy stands %d times in: %v", what, n, b)
		}
	}
}

func TestHashCoversEveryField(t *testing.T) {
	base := Event{Seq: 1, Subject: "ab", Kind: "c", Body: []byte("{}")}
	seen := map[[32]byte]string{hashEvent(&base): "base"}
	for name, change := range map[string]func(e *Event){
		"seq":     func(e *Event) { e.Seq = 2 },
		"time":    func(e *Event) { e.Time = e.Time.Add(1) },
		"subject": func(e *Event) { e.Subject = "a" },
		"moved":   func(e *Event) { e.Subject, e.Kind = "a", "bc" },
		"body":    func(e *Event) { e.Body = []byte("[]") },
		"prev":    func(e *Event) { e.Prev[31] = 1 },
	} {
		e := base
		change(&e)
		h := hashEvent(&e)
		if other, ok := seen[h]; ok {
			t.Errorf("%s hashes like %s", name, other)
		}
		seen[h] = name
	}
}

func TestBallastIsGivenUpAndMadeAnew(t *testing.T) {
	opt := Options{Path: filepath.Join(t.TempDir(), "journal.db"), Ballast: 300_000, Log: slog.New(slog.DiscardHandler)}
	b := newBallast(opt)
	b.fill()
	size := func() int64 {
		info, err := os.Stat(b.path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	if size() != 300_000 || b.room() != nil {
		t.Fatalf("ballast of %d bytes, room %v", size(), b.room())
	}
	b.release()
	if size() != 0 {
		t.Errorf("%d bytes after release", size())
	}
	b.size = 1 << 50 // more than there is
	if err := b.room(); !errors.Is(err, ErrFull) {
		t.Errorf("room without ballast: %v, want ErrFull", err)
	}
	b.size = 300_000
	if err := b.room(); err != nil || size() != 300_000 {
		t.Errorf("room again: %v, ballast %d", err, size())
	}
}

func TestABallastThatCouldNotBeRemovedIsGivenUpLater(t *testing.T) {
	opt := Options{Path: filepath.Join(t.TempDir(), "journal.db"), Ballast: 1000, Log: slog.New(slog.DiscardHandler)}
	b := newBallast(opt)
	b.fill()
	within := filepath.Join(b.path, "in the way")
	if err := errors.Join(os.Remove(b.path), os.Mkdir(b.path, 0o700), os.WriteFile(within, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.release() // a folder with something in it cannot be removed
	if err := errors.Join(os.RemoveAll(b.path), fillFile(b.path, b.size)); err != nil {
		t.Fatal(err)
	}
	b.release()
	if _, err := os.Stat(b.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there (%v)", err)
	}
}

func TestABallastThatCannotBeMadeRefusesNoSaleWhileThereIsRoom(t *testing.T) {
	opt := Options{Path: filepath.Join(t.TempDir(), "journal.db"), Ballast: 1000, Log: slog.New(slog.DiscardHandler)}
	b := newBallast(opt)
	if err := errors.Join(os.Mkdir(b.path, 0o700), os.WriteFile(filepath.Join(b.path, "in the way"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.fill()
	if err := b.room(); err != nil {
		t.Error(err)
	}
}
