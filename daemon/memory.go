package main

import (
	"os"
	"runtime"
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

	started  = 5 * time.Second // after that what a start needed is given back
	look     = time.Second     // between two looks at hard work
	hardWork = 4 << 20         // bytes made in a second
	calmed   = 60              // looks without hard work after which it is over
)

// thrifty makes the process live on little memory. What it returns ends that.
func thrifty() (stop func()) {
	t := &thrift{done: make(chan struct{}), collected: make(chan struct{}, 1), fixed: os.Getenv("GOGC") != ""}
	t.grow(growthAtRest)
	var looking sync.WaitGroup
	looking.Go(t.keep)
	return func() {
		close(t.done)
		looking.Wait()
	}
}

// thrift watches how much memory is made. At rest it wakes up with the collector only.
type thrift struct {
	done      chan struct{}
	collected chan struct{} // holds one token: memory was collected
	fixed     bool          // somebody has said how memory is to be collected
}

// keep gives back what the start needed, of which most is garbage, and goes by the work after that.
func (t *thrift) keep() {
	if !t.wait(time.After(started)) {
		return
	}
	giveBack()
	t.notice()
	for m := (meter{at: time.Now(), made: made()}); ; {
		select {
		case <-t.done:
			return
		case <-t.collected:
		}
		if m.hard(time.Now(), made()) && !t.work() {
			return
		}
	}
}

// work gives room until it has been calm for a while; false when posd ends before that.
func (t *thrift) work() bool {
	t.grow(growthAtWork)
	tick := time.NewTicker(look)
	defer tick.Stop()
	m := meter{at: time.Now(), made: made()}
	for calm := 0; calm < calmed; calm++ {
		if !t.wait(tick.C) {
			return false
		}
		if m.hard(time.Now(), made()) {
			calm = 0
		}
	}
	t.grow(growthAtRest)
	giveBack()
	return true
}

func (t *thrift) wait(until <-chan time.Time) bool {
	select {
	case <-t.done:
		return false
	case <-until:
		return true
	}
}

func (t *thrift) grow(percent int) {
	if !t.fixed {
		debug.SetGCPercent(percent)
	}
}

// notice has every collection leave its token: each finds the last one's witness dead.
func (t *thrift) notice() {
	type witness struct{ _ *byte }
	runtime.AddCleanup(new(witness), func(t *thrift) {
		select {
		case <-t.done:
			return
		case t.collected <- struct{}{}:
		default:
		}
		t.notice()
	}, t)
}

// meter tells hard work from how much memory is made in a time.
type meter struct {
	at   time.Time
	made uint64
}

// hard takes what was made until now, and tells whether that was hard work since the last look.
func (m *meter) hard(now time.Time, made uint64) bool {
	bytes, took := float64(made-m.made), now.Sub(m.at).Seconds()
	m.at, m.made = now, made
	return bytes >= hardWork*took
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
