//go:build !windows

package main

import (
	"os"

	"golang.org/x/term"
)

// colorful tells whether a file is a terminal that shows colors.
func colorful(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// unpaused is for Windows: elsewhere a terminal stops nobody who did not ask for it.
func unpaused() (restore func()) { return func() {} }
