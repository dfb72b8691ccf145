package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// output is where a verb writes. It remembers the first write that failed, so that nobody takes half an output for all of it.
type output struct {
	w   io.Writer
	mu  sync.Mutex
	err error // guarded by mu
}

// Write writes, and remembers.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = cmp.Or(o.err, err)
	return n, err
}

// after is the error of a verb that has ended, or else that of its output.
func (o *output) after(verb error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if verb != nil || o.err == nil {
		return verb
	}
	return fmt.Errorf("not everything could be written: %w", o.err)
}

// onScreen tells whether a person sees what is written.
func onScreen(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
