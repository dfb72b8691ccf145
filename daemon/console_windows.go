package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// colorful tells whether a file is a console that shows colors, and has it do so: before Windows 10 none did, and since then
// only when it is told to.
func colorful(f *os.File) bool {
	var mode uint32
	h := windows.Handle(f.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// unpaused keeps a click into the window from stopping posd: with quick editing on, a console lets nobody write while something
// is selected, and who logs waits.
func unpaused() (restore func()) {
	var mode uint32
	h := windows.Handle(os.Stdin.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return func() {}
	}
	_ = windows.SetConsoleMode(h, mode&^windows.ENABLE_QUICK_EDIT_MODE|windows.ENABLE_EXTENDED_FLAGS) // else as it was
	return func() { _ = windows.SetConsoleMode(h, mode|windows.ENABLE_EXTENDED_FLAGS) }
}
