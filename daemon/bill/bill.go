// Package bill reads the bills of those who move a shop's money: a wallet gateway's of a day, in the format that the wallet's
// package brings, and an acquirer's of a batch. Reading is pure: bytes in, rows out, and no row is lost: what cannot be read
// is a refusal that names line and column. A word of the bill that is not known is never guessed at.
package bill

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"posd/daemon/payment"
)

// Provider says whose bill it is: Acquirer, or a wallet's name.
type Provider string

// Acquirer is whose bills are of a batch.
const Acquirer Provider = "acquirer"

// Kind is what a row says about money.
type Kind string

// The kinds.
const (
	Took    Kind = "took"    // from the customer
	Gave    Kind = "gave"    // back to the customer
	Revoked Kind = "revoked" // the payment of that number was taken back wholly
)

// Row is one movement of money, as the other side has it. Its number is ours: Order for wallets, Terminal, Batch and Trace
// for an acquirer.
type Row struct {
	Line      int // in the file, from 1
	Order     string
	Refund    string // wallets: our number of what gave it back; "" for a payment or a cancel
	Terminal  string
	Batch     string
	Trace     string
	Kind      Kind
	Amount    payment.Cents // above 0
	Currency  string        // ISO 4217 letters
	Reference string        // the other side's own number
	Status    string        // the bill's own words
	At        time.Time     // zero where the bill has none
}

// Refusal is a row that cannot be read, or says something that is not known.
type Refusal struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	Why    string `json:"why"`
}

// Bill is what a file holds. Rows and Refused together are all its rows.
type Bill struct {
	Provider Provider
	From     time.Time // what it is of, from this time on; zero where it does not say
	Until    time.Time // and before this one
	Rows     []Row
	Refused  []Refusal
}

// Error says why a file is no bill, or no whole one. Line is 0 where the whole file is meant.
type Error struct {
	Line int
	Why  string
}

// Error gives line and reason.
func (e *Error) Error() string {
	if e.Line == 0 {
		return "the bill: " + e.Why
	}
	return fmt.Sprintf("the bill, line %d: %s", e.Line, e.Why)
}

// The most that is read of a bill: a day of a large chain is far below that.
const (
	MaxFile = 64 << 20 // bytes, packed and unpacked
	MaxRows = 500_000
	MaxLine = 64 << 10 // bytes
)

// Beijing is the zone of the wallets' bills.
var Beijing = time.FixedZone("CST", 8*60*60)

// Format is how a provider writes.
type Format struct {
	Provider Provider
	Source   string   // which file it is, and where it comes from: for people
	Columns  []string // that must be there
	Lines    func(text []string) (Parts, error)
	Cells    func(line string) ([]string, error)
	Row      func(c Cells) (Row, error) // a *ColumnError says which column is wrong
}

// Parts are those of a bill's text.
type Parts struct {
	Head        string // the line with the names of the columns
	First       int    // the number of the first row's line, from 1
	Rows        []string
	From, Until time.Time
	Counts      map[Kind]int // how many rows the bill says that it has, where it does; "" counts all
}

// Read reads a bill: as text in UTF-8 or GBK, or packed as ZIP or GZIP. An *Error says that it is none, or not whole: then
// nothing can be said about what is missing in it.
func Read(f Format, file []byte) (Bill, error) {
	text, err := textOf(file)
	if err != nil {
		return Bill{}, err
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	pt, err := f.Lines(lines)
	if err != nil {
		return Bill{}, err
	}
	if len(pt.Rows) > MaxRows {
		return Bill{}, &Error{Why: fmt.Sprintf("more than %d rows: take the bill of a shorter time", MaxRows)}
	}
	b := Bill{Provider: f.Provider, From: pt.From, Until: pt.Until}
	if err := b.fill(f, pt); err != nil {
		return Bill{}, err
	}
	return b, nil
}

// fill reads the rows, and holds their count against what the bill says.
func (b *Bill) fill(f Format, pt Parts) error {
	names, err := f.Cells(pt.Head)
	if err != nil {
		return &Error{Line: pt.First - 1, Why: "the names of the columns cannot be read"}
	}
	at, err := columns(names, f.Columns, pt.First-1)
	if err != nil {
		return err
	}
	counted := map[Kind]int{}
	for i, line := range pt.Rows {
		r, err := readRow(f, at, len(names), line)
		counted[""]++
		if err != nil {
			b.Refused = append(b.Refused, refusal(pt.First+i, err))
			continue
		}
		r.Line = pt.First + i
		counted[r.Kind]++
		b.Rows = append(b.Rows, r)
	}
	for kind, n := range pt.Counts {
		if counted[kind] != n && (kind == "" || len(b.Refused) == 0) {
			return &Error{Why: fmt.Sprintf("its end says %d rows (%s), and there are %d: it is not whole, get it again", n, kind, counted[kind])}
		}
	}
	return nil
}

func columns(names, wanted []string, line int) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range names {
		if _, twice := at[name]; twice {
			return nil, &Error{Line: line, Why: "two columns named " + name}
		}
		at[name] = i
	}
	for _, name := range wanted {
		if _, ok := at[name]; !ok {
			return nil, &Error{Line: line, Why: "no column " + name + ": is this the right bill, and of this provider?"}
		}
	}
	return at, nil
}

func readRow(f Format, at map[string]int, width int, line string) (Row, error) {
	if len(line) > MaxLine {
		return Row{}, errors.New("the line is too long")
	}
	values, err := f.Cells(line)
	if err != nil {
		return Row{}, errors.New("the line cannot be split into columns")
	}
	if len(values) != width {
		return Row{}, fmt.Errorf("%d columns, want %d", len(values), width)
	}
	return f.Row(Cells{at, values})
}

// ColumnError says which column of a row is wrong.
type ColumnError struct{ Column, Why string }

// Error gives both.
func (e *ColumnError) Error() string { return e.Column + ": " + e.Why }

func refusal(line int, err error) Refusal {
	var c *ColumnError
	if errors.As(err, &c) {
		return Refusal{Line: line, Column: c.Column, Why: c.Why}
	}
	return Refusal{Line: line, Why: err.Error()}
}
