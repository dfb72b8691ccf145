//go:build !race

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTwiceTheSameSeedIsTwiceTheSameDay shows that a seed that fails can be looked at. The race detector shuffles
// goroutines on purpose, so it is left out there; so is a second processor. One processor is left to the machine: a goroutine
// that has to wait for its own for 10 ms loses its turn.
func TestTwiceTheSameSeedIsTwiceTheSameDay(t *testing.T) {
	if *shopShard != "" {
		playShard(t, playTwice)
		return
	}
	r := playAll(t, *shopTwice, min(max(1, runtime.NumCPU()-1), max(1, *shopTwice/10)), playTwice)
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
	o := dayOptions{attempts: *shopAttempts, tally: newShopTally(), dir: shopFolder(t), timeline: true}
	for _, seed := range seeds {
		r.Days++
		first, again := playShop(t, seed, o), playShop(t, seed, o)
		if bytes.Equal(first.trace, again.trace) {
			continue
		}
		r.Broken++
		t.Errorf("seed %d of %d attempts is two stories\n%s", seed, *shopAttempts, difference(first.timeline, again.timeline))
	}
	return r
}

// difference gives both timelines from a little before the first instant at which they tell of different things.
func difference(first, again []line) string {
	one, two := byInstant(first), byInstant(again)
	n := 0
	for n < min(len(one), len(two)) && slices.Equal(one[n], two[n]) {
		n++
	}
	since := one[max(0, n-10)][0].at
	return "first:\n" + excerpt(first, since) + "and then:\n" + excerpt(again, since)
}

// byInstant gathers what is told of each instant, in an order that does not say who was first. What posd logs, when it prints
// and what a dead one still dials, is no part of a story.
func byInstant(timeline []line) (instants [][]line) {
	for _, l := range timeline {
		if l.what == "log" || l.what == "slip" || l.what == "dials" || strings.HasPrefix(l.text, "print_") {
			continue
		}
		if n := len(instants); n > 0 && instants[n-1][0].at == l.at {
			instants[n-1] = append(instants[n-1], l)
			continue
		}
		instants = append(instants, []line{l})
	}
	for _, lines := range instants {
		slices.SortFunc(lines, func(a, b line) int { return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.text, b.text)) })
	}
	return instants
}

// excerpt is what a timeline says from an instant on, for a while.
func excerpt(timeline []line, since time.Duration) string {
	from := slices.IndexFunc(timeline, func(l line) bool { return l.at >= since })
	var b strings.Builder
	for _, l := range timeline[from:min(len(timeline), from+80)] {
		fmt.Fprintf(&b, "%14v %-8s %s\n", l.at, l.what, l.text)
	}
	return b.String()
}
