package main

import (
	"os"
	"runtime/debug"
	"time"
)

// A till has little memory, and posd lives on a heap of a few MiB: it is collected at half of the usual growth, and what a
// start needed, of which most is garbage, is given back when it is over.
const (
	growth  = 50 // percent; GOGC in the environment says otherwise
	started = 5 * time.Second
)

// thrifty makes the process live on little memory. What it returns ends that it waits for the end of the start.
func thrifty() (stop func()) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	t := time.AfterFunc(started, debug.FreeOSMemory)
	return func() { t.Stop() }
}
