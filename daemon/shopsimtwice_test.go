//go:build !race

package main

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestTwiceTheSameSeedIsTwiceTheSameDay shows that a seed that fails can be looked at. The race detector shuffles
// goroutines on purpose, so it is left out there; so is a second processor.
func TestTwiceTheSameSeedIsTwiceTheSameDay(t *testing.T) {
	if *shopShard != "" {
		playShard(t, playTwice)
		return
	}
	r := playAll(t, *shopTwice, min(runtime.NumCPU(), max(1, *shopTwice/10)), playTwice)
	if r.Days == 0 {
		return // nobody asked for it, and the proof is not to say that it was shown
	}
	t.Logf("proof | same seed twice, equal trace hash | %d of %d | %d attempts each", r.Days-r.Broken, r.Days, *shopAttempts)
}

// TestWholeShopDaysThatOnceFailedStayRight plays the long ones of the seeds that are kept.
func TestWholeShopDaysThatOnceFailedStayRight(t *testing.T) {
	playKept(t, func(attempts int) bool { return attempts >= wholeDay })
}

// playTwice counts the seeds that are not one story.
func playTwice(t *testing.T, seeds []uint64) shopReport {
	r := shopReport{Tally: newShopTally()}
	o := dayOptions{attempts: *shopAttempts, tally: newShopTally(), dir: shopFolder(t)}
	for _, seed := range seeds {
		r.Days++
		if bytes.Equal(playShop(t, seed, o).trace, playShop(t, seed, o).trace) {
			continue
		}
		r.Broken++
		t.Errorf("seed %d of %d attempts is two stories\n%s", seed, *shopAttempts, difference(t, seed, o))
	}
	return r
}

// difference plays a seed until its story is another one, some times, and gives the first lines that only one of both has.
func difference(t *testing.T, seed uint64, o dayOptions) string {
	o.timeline = true
	first := playShop(t, seed, o)
	for range 5 {
		if again := playShop(t, seed, o); !bytes.Equal(first.trace, again.trace) {
			return "first:\n" + firstOnly(first.timeline, again.timeline) + "and then:\n" + firstOnly(again.timeline, first.timeline)
		}
	}
	return "but not when it is looked at: load on the machine makes it rarer or more frequent"
}

// firstOnly gives the first lines of one timeline that the other does not have, with what came just before.
func firstOnly(of, than []line) string {
	known := map[line]int{}
	for _, l := range than {
		known[l]++
	}
	at := slices.IndexFunc(of, func(l line) bool { known[l]--; return known[l] < 0 })
	if at < 0 {
		return "nothing that the other one does not have"
	}
	var b strings.Builder
	for _, l := range of[max(0, at-30):min(len(of), at+4)] {
		fmt.Fprintf(&b, "%14v %-8s %s\n", l.at, l.what, l.text)
	}
	return b.String()
}
