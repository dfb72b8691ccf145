package main

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"posd/daemon/payment"
)

// shopTally counts, over all days, what happened: what never occurred proves nothing.
type shopTally struct {
	mu     sync.Mutex
	Counts map[string]map[string]int // guarded by mu; by part and name
}

func newShopTally() *shopTally { return &shopTally{Counts: map[string]map[string]int{}} }

func (t *shopTally) add(part, name string) { t.addMany(part, name, 1) }

func (t *shopTally) addMany(part, name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Counts[part] == nil {
		t.Counts[part] = map[string]int{}
	}
	t.Counts[part][name] += n
}

// merge adds what another process has counted.
func (t *shopTally) merge(o *shopTally) {
	for part, names := range o.Counts {
		for name, n := range names {
			t.addMany(part, name, n)
		}
	}
}

func (t *shopTally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, part := range slices.Sorted(maps.Keys(t.Counts)) {
		for _, name := range slices.Sorted(maps.Keys(t.Counts[part])) {
			fmt.Fprintf(&b, "%-18s %-60s %8d\n", part, name, t.Counts[part][name])
		}
	}
	return b.String()
}

// missing names what a run has not seen.
func (t *shopTally) missing() (names []string) {
	want := func(part, name string) {
		if t.Counts[part][name] == 0 {
			names = append(names, part+" "+name)
		}
	}
	for _, k := range crashKinds {
		want("crash point", "before "+k)
		want("crash point", "after "+k)
	}
	want("crash point", "after any commit")
	want("crash point", powerFails)
	for _, from := range payment.States() {
		for _, to := range payment.States() {
			if payment.CanMove(from, to) {
				want("transition", string(from)+" -> "+string(to))
			}
		}
	}
	for _, f := range shopFaults() {
		want("fault", f)
	}
	for part, names := range seen {
		for _, name := range names {
			want(part, name)
		}
	}
	slices.Sort(names)
	return names
}

// seen is what must have come up for a rule to be put to the test.
var seen = map[string][]string{
	"pair": {
		"it only reserves", "a wallet needs no card", "the till was told yes of the first only", "the till was told yes of the second only",
		"the other one, since the first is refused", payment.PairFailed, payment.PairResolved,
	},
	"alarm": {"seen: reversal_stuck", "seen: reversal_late", "seen: suspect_pair"},
	"gate":  {"passed after a fresh try"}, "said to the till": {"unacknowledged, and named"},
}

// shopFaults are the faults that a run must have seen.
func shopFaults() []string {
	names := []string{
		"net: dial refused", "net: dial hangs", "net: out of reach", "disk: a commit fails", "disk: a commit is torn", "disk is full", "clock jumps",
		"till hangs up", "till cancels", "till repeats", "till sends another thing under the same id", "customer shows nothing", "customer shows a code again",
		"printer: no paper", "printer: cover open", "printer: off", "printer: unplugged", "scanner: unplugged", "reader: unplugged",
		"printer: another device comes instead", "scanner: another device comes instead", "reader: another device comes instead",
		"printer: it comes back elsewhere", "scanner: it comes back elsewhere", "reader: it comes back elsewhere",
		"host goes on to another batch", "host forgets all keys", "a second posd is started", "posd is replaced", "scanner: reads a code twice", "an older copy of the journal is put back",
		"customer pays in another way while the password is typed", "reversal: none is taken for minutes",
	}
	for _, list := range onTheWay {
		for _, c := range list {
			names = append(names, c.name)
		}
	}
	for _, list := range [][]wrong{paying, reversing, settling, signingOn} {
		for _, w := range list {
			names = append(names, w.name)
		}
	}
	for _, list := range gatewayFaults {
		for _, w := range list {
			names = append(names, w.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// trace is the hash of a day: what became of each attempt, in the order of virtual time and then of the kind of event,
// and what was said of it, as the till heard it and when. That posd notes what it has said comes without its time: a crash
// in that moment may lose the note, which is made again with the repeat. Of the slips it has only what stands on them: when
// a printer prints what has waited, and how often, is its own affair.
func (s *shop) trace() []byte {
	h := sha256.New()
	for _, l := range s.story() {
		_, _ = h.Write([]byte(l + "\n"))
	}
	return h.Sum(nil)
}

func (s *shop) story() (lines []string) {
	keys := slices.Clone(s.mirror.order)
	slices.SortFunc(keys, func(a, b payment.Key) int { return cmp.Compare(a.Client+"/"+a.String(), b.Client+"/"+b.String()) })
	for _, k := range keys {
		t, name := s.mirror.attempts[k], k.Client+"/"+k.String()
		steps := slices.Clone(t.steps)
		for i := range steps {
			if steps[i].kind == "attempt.told" {
				steps[i].at = 0
			}
		}
		slices.SortStableFunc(steps, func(a, b stage) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind), cmp.Compare(a.note, b.note))
		})
		for _, st := range steps {
			lines = append(lines, fmt.Sprint(name, " ", st.at, " ", st.kind, " ", st.note))
		}
		for _, x := range s.heard[name] {
			lines = append(lines, fmt.Sprint(name, " ", x.at, " told ", x.state))
		}
	}
	papers := map[string]bool{}
	for _, slip := range s.slips {
		papers[counted(unmarked(slip.text))] = true
	}
	delete(papers, "") // nothing but a mark, of a slip that was torn
	return append(lines, slices.Sorted(maps.Keys(papers))...)
}

// unmarked is a slip without what it says of its being late, or a second one.
func unmarked(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		late := slices.ContainsFunc(append(markedAs, "Printed", "打印时间"), func(m string) bool { return strings.Contains(l, m) })
		if !late {
			b.WriteString(l)
		}
	}
	return b.String()
}

// tell prints what a day has broken, and its timeline as it was played again.
func tell(t *testing.T, seed uint64, p, again played) {
	t.Helper()
	var b strings.Builder
	for _, l := range again.timeline {
		fmt.Fprintf(&b, "%14v %-8s %s\n", l.at, l.what, l.text)
	}
	t.Errorf("seed %d breaks:\n%s\ntimeline, of a day that breaks:\n%s\n%s", seed, strings.Join(p.broken, "\n"), strings.Join(again.broken, "\n"), b.String())
}
