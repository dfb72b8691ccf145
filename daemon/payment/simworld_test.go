package payment

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"posd/daemon/journal"
)

// world is everything outside of the desk for one simulated shop day: the acquirer, the wallet gateway, the customers,
// the clock and the power. Every decision is drawn from (seed, what, which), so that a seed is one story.
type world struct {
	seed  uint64
	tally *tally

	mu       sync.Mutex
	dead     bool          // the power is off: nothing that happens now has an effect
	calm     bool          // no more faults: what is open must come to rest
	skew     time.Duration // what the wall clock is off by
	lastKind string        // of the event that is being appended
	crashAt  string        // "before attempt.sent" or "after attempt.sent"; "" for none
	skip     int           // how often crashAt is passed over first
	failNext bool          // the next commit fails, as a disk would
	broken   []string      // rules that were broken
	lost     bool          // posd does not come back: the rest of the day is not worth its time
	flying   int           // financial requests in flight on the terminal
	journal  *journal.Journal
}

func (w *world) draw(what, which string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(what + "\x00" + which))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// chance draws whether a fault happens, and counts it if it does.
func (w *world) chance(fault, which string, percent int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calm || w.dead || w.draw(fault, which).IntN(100) >= percent {
		return false
	}
	w.tally.fault(fault)
	return true
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

func (w *world) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

func (w *world) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
}

func (w *world) isLost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

func (w *world) breach(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// beforeCommit and afterCommit are the journal's hooks: power fails there, and disks.
func (w *world) beforeCommit() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failNext && !w.dead {
		w.failNext = false
		w.tally.fault("commit fails")
		return fmt.Errorf("simulated write error")
	}
	if w.crash("before " + w.lastKind) {
		return fmt.Errorf("power is off")
	}
	if w.dead {
		return fmt.Errorf("power is off")
	}
	return nil
}

func (w *world) afterCommit(int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crash("after " + w.lastKind)
}

// powerOff is a power cut while a host has the request.
func (w *world) powerOff() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}

func (w *world) crash(point string) bool {
	if w.dead || w.crashAt != point {
		return false
	}
	if w.skip > 0 {
		w.skip--
		return false
	}
	w.dead, w.crashAt = true, ""
	w.tally.crash(point)
	return true
}

// probe is a projection that tells the world which kind of event is being appended.
type probe struct{ w *world }

func (p probe) Name() string     { return "probe" }
func (p probe) Schema() string   { return "CREATE TABLE probe (seq INTEGER)" }
func (p probe) Tables() []string { return []string{"probe"} }
func (p probe) Fold(_ *journal.Tx, e journal.Event) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.lastKind = e.Kind
	return nil
}

// travel lets virtual time pass; false if ctx or the power ended first.
func (w *world) travel(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !w.isDead()
	case <-ctx.Done():
		return false
	}
}

// silence waits for an answer that does not come.
func (w *world) silence(ctx context.Context) { <-ctx.Done() }

// durable checks invariant I1 at the moment a request reaches a host: the attempt is on disk as want says.
func (w *world) durable(k Key, want ...State) {
	is, err := w.onDisk(k)
	switch {
	case err != nil && !w.isDead():
		w.breach("I1: %s reached a host and the journal does not know it: %v", k, err)
	case err == nil && !slices.Contains(want, is):
		w.breach("I1: %s reached a host while the journal has it as %s", k, is)
	}
}

// onDisk is the state that the journal has of an attempt.
func (w *world) onDisk(k Key) (is State, err error) {
	err = w.journal.View(context.Background(), func(tx *journal.Tx) error {
		a, err := loadAttempt(tx, k)
		is = a.State
		return err
	})
	return is, err
}

// gated checks rule 11 at the moment a new request reaches the host: no young reversal of the terminal is owed.
func (w *world) gated(a Attempt) {
	if a.Asks > 0 {
		return // a repeat
	}
	rules := Rules{}.withDefaults()
	_ = w.journal.View(context.Background(), func(tx *journal.Tx) error {
		owed, err := queryAttempts(tx, `terminal = ? AND state = 'reversing' AND attempt <> ?`, a.Numbers.Terminal, a.Attempt)
		for _, r := range owed {
			age := w.now().Sub(r.Undo.Since)
			if r.Undo.Since.Before(a.SentAt) && (r.Undo.Tries < rules.GateTries || age >= 0 && age < rules.GateAge) {
				w.breach("I6: %s passes the gate while the reversal of %s is young", a.Key, r.Key)
			}
		}
		return err
	})
}

// tally counts, over all days, what happened: a fault, a transition or a crash point that never occurred proves
// nothing.
type tally struct {
	mu     sync.Mutex
	faults map[string]int
	moves  map[string]int
	points map[string]int
	said   map[string]int
}

func newTally() *tally {
	return &tally{faults: map[string]int{}, moves: map[string]int{}, points: map[string]int{}, said: map[string]int{}}
}

func (t *tally) add(m map[string]int, k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m[k]++
}

func (t *tally) sum(m map[string]int) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range m {
		n += v
	}
	return n
}

func (t *tally) fault(k string) { t.add(t.faults, k) }
func (t *tally) crash(k string) { t.add(t.points, k) }
func (t *tally) move(k string)  { t.add(t.moves, k) }
func (t *tally) say(k string)   { t.add(t.said, k) }

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, part := range []struct {
		name string
		m    map[string]int
	}{{"fault", t.faults}, {"transition", t.moves}, {"crash point", t.points}, {"said to the till", t.said}} {
		for _, k := range slices.Sorted(maps.Keys(part.m)) {
			fmt.Fprintf(&b, "%-18s %-44s %7d\n", part.name, k, part.m[k])
		}
	}
	return b.String()
}
