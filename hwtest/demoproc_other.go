//go:build !linux

package main

import (
	"os"
	"os/exec"
	"runtime"
)

// ownGroup does nothing here: Ctrl-C reaches every process, and the demo waits for their end.
func ownGroup(*exec.Cmd) {}

// askToEnd interrupts a process where that can be done, and kills it elsewhere.
func askToEnd(p *os.Process) error {
	if runtime.GOOS == "windows" {
		return p.Kill()
	}
	return p.Signal(os.Interrupt)
}

func killGroup(p *os.Process) { _ = p.Kill() }
