package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// dayOptions say how a day is played.
type dayOptions struct {
	attempts int
	tally    *shopTally
	dir      string // where its files are; nothing else is in it
	timeline bool
}

// played is what a day has come to.
type played struct {
	broken   []string
	timeline []line
	trace    []byte // hash of what happened, per attempt
	attempts int
	crashes  int
	took     time.Duration // virtual
}

// playShop plays the day of a seed.
func playShop(t *testing.T, seed uint64, o dayOptions) (p played) {
	t.Helper()
	shopKeys()
	if o.dir == "" {
		o.dir = shopFolder(t)
	}
	clean(t, o.dir)
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		s := openShop(t, seed, o)
		s.play()
		s.check()
		p = played{trace: s.trace(), attempts: s.mirror.created, crashes: s.lives - 1, took: time.Since(s.began)}
		s.putsOlderBack()
		s.shut()
		p.broken, p.timeline = s.broken, s.timeline
	})
	return p
}

// play runs the day: two tills, a supervisor, somebody who closes batches, and what goes wrong beside them. Then it is
// calm until nothing is owed any more.
func (s *shop) play() {
	ctx, cancel := context.WithCancel(context.Background())
	var beside, tills sync.WaitGroup
	s.begin()
	time.Sleep(time.Second)
	beside.Go(func() { s.watch(ctx) })
	beside.Go(func() { s.mischief(ctx) })
	beside.Go(func() { s.readSlips(ctx) })
	beside.Go(func() { s.teller("closer", "the-token-of-the-till").closeBatches(ctx) })
	beside.Go(func() { s.teller("supervisor", "the-token-of-the-supervisor").oversee(ctx) })
	for n, till := range []*teller{s.teller("till", "the-token-of-the-till"), s.teller("till-2", "the-token-of-the-second-till")} {
		tills.Go(func() {
			time.Sleep(time.Duration(n*777) * time.Microsecond)
			till.trade(string(rune('a' + n)))
			till.hangUp()
		})
	}
	tills.Wait()
	s.set(&s.calm, true)
	s.mu.Lock()
	s.diskFails, s.diskFull = false, false
	s.mu.Unlock()
	time.Sleep(30 * time.Second) // a crash that has just happened is restarted from
	s.rest(ctx)
	s.lookBack()
	cancel()
	beside.Wait()
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	l.end()
}

// oversee is the supervisor, who looks now and then and settles some of what is stuck.
func (t *teller) oversee(ctx context.Context) {
	rng := t.s.draw("supervisor", "")
	for nap(ctx, 40*time.Second+time.Duration(rng.Int64N(int64(3*time.Minute)))) && !t.s.isCalm() {
		t.looksAround()
		owed, ok := t.try(http.MethodGet, "/v1/owed", nil, "")
		if !ok {
			return
		}
		for _, a := range owed.Stuck {
			if rng.IntN(2) == 0 {
				t.settle(a)
			}
		}
	}
	t.hangUp()
}

// settle says what the ledger of the other side says, or has it tried again. While the request or its reversal may yet reach the
// other side its ledger is not the last word, and posd takes none.
func (t *teller) settle(a said) {
	body := t.s.verdict(a)
	path := pathOf(a.Sale, a.Attempt) + "/settle?client=" + a.Client
	got, ok := t.try(http.MethodPost, path, body, "")
	if ok && got.State == "" && got.Code != "not_stuck" && got.Code != "reversal_under_way" && got.Code != "request_under_way" {
		t.s.breach("%s/%s cannot be settled as %v: %s", a.Sale, a.Attempt, body["as"], got.text)
	}
}

// closeBatches closes the card batch now and then, with force where that is asked for.
func (t *teller) closeBatches(ctx context.Context) {
	rng := t.s.draw("closing", "")
	for nap(ctx, 3*time.Minute+time.Duration(rng.Int64N(int64(20*time.Minute)))) && !t.s.isCalm() {
		t.closeBatch(ctx, rng)
	}
	t.hangUp()
}

func (t *teller) closeBatch(ctx context.Context, rng *rand.Rand) {
	a, _ := t.try(http.MethodPost, "/v1/batches/close", nil, "60")
	t.s.tally.add("said to the till", "batch "+a.State+a.Code)
	if a.Code == "batch_open_items" || a.Code == "batch_refused" {
		nap(ctx, time.Second+time.Duration(rng.Int64N(int64(time.Minute))))
		who := t.supervisor()
		defer who.hangUp()
		b, _ := who.try(http.MethodPost, "/v1/batches/close", map[string]any{"by": "supervisor", "reason": "the shop closes", "force": true}, "60")
		t.s.tally.add("said to the till", "forced batch "+b.State+b.Code)
	}
}

// rest lets the world be calm until nothing is owed any more, with a supervisor who settles what is stuck.
func (s *shop) rest(ctx context.Context) {
	t := s.teller("supervisor-at-night", "the-token-of-the-supervisor")
	defer t.hangUp()
	rng := s.draw("night", "")
	var owed answer
	for range 300 {
		rest(rng, 3*time.Minute, 4*time.Minute)
		owed, _ = t.try(http.MethodGet, "/v1/owed", nil, "")
		for _, a := range owed.Stuck {
			t.settle(a)
		}
		undoing := false
		for _, p := range owed.Pairs {
			undoing = undoing || p.State == "undoing"
		}
		if len(owed.Open)+len(owed.Stuck) == 0 && !undoing && s.batchesRest(ctx, t) {
			return
		}
	}
	s.breach("I5: after a night of calm there is still owed: %s", owed.text)
}

// batchesRest forces what the host has refused, and tells whether no batch is under way.
func (s *shop) batchesRest(ctx context.Context, t *teller) bool {
	list, _ := t.try(http.MethodGet, "/v1/batches", nil, "")
	for _, b := range list.Batches {
		switch b.State {
		case "closing":
			return false
		case "refused":
			t.closeBatch(ctx, s.draw("night", "batch"))
			return false
		}
	}
	return true
}

// secondPosd is somebody who starts posd twice (I9). While one is put in the place of another none runs: then this would
// be the first.
func (s *shop) secondPosd(ctx context.Context, _ *rand.Rand) {
	s.mu.Lock()
	l := s.life
	runs := !l.dead && !l.hasEnded() && s.stopping == 0
	s.mu.Unlock()
	if !runs {
		return
	}
	w := world{Log: slog.New(slog.DiscardHandler), Now: s.now, Open: l.openPort, Dial: l.dial, Listen: l.listen}
	err := run(ctx, s.cfg, w)
	var locked *journal.LockedError
	switch {
	case l.isDead():
	case errors.As(err, &locked):
		s.did("a second posd is started")
	default:
		s.breach("I9: a second posd on the same journal ends with %v", err)
	}
}

// nextBatchOf is the number after a batch.
func nextBatchOf(batch string) string {
	n, _ := strconv.Atoi(batch)
	return fmt.Sprintf("%06d", n%999_999+1)
}

// lookBack has each till ask how its sales stand, at last.
func (s *shop) lookBack() {
	s.last = map[string]said{}
	for _, t := range []*teller{s.teller("till", "the-token-of-the-till"), s.teller("till-2", "the-token-of-the-second-till")} {
		sales := map[string]bool{}
		s.mu.Lock()
		for k := range s.mirror.attempts {
			if k.Client == t.name {
				sales[k.Sale] = true
			}
		}
		s.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(sales)) {
			if a, ok := t.try(http.MethodGet, "/v1/sales/"+id, nil, ""); ok {
				s.last[t.name+"/"+id] = a.said
			}
		}
		t.hangUp()
	}
}
