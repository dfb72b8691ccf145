package hostsim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The kinds of entry.
const (
	KindSale     = "sale"
	KindVoid     = "void"
	KindRefund   = "refund"
	KindReversal = "reversal"
)

// Entry is one row of the host's ledger: what was asked about money, and what the host made of it.
// A card number stands in it as first 6 and last 4 only.
type Entry struct {
	Seq      int       `json:"seq"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Of       string    `json:"of,omitempty"`       // a reversal: the kind that it reverses
	Reason   string    `json:"reason,omitempty"`   // a reversal: why, as its answer code field says (UnionPay: 98 no answer)
	Original int       `json:"original,omitempty"` // void, refund, reversal: Seq of what they undo; 0 when nothing was found
	Terminal string    `json:"terminal"`
	Merchant string    `json:"merchant"`
	Batch    string    `json:"batch"`
	Trace    string    `json:"trace"`
	Amount   int64     `json:"amount"`             // asked for, in minor units
	Captured int64     `json:"captured,omitempty"` // moved by an approved entry: less than Amount on a partial approval
	Currency string    `json:"currency,omitempty"`
	Card     string    `json:"card,omitempty"`
	RRN      string    `json:"rrn,omitempty"`
	Auth     string    `json:"auth,omitempty"`
	Code     string    `json:"code"`
	Approved bool      `json:"approved"`

	// Derived from later entries; never in the file.
	Reversed bool  `json:"reversed,omitempty"`
	Voided   bool  `json:"voided,omitempty"`
	Refunded int64 `json:"refunded,omitempty"`
}

// Net is what the entry leaves captured: a sale adds, a void or refund takes, and what is reversed counts for nothing.
// Reversals have no net of their own.
func (e Entry) Net() int64 {
	if !e.Approved || e.Reversed {
		return 0
	}
	switch e.Kind {
	case KindSale:
		return e.Captured
	case KindVoid, KindRefund:
		return -e.Captured
	default:
		return 0
	}
}

// ledger keeps the entries in memory and, when it has a file, on disk before anybody is answered.
type ledger struct {
	mu      sync.Mutex
	file    *os.File // nil: in memory only
	entries []Entry  // guarded by mu
}

// openLedger opens or creates the file at path; "" keeps the ledger in memory.
func openLedger(path string) (*ledger, error) {
	if path == "" {
		return &ledger{}, nil
	}
	whole, entries, err := readLedger(path)
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
	return &ledger{file: f, entries: entries}, nil
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

// ReadLedger reads a ledger file, also that of a host that runs or was killed: a last line cut short is left out.
func ReadLedger(path string) ([]Entry, error) {
	_, entries, err := readLedger(path)
	return entries, err
}

// readLedger also tells how many bytes of the file are whole lines.
func readLedger(path string) (whole int64, entries []Entry, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, fmt.Errorf("read ledger: %w", err)
	}
	whole = int64(bytes.LastIndexByte(text, '\n') + 1)
	lines := bufio.NewScanner(bytes.NewReader(text[:whole]))
	for n := 1; lines.Scan(); n++ {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, nil, fmt.Errorf("read ledger %s: line %d: %w", path, n, err)
		}
		entries = apply(entries, e)
	}
	return whole, entries, lines.Err()
}

// apply adds an entry and marks what it did to earlier ones. It is the only way into the list, at run time and when a
// file is read back.
func apply(entries []Entry, e Entry) []Entry {
	if i := e.Original - 1; e.Approved && i >= 0 && i < len(entries) {
		switch e.Kind {
		case KindVoid:
			entries[i].Voided = true
		case KindRefund:
			entries[i].Refunded += e.Captured
		case KindReversal:
			entries[i].Reversed = true
			unmark(entries, entries[i])
		}
	}
	return append(entries, e)
}

// unmark takes back what a void did to its sale, when the void itself is reversed.
func unmark(entries []Entry, reversed Entry) {
	if i := reversed.Original - 1; reversed.Kind == KindVoid && i >= 0 {
		entries[i].Voided = false
	}
}

// add numbers the entry, makes it durable and returns it.
func (l *ledger) add(e Entry) (Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = len(l.entries) + 1
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
	l.entries = apply(l.entries, e)
	return e, nil
}

// all is a copy of the entries.
func (l *ledger) all() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Entry(nil), l.entries...)
}

// size is the number of entries.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// last finds the latest entry that fits.
func (l *ledger) last(fits func(Entry) bool) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.entries) - 1; i >= 0; i-- {
		if fits(l.entries[i]) {
			return l.entries[i], true
		}
	}
	return Entry{}, false
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
