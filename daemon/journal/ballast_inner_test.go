package journal

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhoAsksWhetherTheDiskIsFullWritesNothing(t *testing.T) {
	var log bytes.Buffer
	free := int64(100 << 20)
	b := newBallast(Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Ballast: 1 << 20, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Free: func() int64 { return free },
	})
	if err := b.full(); err != nil {
		t.Errorf("with room for a ballast that was not made yet: %v", err)
	}
	if _, err := os.Stat(b.path); err == nil || log.Len() > 0 {
		t.Errorf("the question has made the ballast, or logged %q", log.String())
	}
	if err := errors.Join(b.room(), b.full()); err != nil {
		t.Errorf("with the ballast: %v", err)
	}
	free = 8 << 20
	if asked, told := b.full(), b.room(); !errors.Is(asked, ErrFull) || told == nil || asked.Error() != told.Error() {
		t.Errorf("who asks is told %v, a sale %v", asked, told)
	}
}

func TestABallastWithoutRoomSaysOnceHowMuchIsFreeAndNeeded(t *testing.T) {
	free := int64(20 << 20)
	b := newBallast(Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Ballast: 16 << 20, Log: slog.New(slog.DiscardHandler),
		Free: func() int64 { return free },
	})
	b.fill()
	for _, err := range []error{b.full(), b.room()} {
		if !errors.Is(err, ErrFull) || strings.Count(err.Error(), ErrFull.Error()) != 1 || !strings.Contains(err.Error(), "20 MiB free, 32 MiB needed") {
			t.Errorf("got %v", err)
		}
	}
	if free = 40 << 20; b.full() != nil {
		t.Errorf("with room again: %v", b.full())
	}
}

func TestABallastThatCouldNotBeWrittenIsToldUntilASaleHasWrittenIt(t *testing.T) {
	b := newBallast(Options{Path: filepath.Join(t.TempDir(), "away", "journal.db"), Ballast: 1000, Log: slog.New(slog.DiscardHandler)})
	b.free = func() (int64, bool) { return 100 << 20, true }
	if told, asked := b.room(), b.full(); !errors.Is(told, ErrFull) || asked == nil || asked.Error() != told.Error() {
		t.Errorf("a sale is told %v, who asks %v", told, asked)
	}
	if err := os.Mkdir(filepath.Dir(b.path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.room(), b.full()); err != nil {
		t.Errorf("when it can be written: %v", err)
	}
}
