package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestHardWorkIsMuchMemoryMadeInATime(t *testing.T) {
	at := time.Unix(0, 0)
	m := meter{at: at}
	for i, step := range []struct {
		took  time.Duration
		bytes uint64
		hard  bool
	}{
		{time.Second, hardWork, true},
		{2 * time.Minute, 10 * hardWork, false},
		{10 * time.Millisecond, hardWork / 50, true},
		{time.Second, hardWork - 1, false},
	} {
		at = at.Add(step.took)
		if got := m.hard(at, m.made+step.bytes); got != step.hard {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

func TestCollectionsAreNoticedOneAfterTheOther(t *testing.T) {
	w := &thrift{done: make(chan struct{}), collected: make(chan struct{}, 1)}
	defer close(w.done)
	w.notice()
	noticed := 0
	for range 1000 { // one that begins before the next witness is there goes by
		runtime.GC()
		select {
		case <-w.collected:
			noticed++
		case <-time.After(10 * time.Millisecond):
		}
		if noticed == 3 {
			return
		}
	}
	t.Errorf("%d of 1000 collections were noticed", noticed)
}

func TestAfterHardWorkMemoryIsCollectedOftenAgain(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	synctest.Test(t, func(t *testing.T) {
		w := &thrift{done: make(chan struct{}), collected: make(chan struct{}, 1)}
		over := make(chan bool)
		go func() { over <- w.work() }()
		synctest.Wait()
		if p := percent(); p != growthAtWork {
			t.Errorf("growth at work is %d", p)
		}
		if !<-over || percent() != growthAtRest {
			t.Errorf("growth after work is %d", percent())
		}
		go func() { over <- w.work() }()
		synctest.Wait()
		close(w.done)
		if <-over {
			t.Error("work went on although posd ends")
		}
	})
}
