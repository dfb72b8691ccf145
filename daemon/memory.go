package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A till has little memory, and posd lives on a heap of a few MiB: at rest it is collected at half of the usual growth.
// Hundreds of payments at once would spend a sixth of the processor on that; they get room, which is given back after them.
const (
	growthAtRest = 50 // percent; GOGC in the environment says otherwise
	growthAtWork = 200

	look     = time.Second
	started  = 5       // looks after which a start is over
	hardWork = 4 << 20 // bytes made between two looks
	calmed   = 60      // looks without hard work after which it is over
)

// thrifty makes the process live on little memory. What it returns ends that.
func thrifty() (stop func()) {
	fixed := os.Getenv("GOGC") != ""
	if !fixed {
		debug.SetGCPercent(growthAtRest)
	}
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() { keepThrifty(done, fixed) })
	return func() {
		close(done)
		looking.Wait()
	}
}

// keepThrifty gives back what the start needed, of which most is garbage, and goes by the work after that.
func keepThrifty(done <-chan struct{}, fixed bool) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	waited := func() bool {
		select {
		case <-done:
			return false
		case <-tick.C:
			return true
		}
	}
	for range started {
		if !waited() {
			return
		}
	}
	giveBack()
	var p pace
	for before := made(); waited(); {
		now := made()
		growth, calm := p.next(now - before)
		before = now
		if growth > 0 && !fixed {
			debug.SetGCPercent(growth)
		}
		if calm {
			giveBack()
		}
	}
}

// giveBack gives the machine what is not in use.
func giveBack() {
	debug.FreeOSMemory()
	giveBackCode()
}

// made is how many bytes this process has allocated so far.
func made() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// pace is how hard the process has been at work.
type pace struct {
	hard bool
	calm int // looks since the last hard work
}

// next takes the bytes made since the last look. It gives the growth to go on with, 0 for the same, and whether hard work is
// over.
func (p *pace) next(bytes uint64) (growth int, over bool) {
	if bytes >= hardWork {
		began := !p.hard
		p.hard, p.calm = true, 0
		if began {
			growth = growthAtWork
		}
		return growth, false
	}
	if p.calm++; !p.hard || p.calm < calmed {
		return 0, false
	}
	p.hard = false
	return growthAtRest, true
}
