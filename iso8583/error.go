package iso8583

import (
	"errors"
	"fmt"
	"strings"
)

// Sentinels that callers branch on.
var (
	// ErrNoMAC says that a message carries no MAC field. Whether that can be believed is the caller's decision:
	// an approval without one never can, a decline if DeclineNeedsMAC is false.
	ErrNoMAC = errors.New("message carries no MAC")
	// ErrBadMAC says that a message carries a MAC that is not its own.
	ErrBadMAC = errors.New("message carries a wrong MAC")
	// ErrNoKey says that a key slot is empty: the terminal must sign on first.
	ErrNoKey = errors.New("no such working key: sign on first")
	// ErrNoTransaction says that a dialect has no template of that name.
	ErrNoTransaction = errors.New("dialect has no such transaction")
	// ErrNoReversal says that nothing reverses that transaction in this dialect.
	ErrNoReversal = errors.New("dialect has no reversal of this transaction")
)

// FieldError says which part of a message breaks which rule. It never holds content: a message has card data in it.
type FieldError struct {
	Field  int    // 2 to 192; 0 for what stands before the fields
	Path   string // "F60", "55.9F26", "tpdu", "header", "mti", "bitmap", "frame"
	Offset int    // byte in the packed message, counted from the TPDU, or of a part in its field's value; -1 where nothing is packed yet
	Nibble int    // half of that byte: 0 the left one, 1 the right one; -1 where a whole byte is meant
	Rule   string // what is broken, with lengths
	Hint   string // what this often means; may be empty
}

// Error gives path, place, rule and hint in one line.
func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d (0x%02X)", e.Offset, e.Offset)
	}
	switch e.Nibble {
	case 0:
		b.WriteString(", left half")
	case 1:
		b.WriteString(", right half")
	}
	b.WriteString(": " + e.Rule)
	if e.Hint != "" {
		b.WriteString("; hint: " + e.Hint)
	}
	return b.String()
}

// fault makes the error of a value; whoever knows which field it belongs to says so with of, and where with from.
func fault(offset int, rule string, args ...any) *FieldError {
	return &FieldError{Offset: offset, Nibble: -1, Rule: fmt.Sprintf(rule, args...)}
}

// faultAt makes the error of what stands around the fields.
func faultAt(path string, offset int, rule string, args ...any) *FieldError {
	e := fault(offset, rule, args...)
	e.Path = path
	return e
}

// of says which field is meant.
func (e *FieldError) of(field int) *FieldError {
	e.Field, e.Path = field, fmt.Sprintf("F%d", field)
	return e
}

// from turns an offset within a part into one within the whole that has the part at base.
func (e *FieldError) from(base int) *FieldError {
	if e.Offset >= 0 {
		e.Offset += base
	}
	return e
}

// half says which nibble is meant.
func (e *FieldError) half(nibble int) *FieldError {
	e.Nibble = nibble
	return e
}

// hint adds what this often means, unless something is known already.
func (e *FieldError) hint(text string) *FieldError {
	if e.Hint == "" {
		e.Hint = text
	}
	return e
}

// DialectError is one fault in a dialect file. Load joins all that it finds.
type DialectError struct {
	File string
	Line int    // 1-based; 0 where the fault is that something is missing
	Key  string // "fields.60.max"
	Rule string
}

// Error gives file, line, key and rule.
func (e *DialectError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Key == "" {
		return place + ": " + e.Rule
	}
	return place + ": " + e.Key + ": " + e.Rule
}

// KeyError says that a working key does not fit its check value, or that the key block cannot be one.
type KeyError struct {
	Slot Slot // empty when the whole block is at fault
	Rule string
}

// Error names the slot and the rule, never a key.
func (e *KeyError) Error() string {
	if e.Slot == "" {
		return "working keys: " + e.Rule
	}
	return "working key " + string(e.Slot) + ": " + e.Rule
}
