package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	minFree = 16 << 20 // below this no new sale starts
	dire    = 2 << 20  // below this the ballast goes, before the next write can fail
)

// ballast is a file that takes up room until the disk is full. Then it is removed, so that the results and reversals
// of running payments can still be written. A nil ballast holds nothing.
type ballast struct {
	path string // of the ballast
	size int64
	log  *slog.Logger
	free func() (bytes int64, ok bool)

	mu   sync.Mutex
	held bool // guarded by mu: the file is there, whole
}

func newBallast(opt Options) *ballast {
	if opt.Memory || opt.Path == "" {
		return nil
	}
	b := &ballast{path: opt.Path + ".ballast", size: opt.Ballast, log: opt.Log}
	b.free = func() (int64, bool) { return freeBytes(filepath.Dir(b.path)) }
	if opt.Free != nil {
		b.free = func() (int64, bool) { return opt.Free(), true }
	}
	_, err := os.Stat(b.path)
	b.held = err == nil // or part of it
	return b
}

// fill makes the file if there is room.
func (b *ballast) fill() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = false
	if err := b.load(); err != nil {
		b.log.Warn("no room for the journal's ballast", "err", err)
	}
}

// load makes the file if it is not there and there is room for more than it. Its content is random, since some file
// systems store zeros for nothing. The caller has mu.
func (b *ballast) load() error {
	if b.size <= 0 {
		b.held = true
		return nil
	}
	if info, err := os.Stat(b.path); err == nil && info.Size() == b.size {
		b.held = true
		return nil
	}
	if free, ok := b.free(); ok && free < b.size+minFree {
		return ErrFull
	}
	if err := fillFile(b.path, b.size); err != nil {
		return errors.Join(err, os.Remove(b.path))
	}
	b.held = true
	return nil
}

func fillFile(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	src := rand.NewChaCha8([32]byte{})
	chunk := make([]byte, 64<<10)
	for left := size; left > 0 && err == nil; left -= int64(len(chunk)) {
		if left < int64(len(chunk)) {
			chunk = chunk[:left]
		}
		_, _ = src.Read(chunk)
		_, err = f.Write(chunk)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// relieve gives the ballast up when there is almost no room left.
func (b *ballast) relieve() {
	if b == nil || b.size <= 0 {
		return
	}
	if free, ok := b.free(); ok && free < dire {
		b.release()
	}
}

// release gives the ballast up.
func (b *ballast) release() {
	if b == nil || b.size <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.held {
		return
	}
	if err := giveUp(b.path); err != nil {
		b.log.Error("journal's ballast cannot be removed", "err", err)
		return
	}
	b.held = false
	b.log.Warn("disk is full: journal's ballast given up", "bytes", b.size)
}

// giveUp frees what a file takes up. Windows removes none that another program has open, but empties it.
func giveUp(path string) error {
	err := os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if os.Truncate(path, 0) == nil {
		return nil
	}
	return err
}

// room tells whether a new sale may start. It makes the ballast anew when there is room again.
func (b *ballast) room() error {
	if b == nil {
		return nil
	}
	free, ok := b.free()
	if ok && free < minFree {
		return fmt.Errorf("%w: %d MiB free, %d MiB needed", ErrFull, free>>20, minFree>>20)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		return nil
	}
	err := b.load()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.EISDIR): // somebody did this to the file; there is room
		b.log.Warn("journal's ballast cannot be made", "err", err)
		return nil
	default:
		return fmt.Errorf("%w: no room for the ballast of %d MiB: %w", ErrFull, b.size>>20, err)
	}
}

// Room tells whether a new sale may start: nil, or an error that wraps ErrFull.
func (j *Journal) Room() error { return j.ballast.room() }
