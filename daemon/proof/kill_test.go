//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"posd/daemon/payment"
)

var (
	kills  = flag.Int("proof.kills", 100, "how often posd is killed; with enough of them each named step has its turn three times")
	only   = flag.String("proof.step", "", "a regular expression: only the named steps that it fits; ^$ for none")
	keepIn = flag.String("proof.keep", "", "a folder that gets the files of shops in which something was found")
)

const (
	sideBySide    = 8  // shops at a time: most of their time is waiting
	roundsPerShop = 10 // then a new one opens, with a new journal
	stepTurns     = 3
	roundLimit    = 100 * time.Second
)

// settings are what shops set differently.
var settings = []string{"", "", "accept_partial = true", "confirm_mode = true\nconfirm_within = \"5s\""}

// harness counts what the rounds come to.
type harness struct {
	t      *testing.T
	posd   string // built with its steps
	places []place

	mu     sync.Mutex
	random int            // guarded by mu, as all that follows: kills at random
	before int            // kills on the way to a step of recovery
	hits   map[string]int // kills by named step
	cut    int            // purchases that a kill has cut short
	bought int
	ended  int // customers who were served to the end
	paid   int // those of them who could pay
	broken []string
}

func (h *harness) count(n *int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*n++
}

func (h *harness) hit(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hits[name]++
}

func (h *harness) interrupted(cs []*customer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range cs {
		h.bought++
		if !c.done {
			h.cut++
		}
	}
}

// served notes what became of a customer. A payment is refused only as long as something else must end first; what comes
// after it may be, when the payment does not stand any more.
func (h *harness) served(c *customer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended++
	paid := false
	for id, a := range c.final {
		pays := id == "a" || id == "b"
		// What was stuck a person settles, maybe as paid; then the second attempt is not wanted any more.
		settled := id == "b" && a.Code == "sale_paid" && c.final["a"].State == payment.SaidNeedsAttention
		if a.refused() && (pays && !settled && !slices.Contains(passing, a.Code) || a.Status/100 == 5) {
			return fmt.Errorf("the till is refused %s/%s for good: %d %s", c.sale, id, a.Status, a.Raw)
		}
		paid = paid || pays && a.State == payment.SaidApproved
	}
	if paid {
		h.paid++
	}
	return nil
}

// found notes what is wrong after a round.
func (h *harness) found(r *round, broken []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range broken {
		h.broken = append(h.broken, fmt.Sprintf("%s, in %s: %s", r.name, filepath.Base(r.s.dir), b))
	}
}

// task is one round to be played. Without a place it is one at random.
type task struct {
	n     int
	place *place
}

func (k task) String() string {
	if k.place == nil {
		return fmt.Sprintf("round %d, at random", k.n)
	}
	return fmt.Sprintf("round %d, %s", k.n, k.place.name)
}

// tasks gives the named steps, so many times each, then rounds at random until there are kills enough.
func (h *harness) tasks(turns int, s uint64, give chan<- task) {
	defer close(give)
	var list []*place
	for range turns {
		for i := range h.places {
			list = append(list, &h.places[i])
		}
	}
	rand.New(rand.NewPCG(s, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for n := 0; ; n++ {
		h.mu.Lock()
		enough, wrong := h.random+h.before+len(list) >= *kills, len(h.broken) > 0
		h.mu.Unlock()
		switch {
		case wrong: // the rest would say the same, slowly
			return
		case n < len(list):
			give <- task{n, list[n]}
		case enough:
			return
		default:
			give <- task{n, nil}
		}
	}
}

func TestKilledAnywherePosdLosesAndDoublesNothing(t *testing.T) {
	s := drawnSeed(t)
	posd, err := shipped(t.Context(), "-tags", "steps")
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, posd: posd, hits: map[string]int{}}
	for _, p := range places {
		if regexp.MustCompile(*only).MatchString(p.name) {
			h.places = append(h.places, p)
		}
	}
	turns := 1
	if *kills >= stepTurns*len(h.places) {
		turns = stepTurns
	}
	give := make(chan task)
	go h.tasks(turns, s, give)
	var workers sync.WaitGroup
	for range sideBySide {
		workers.Go(func() { h.work(t.Context(), s, give) })
	}
	workers.Wait()
	h.report(turns)
}

// work plays rounds, in one shop after the other.
func (h *harness) work(ctx context.Context, s uint64, give <-chan task) {
	var w workplace
	defer func() { w.leave(false) }()
	for k := range give {
		err := w.enter(ctx, plan{posd: h.posd, notFound: []string{"00", "25"}[k.n%2], payment: settings[k.n%len(settings)]})
		r := &round{h: h, s: w.shop, name: k.String(), rng: rand.New(rand.NewPCG(s, uint64(k.n)))}
		before := h.breaches()
		if err == nil {
			err = r.within(ctx, k)
		}
		if err != nil {
			h.found(r, []string{err.Error()})
		}
		if h.breaches() > before {
			w.leave(true)
		}
	}
}

// within plays a round in its time.
func (r *round) within(ctx context.Context, k task) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if k.place != nil {
		return r.named(ctx, *k.place)
	}
	return r.random(ctx)
}

func (h *harness) breaches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.broken)
}

// workplace is the shop of a worker.
type workplace struct {
	shop *shop
	left int // rounds until it closes
}

// enter makes sure that there is a shop.
func (w *workplace) enter(ctx context.Context, p plan) error {
	if w.left > 0 {
		w.left--
		return nil
	}
	w.leave(false)
	dir, err := os.MkdirTemp("", "posd-proof-shop-")
	if err != nil {
		return err
	}
	w.left = roundsPerShop - 1
	w.shop, err = newShop(ctx, dir, p)
	return err
}

// leave closes the shop, and keeps its files if something is to be seen in them and somebody wants them.
func (w *workplace) leave(wrong bool) {
	if w.shop == nil {
		return
	}
	w.shop.close()
	w.shop.leave(wrong)
	w.shop, w.left = nil, 0
}

// leave removes the shop's files, or keeps them if something is to be seen in them and somebody wants them.
func (s *shop) leave(wrong bool) {
	if !wrong || *keepIn == "" || os.Rename(s.dir, filepath.Join(*keepIn, filepath.Base(s.dir))) != nil {
		_ = os.RemoveAll(s.dir)
	}
}

// report says what was done and what was found. A step that was never reached shows nothing, and fails.
func (h *harness) report(turns int) {
	named := 0
	for _, p := range h.places {
		h.t.Logf("%3d  %s", h.hits[p.name], p.name)
		named += h.hits[p.name]
		if h.hits[p.name] < turns && len(h.broken) == 0 {
			h.t.Errorf("posd was killed %d times at %q, want %d", h.hits[p.name], p.name, turns)
		}
	}
	if h.cut == 0 {
		h.t.Error("no kill has cut a purchase short: that shows nothing")
	}
	if h.paid < h.ended/3 {
		h.t.Errorf("%d of %d customers could pay: that shows little", h.paid, h.ended)
	}
	slices.Sort(h.broken)
	for _, b := range h.broken {
		h.t.Error(b)
	}
	h.t.Logf("%d purchases, %d of them cut short by a kill; %d of %d customers could pay in the end", h.bought, h.cut, h.paid, h.ended)
	h.t.Logf("proof | kill -9, random and every named step x %d | %d kills (%d random, %d steps x %d, %d more on the way to steps of recovery) | %d violations",
		turns, h.random+h.before+named, h.random, len(h.places), turns, h.before, len(h.broken))
	if h.t.Failed() {
		h.t.Log(errors.New("run it again with the same seed; -proof.keep=DIR keeps the files"))
	}
}
