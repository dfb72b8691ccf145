//go:build !race

package main

import (
	"runtime"
	"slices"
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
	t.Logf("proof | same seed twice, equal trace hash | %d of %d | %d attempts each", r.Days-r.Broken, r.Days, *shopAttempts)
}

// playTwice counts the seeds that are not one story.
func playTwice(t *testing.T, seeds []uint64) shopReport {
	r := shopReport{Tally: newShopTally()}
	dir := shopFolder(t)
	for _, seed := range seeds {
		var days [2]played
		for i := range days {
			days[i] = playShop(t, seed, dayOptions{attempts: *shopAttempts, tally: newShopTally(), dir: dir})
		}
		r.Days++
		if slices.Equal(days[0].trace, days[1].trace) {
			continue
		}
		r.Broken++
		a, b := difference(days[0].story, days[1].story)
		t.Errorf("seed %d of %d attempts is two stories:\n%s\n%s", seed, *shopAttempts, a, b)
	}
	return r
}

// difference gives the first lines in which two stories differ.
func difference(a, b []string) (string, string) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i], b[i]
		}
	}
	return "one is longer", ""
}
