package hostsim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// maxLine limits a line of a ledger file: the longest is that of an upload of many items.
const maxLine = 1 << 20

// ledger keeps the entries in memory and, when it has a file, on disk before anybody is answered.
type ledger struct {
	mu   sync.Mutex
	file *os.File // nil: in memory only
	book *book    // guarded by mu
}

// openLedger opens or creates the file at path; "" keeps the ledger in memory.
func openLedger(path string) (*ledger, error) {
	if path == "" {
		return &ledger{book: newBook()}, nil
	}
	whole, b, err := readLedger(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	// A line that a crash cut short was never answered for: it goes.
	if err = f.Truncate(whole); err == nil {
		_, err = f.Seek(whole, 0)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return &ledger{file: f, book: b}, nil
}

// syncFolder makes the name of a new file durable. Systems that cannot sync a folder are left alone.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// ReadLedger reads the payments of a ledger file, also that of a host that runs or was killed: a last line cut short is
// left out.
func ReadLedger(path string) ([]Entry, error) {
	_, b, err := readLedger(path)
	return b.payments(), err
}

// ReadBatches reads the batches that were closed, or begun to be closed, out of a ledger file.
func ReadBatches(path string) ([]Batch, error) {
	_, b, err := readLedger(path)
	return batches(b.entries), err
}

// readLedger also tells how many bytes of the file are whole lines. The book is never nil.
func readLedger(path string) (whole int64, b *book, err error) {
	b = newBook()
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, b, fmt.Errorf("read ledger: %w", err)
	}
	whole = int64(bytes.LastIndexByte(text, '\n') + 1)
	lines := bufio.NewScanner(bytes.NewReader(text[:whole]))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, newBook(), fmt.Errorf("read ledger %s: line %d: %w", path, n, err)
		}
		b.add(e)
	}
	return whole, b, lines.Err()
}

// add numbers the entry, makes it durable and returns it.
func (l *ledger) add(e Entry) (Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = len(l.book.entries) + 1
	if l.file != nil {
		line, err := json.Marshal(e)
		if err != nil {
			return e, fmt.Errorf("write ledger: %w", err)
		}
		if _, err := l.file.Write(append(line, '\n')); err != nil {
			return e, fmt.Errorf("write ledger: %w", err)
		}
		if err := l.file.Sync(); err != nil {
			return e, fmt.Errorf("write ledger: %w", err)
		}
	}
	l.book.add(e)
	return e, nil
}

// all is a copy of the entries.
func (l *ledger) all() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.book.entries)
}

// payments is a copy of the entries about payments.
func (l *ledger) payments() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.payments()
}

// size is the number of entries.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.book.entries)
}

// last finds the latest entry of a terminal that fits; with no trace number it looks through all.
func (l *ledger) last(terminal, trace string, fits func(Entry) bool) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.last(terminal, trace, fits)
}

// balance is what a card has left: of what was set for it, else of the usual.
func (l *ledger) balance(card string, usual int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if set, ok := l.book.opening[card]; ok {
		usual = set
	}
	return usual - l.book.spent[card]
}

// spent is what a card has paid, or has reserved.
func (l *ledger) spent(card string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.spent[card]
}

// cards lists the cards of the entries, sorted.
func (l *ledger) cards() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := maps.Clone(l.book.opening)
	maps.Copy(all, l.book.spent)
	return slices.Sorted(maps.Keys(all))
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
