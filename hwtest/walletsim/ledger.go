package walletsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Entry is one movement of money, or one order that ended without any. It holds no code and no full account id.
type Entry struct {
	Seq     int       `json:"seq"`
	Time    time.Time `json:"time"`
	Kind    EntryKind `json:"kind"`
	Wallet  string    `json:"wallet"`
	Order   string    `json:"order"`            // the merchant's number of the payment
	Refund  string    `json:"refund,omitempty"` // the merchant's number of the refund; empty for a cancel
	Trade   string    `json:"trade,omitempty"`  // the gateway's own number
	Amount  int64     `json:"amount,omitempty"` // minor units
	Account string    `json:"account,omitempty"`
}

// EntryKind is what an entry did.
type EntryKind string

// The kinds.
const (
	Capture EntryKind = "capture" // taken from the account
	Return  EntryKind = "return"  // given back, by cancel or refund
	Closed  EntryKind = "close"   // ended with no money taken: its number is burnt
)

// Ledger is a copy of what has happened so far.
func (g *Gateway) Ledger() []Entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.ledger)
}

// Net is what an order has taken less what it has given back, over both wallets.
func (g *Gateway) Net(order string) int64 { return Net(g.Ledger(), order) }

// Net is captured minus returned of one order in a ledger.
func Net(ledger []Entry, order string) int64 {
	var net int64
	for _, e := range ledger {
		if e.Order != order {
			continue
		}
		switch e.Kind {
		case Capture:
			net += e.Amount
		case Return:
			net -= e.Amount
		case Closed:
		}
	}
	return net
}

// ReadLedger reads a ledger's file. A last line that was torn by a crash is left out.
func ReadLedger(path string) ([]Entry, error) {
	entries, _, err := readLedger(path)
	return entries, err
}

// readLedger also tells how long the file is up to the last whole line.
func readLedger(path string) (entries []Entry, whole int64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, fmt.Errorf("read ledger: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, 0, fmt.Errorf("read ledger: line %d: %w", len(entries)+1, err)
		}
		entries = append(entries, e)
	}
	return entries, int64(len(text)), nil
}

// openLedger folds an old file into orders, takes a torn last line away, and goes on behind it.
func (g *Gateway) openLedger() error {
	old, size, err := readLedger(g.o.Ledger)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range old {
		g.apply(e)
	}
	g.file, err = os.OpenFile(g.o.Ledger, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	if err := g.file.Truncate(size); err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	if _, err := g.file.Seek(size, io.SeekStart); err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	dir, err := os.Open(filepath.Dir(g.o.Ledger))
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	_ = dir.Sync() // makes the new name durable; some systems cannot
	return dir.Close()
}

// book makes an entry durable and then true; mu is held. When it fails nothing has happened.
func (g *Gateway) book(e Entry) error {
	e.Seq, e.Time = len(g.ledger)+1, g.now()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("book: %w", err)
	}
	if g.file != nil {
		if _, err := g.file.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("book: %w", err)
		}
		if err := g.file.Sync(); err != nil {
			return fmt.Errorf("book: %w", err)
		}
	}
	g.apply(e)
	return nil
}

// apply folds an entry into the order and the account it is about.
func (g *Gateway) apply(e Entry) {
	g.ledger = append(g.ledger, e)
	o := g.order(e.Wallet, e.Order)
	if o == nil {
		o = &order{wallet: e.Wallet, number: e.Order, amount: e.Amount, created: e.Time, refunds: map[string]int64{}}
		g.orders[e.Wallet+"/"+e.Order] = o
	}
	switch e.Kind {
	case Capture:
		o.state, o.trade, o.paidAt = paid, e.Trade, e.Time
		o.move(-e.Amount)
		g.trades++
	case Return:
		o.returned += e.Amount
		if e.Refund != "" {
			o.refunds[e.Refund] = e.Amount
		} else {
			o.state, o.cancelled = closed, true
		}
		o.move(e.Amount)
	case Closed:
		o.state = closed
	}
}
