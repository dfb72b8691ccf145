// Package printer drives receipt printers: documents, their layout, and one file per family of printers.
package printer

import (
	"context"
	"errors"
	"fmt"
)

// Printer prints documents. It is safe for several callers, whose documents are printed one after the other.
type Printer interface {
	// Print prints one document and waits until the printer says that it is on paper, as far as it can say that.
	// ErrPaperOut, ErrCoverOpen, ErrOffline and ErrFault mean that nothing was printed. *UnconfirmedError means that
	// some or all of it may have been.
	Print(ctx context.Context, d Document) (Result, error)
	// Status asks the printer how it is. While it prints, the answer may be what the printing last heard.
	Status(ctx context.Context) (Status, error)
}

// Why a printer cannot print. Returned by Print they promise that nothing was printed.
var (
	ErrOffline   = errors.New("printer is offline")
	ErrPaperOut  = errors.New("printer is out of paper")
	ErrCoverOpen = errors.New("printer's cover is open")
	ErrFault     = errors.New("printer has a fault") // cutter jammed, head too hot, or worse
)

// UnconfirmedError says that a document was sent, in part at least, and that nobody knows how much of it is on paper.
type UnconfirmedError struct {
	Cause error // what ended the waiting
}

// Error gives the cause.
func (e *UnconfirmedError) Error() string {
	return "not known whether it was printed: " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *UnconfirmedError) Unwrap() error { return e.Cause }

// Confirmation is how sure it is that a document is on paper. The zero value is the careful one.
type Confirmation string

// The confirmations.
const (
	Unconfirmed Confirmation = ""        // the bytes left, and the printer has no way to say more
	ByFence     Confirmation = "fence"   // the printer answered a request queued behind the document (GS r)
	ByProcessID Confirmation = "process" // the printer named the document as printed (GS ( H)
)

// Result is what became of a printed document.
type Result struct {
	Confirmed Confirmation
	Missing   []rune // characters that nobody here has; each stands as Geta on the paper
	Drawn     []rune // characters that the printer does not have; each was printed as a picture
}

// Geta marks on paper a character that the printer does not have, as Chinese typesetters did.
const Geta = '〓'

// Status is how a printer is. The zero value says nothing good: it is not online.
type Status struct {
	Online    bool // answers, and would print now
	PaperOut  bool
	PaperLow  bool
	CoverOpen bool
	Fault     string // empty, or what is wrong: "cutter", "unrecoverable" ...
	DrawerPin bool   // level of the drawer's sensor, whatever that means for the drawer at hand
	Mismatch  Mismatch
}

// Mismatch is a printer that is not the configured model, and gets characters or commands that are not its own. The zero value
// is none.
type Mismatch struct {
	Says string // what the printer says that it is, or what two-byte characters it has
	Set  string // the profile that is configured
	Fits string // the profile that would do
}

// Err is nil when the printer would print now, else the error that says why not.
func (s Status) Err() error {
	switch {
	case s.CoverOpen:
		return ErrCoverOpen
	case s.PaperOut:
		return ErrPaperOut
	case s.Fault != "":
		return ErrFault
	case !s.Online:
		return ErrOffline
	default:
		return nil
	}
}

// Line is a status as traces expect it: "ok, paper low false", "cover open", or what else keeps it from printing.
func (s Status) Line() string {
	switch err := s.Err(); {
	case s.CoverOpen:
		return "cover open"
	case err != nil:
		return err.Error()
	default:
		return fmt.Sprintf("ok, paper low %v", s.PaperLow)
	}
}
