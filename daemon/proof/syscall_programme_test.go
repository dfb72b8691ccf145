//go:build proof && linux

package proof

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// index is one call of a scene.
type index struct {
	scene, kind string
	nth         int
}

// way is how a kind of call fails in a scene.
type way struct {
	scene, kind, how string
	lasting          bool
}

func indexOf(scene string, f fault) index { return index{scene, f.Kind, f.Nth} }
func wayOf(scene string, f fault) way     { return way{scene, f.Kind, f.How, f.Lasting} }

// faultsOf are all faults of a scene, those of every index first with one error each: which is drawn by the seed.
func faultsOf(calls map[string]int, r *rand.Rand) (first, more []fault) {
	for _, kind := range slices.Sorted(maps.Keys(calls)) {
		hows := errorsOf(kind)
		for nth := 1; nth <= calls[kind]; nth++ {
			chosen := r.IntN(len(hows))
			for i, how := range hows {
				f := fault{Kind: kind, Nth: nth, How: strings.TrimSuffix(how, "*"), Lasting: strings.HasSuffix(how, "*")}
				if i == chosen {
					first = append(first, f)
				} else {
					more = append(more, f)
				}
			}
		}
	}
	return first, more
}

// programme draws the runs: one of each way to fail, then of each scene every index, then other errors of them. Wherever it
// is cut off, what is left of it is spread over the ways, of which some have many calls and others one.
func programme(calls map[string]map[string]int, n int, r *rand.Rand) (all []play) {
	var must, may []play
	for _, scene := range slices.Sorted(maps.Keys(calls)) {
		first, more := faultsOf(calls[scene], r)
		for _, f := range first {
			must = append(must, play{scene: scene, faults: []fault{f}, kill: r.IntN(2) == 0})
		}
		for _, f := range more {
			may = append(may, play{scene: scene, faults: []fault{f}, kill: r.IntN(2) == 0})
		}
	}
	for _, list := range [][]play{must, may} {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	all = waysFirst(append(evenly(must), evenly(may)...))
	if n > 0 && n < len(all) {
		all = all[:n]
	}
	return all
}

// evenly has the n-th run of each way to fail before the next one of any other, and else keeps the order.
func evenly(list []play) []play {
	var rounds [][]play
	had := map[way]int{}
	for _, p := range list {
		w := wayOf(p.scene, p.faults[0])
		if had[w] == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[had[w]] = append(rounds[had[w]], p)
		had[w]++
	}
	return slices.Concat(rounds...)
}

// waysFirst brings one run of each way to fail to the front, and else keeps the order.
func waysFirst(list []play) (all []play) {
	seen := map[way]bool{}
	var later []play
	for _, p := range list {
		w := wayOf(p.scene, p.faults[0])
		if seen[w] {
			later = append(later, p)
			continue
		}
		seen[w] = true
		all = append(all, p)
	}
	return append(all, later...)
}

// pairsOf draws runs with two faults.
func pairsOf(calls map[string]map[string]int, n int, r *rand.Rand) (all []play) {
	for len(all) < n {
		scene := slices.Sorted(maps.Keys(calls))[r.IntN(len(calls))]
		first, more := faultsOf(calls[scene], r)
		list := append(first, more...)
		two := []fault{list[r.IntN(len(list))], list[r.IntN(len(list))]}
		all = append(all, play{scene: scene, faults: two, kill: r.IntN(2) == 0})
	}
	return all
}

// As in a shop, most calls are of few kinds.
func TestEverySystemCallHasItsTurnInAPartOfTheProgramme(t *testing.T) {
	t.Parallel()
	calls := map[string]map[string]int{
		cardScene:  {"write journal": 90, "sync journal": 20, "connect host": 1},
		startScene: {"read journal": 300, "open config": 4, "unlink journal": 1, "send host": 3},
	}
	r := rand.New(rand.NewPCG(1, 6))
	all := programme(calls, 0, r)
	ways, indices := map[way]int{}, 0
	for _, p := range all {
		ways[wayOf(p.scene, p.faults[0])]++
	}
	for _, kinds := range calls {
		indices += sum(kinds)
	}
	for _, n := range []int{len(ways), 2 * len(ways), len(ways) + indices} {
		runs, met := map[way]int{}, map[index]bool{}
		for _, p := range programme(calls, n, r) {
			runs[wayOf(p.scene, p.faults[0])]++
			met[indexOf(p.scene, p.faults[0])] = true
		}
		if len(runs) != len(ways) {
			t.Errorf("%d runs have %d of %d ways to fail", n, len(runs), len(ways))
		}
		if n > len(ways)+1 && n < indices && len(met) < n*3/4 {
			t.Errorf("%d runs meet %d indices", n, len(met))
		}
		if n >= len(ways)+indices && len(met) != indices {
			t.Errorf("%d runs meet %d of %d indices", n, len(met), indices)
		}
		for w, had := range runs {
			if n == 2*len(ways) && had > 4 {
				t.Errorf("%d runs have %d of %v", n, had, w)
			}
		}
	}
}
