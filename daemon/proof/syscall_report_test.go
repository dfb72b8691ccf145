//go:build proof && linux

package proof

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// stage is what the lanes share.
type stage struct {
	t       *testing.T
	planned int // runs
	work    chan play

	mu     sync.Mutex
	met    map[index]bool // guarded by mu, as all that follows: calls that were made to fail
	ways   map[way]bool   // in which they were
	missed map[way]int    // faults whose call did not come
	played int            // and all others
	runs   int
	broken int
}

func (st *stage) count(p play, hits []fault) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.runs++; st.runs%200 == 0 {
		st.t.Logf("%d of %d runs, %d violations", st.runs, st.planned, st.broken)
	}
	for _, f := range p.faults {
		w := wayOf(p.scene, f)
		if !slices.Contains(hits, f) {
			st.missed[w]++
			continue
		}
		st.played++
		st.met[indexOf(p.scene, f)], st.ways[w] = true, true
	}
}

// say reports what a lane has found.
func (st *stage) say(l *lane) {
	if len(l.found) == 0 {
		return
	}
	st.mu.Lock()
	st.broken += len(l.found)
	st.mu.Unlock()
	for _, what := range l.found {
		st.t.Error(what)
	}
	l.found, l.spoilt = nil, true
}

// report says what was done: which of the calls that the rehearsal had were met, since no two runs are quite alike.
func (st *stage) report(calls map[string]map[string]int) {
	met, missed := map[string]int{}, 0
	for w, n := range st.missed {
		st.t.Logf("%d faults found no call: %+v", n, w)
		missed += n
	}
	if st.runs == 0 || st.runs != st.planned || st.played < 3*missed {
		st.t.Errorf("%d of %d runs, %d faults played, %d not", st.runs, st.planned, st.played, missed)
	}
	for i := range st.met {
		met[i.scene]++
	}
	ways := 0
	for _, kinds := range calls {
		for kind := range kinds {
			ways += len(errorsOf(kind))
		}
	}
	st.t.Logf("proof | system-call faults | %d runs, %d of them with two faults; calls that failed: %s of a card sale, %s of a wallet sale, %s of a start; %s ways in which a kind of call fails in one of them; %d faults played, %d found no call | %d violations",
		st.runs, *pairRuns, of(met[cardScene], sum(calls[cardScene])), of(met[walletScene], sum(calls[walletScene])), of(met[startScene], sum(calls[startScene])),
		of(len(st.ways), ways), st.played, missed, st.broken)
}

// of says how many of how many, and every one only if that is so.
func of(n, all int) string {
	if n == all {
		return fmt.Sprintf("every one of %d", all)
	}
	return fmt.Sprintf("%d of %d", n, all)
}

func sum(of map[string]int) (n int) {
	for _, one := range of {
		n += one
	}
	return n
}
