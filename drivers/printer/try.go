package printer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Try is one try to print a document that its caller keeps on disk. What the caller notes of it lets a later try go on
// where this one ended, after a restart too: the printer is asked which blocks are on paper.
type Try struct {
	// Tag is different for each try; the process ids of its blocks are made of it. Who goes on uses the same.
	Tag string
	// Begun is how many windows of this try may have left, as it was noted; 0 for a new try.
	Begun int
	// Begin notes, durably, that bytes of a window may leave from now on. It is not called for the first: whoever prints has
	// noted that it began. After its error no byte of the window leaves.
	Begin func(ctx context.Context, window int) error
}

// Continuer is a Printer that can go on behind what is on paper.
type Continuer interface {
	Printer
	// PrintTry is Print for a document that is kept. With t.Begun it first asks the printer what of the same document is on
	// paper and prints the rest; ErrCannotSay within *UnconfirmedError means that the printer does not know, and that nothing
	// more was printed. After any other *UnconfirmedError it may be called again with what was noted.
	PrintTry(ctx context.Context, d Document, t Try) (Result, error)
}

// ErrCannotSay says that the printer does not know what is on paper: it has no process ids, or was switched off. With ErrQuiet it
// does not even answer now, when nothing is under way: what it was sent is likely on paper.
var ErrCannotSay = errors.New("the printer cannot say what is on paper")

// ErrQuiet says that a printer took everything, is well, and does not say that it is on paper.
var ErrQuiet = errors.New("the printer is well but did not confirm")

// PrintTry prints with whatever printer there is. One that cannot go on says so: ErrCannotSay, and ErrQuiet, for it is never asked.
func PrintTry(ctx context.Context, p Printer, d Document, t Try) (Result, error) {
	if c, ok := p.(Continuer); ok {
		return c.PrintTry(ctx, d, t)
	}
	if t.Begun > 0 {
		return Result{}, &UnconfirmedError{Cause: fmt.Errorf("%w: %w", ErrCannotSay, ErrQuiet)}
	}
	return p.Print(ctx, d)
}

// How a job is cut. A printer's buffer may be as small as 4 KB: no more than two windows are under way, and with their
// process ids they fit.
const (
	blockBytes  = 256  // at least, of a block: its process id has 11
	windowBytes = 1920 // at most, of a window of more than one block
)

// block is a part of a job that ends with a line, with all modes as they are at the beginning of one.
type block struct {
	start, end int    // in the job's bytes
	id         string // process id: of this try, and of all bytes up to the end
	window     int    // from 1
}

// cut cuts a job into blocks, at the ends that it allows. It is pure: the same job in the same try has the same blocks.
func (j job) cut(tag string) []block {
	var blocks []block
	sum := sha256.New()
	sum.Write([]byte(tag + "\x00"))
	start, window, used := 0, 1, 0
	for _, end := range append(j.ends, len(j.bytes)) {
		if end == start {
			continue
		}
		if used > 0 && used+end-start > windowBytes {
			window, used = window+1, 0
		}
		sum.Write(j.bytes[start:end])
		blocks = append(blocks, block{start, end, processName(sum.Sum(nil)), window})
		used += end - start
		start = end
	}
	return blocks
}

// processName makes a process id of a sum: four characters that a printer takes (20h to 7Eh; without the space).
func processName(sum []byte) string {
	n := uint64(0)
	for _, b := range sum[:8] {
		n = n<<8 | uint64(b)
	}
	var id [4]byte
	for i := range id {
		id[i] = byte('!' + n%94)
		n /= 94
	}
	return string(id[:])
}
