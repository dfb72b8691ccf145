package journal

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

func TestASyncThatWindowsCouldNotDoBlocksTheJournal(t *testing.T) {
	j, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	flushFile = func(windows.Handle) error { return windows.ERROR_IO_DEVICE }
	defer func() { flushFile = windows.FlushFileBuffers }()
	err = j.Update(t.Context(), func(tx *Tx) error { return tx.Append(Entry{Subject: "sale/1", Kind: "note"}) })
	var blocked *BlockedError
	if !errors.As(err, &blocked) || blocked.Code != CodeDisk || j.Blocked() == nil {
		t.Errorf("got %v, blocked: %v; want a BlockedError that names the disk", err, j.Blocked())
	}
}
