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

	mu     sync.Mutex
	held   bool  // guarded by mu: the file is there, whole
	failed error // guarded by mu: why it could not be written last, for which no sale starts; nil else
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
	b.held, b.failed = b.whole(), nil
	if b.held {
		return nil
	}
	if err := b.fits(); err != nil {
		return err
	}
	if err := fillFile(b.path, b.size); err != nil {
		err = errors.Join(err, os.Remove(b.path))
		b.failed = b.refusal(err)
		return err
	}
	b.held = true
	return nil
}

// whole tells whether the file is there as it should be.
func (b *ballast) whole() bool {
	if b.size <= 0 {
		return true
	}
	info, err := os.Stat(b.path)
	return err == nil && info.Size() == b.size
}

// fits looks whether there is room for the file and for what is kept beside it.
func (b *ballast) fits() error {
	if err := b.spare(b.size + minFree); err != nil {
		return fmt.Errorf("%w, %d MiB of them for the ballast", err, b.size>>20)
	}
	return nil
}

// spare looks whether so many bytes are free.
func (b *ballast) spare(need int64) error {
	if free, ok := b.free(); ok && free < need {
		return fmt.Errorf("%w: %d MiB free, %d MiB needed", ErrFull, free>>20, need>>20)
	}
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
	if err := b.spare(minFree); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		return nil
	}
	err := b.load()
	why := b.refusal(err)
	if err != nil && why == nil {
		b.log.Warn("journal's ballast cannot be made", "err", err)
	}
	return why
}

// refusal is what an error of load means for a new sale. None is refused where somebody did something to the file: there is room.
func (b *ballast) refusal(err error) error {
	switch {
	case err == nil, errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.EISDIR):
		return nil
	case errors.Is(err, ErrFull):
		return err
	default:
		return fmt.Errorf("%w: no room for the ballast of %d MiB: %w", ErrFull, b.size>>20, err)
	}
}

// full says what room would, as far as that is known without writing.
func (b *ballast) full() error {
	if b == nil {
		return nil
	}
	if err := b.spare(minFree); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held || b.whole() {
		return nil
	}
	if err := b.fits(); err != nil {
		return err
	}
	return b.failed
}

// Room tells whether a new sale may start: nil, or an error that wraps ErrFull. It may write, to hold room back for payments.
func (j *Journal) Room() error { return j.ballast.room() }

// Full tells the same to who only asks, however often: it writes nothing, and logs nothing. Where the disk seems to have room
// and yet takes nothing, it is what the last Room has found.
func (j *Journal) Full() error { return j.ballast.full() }
