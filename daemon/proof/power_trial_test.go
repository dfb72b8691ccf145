//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// trial reopens states of the disk after losses of power, and keeps what it finds.
type trial struct {
	tape   *tape
	claims *claims
	dir    string // in memory: what is synced there costs nothing
	wakes  int    // the real posd is started on every so many-th state; 0 for never

	woken atomic.Int64
	bad   atomic.Int64 // states with anything wrong
	lost  atomic.Int64 // those of them that lack what was told

	known *states        // owned by run
	made  [lossKinds]int // likewise
	took  time.Duration  // likewise
	twice int            // of those made: after a second loss of power; likewise
	again []outage       // states at whose recovery power goes once more; likewise

	mu    sync.Mutex
	words []string // guarded by mu; about the first bad ones
}

// wordsKept bounds how many bad states are shown.
const wordsKept = 12

// total is how many states were reopened.
func (tr *trial) total() (n int) {
	for _, m := range tr.made {
		n += m
	}
	return n
}

// numbered is a state and its number.
type numbered struct {
	outage
	n int
}

// run reopens as many states of a record as a plan wants, on all cores. It keeps some of them, for losses of power that
// come during recovery.
func (tr *trial) run(ctx context.Context, part string, r *record, p outagePlan, keep int) error {
	began := time.Now()
	queue := make(chan numbered)
	var workers sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		workers.Go(func() { tr.work(ctx, filepath.Join(tr.dir, fmt.Sprint(w)), part, queue) })
	}
	sent, picked := 0, 0
	made, err := outages(ctx, r, p, tr.known, func(o outage) {
		if picked < keep && sent >= picked*p.want/keep {
			tr.again = append(tr.again, o)
			picked++
		}
		queue <- numbered{o, sent}
		sent++
	})
	close(queue)
	workers.Wait()
	for k, n := range made {
		tr.made[k] += n
	}
	tr.took += time.Since(began)
	return err
}

// work reopens states until there are no more, in a folder of its own.
func (tr *trial) work(ctx context.Context, dir, part string, queue <-chan numbered) {
	var lone *shop
	var setUp error
	if tr.wakes > 0 {
		lone, setUp = tr.tape.newLone(filepath.Join(dir, fmt.Sprint("lone", tr.total())))
	}
	for o := range queue {
		k, errs := tr.judge(ctx, filepath.Join(dir, "state"), o)
		if setUp != nil {
			errs = append(errs, setUp.Error())
		}
		if len(errs) == 0 && tr.wakes > 0 && o.n%tr.wakes == 0 {
			errs = tr.tape.wake(ctx, lone, o.outage, k)
			tr.woken.Add(1)
		}
		if len(errs) > 0 {
			tr.report(o.outage, part, errs)
		}
	}
}

// judge reopens one state as posd does, and gives what its journal holds and what is wrong with it.
func (tr *trial) judge(ctx context.Context, folder string, o numbered) (*kept, []string) {
	if err := o.image.lay(folder); err != nil {
		return nil, []string{err.Error()}
	}
	k, err := reopen(ctx, folder, o.n%verifyShare == 0)
	if err != nil {
		return nil, []string{err.Error()}
	}
	broken := tr.claims.broken(o.told, k)
	if len(broken) > 0 {
		tr.lost.Add(1)
	}
	return k, append(broken, k.unowed()...)
}

func (tr *trial) report(o outage, part string, errs []string) {
	tr.bad.Add(1)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if part == "" {
		part = tr.tape.partOf(o.place)
	}
	if len(tr.words) < wordsKept {
		tr.words = append(tr.words, fmt.Sprintf("%s, place %d, %s (seed %d):\n  %s",
			part, o.place, o.luck.kind, o.luck.seed, strings.Join(errs[:min(len(errs), 5)], "\n  ")))
	}
}

// runFirst reopens so many states of the first life, in which the journal is made.
func (tr *trial) runFirst(ctx context.Context, want int, seed uint64) error {
	r := tr.tape.record
	p := planOutages(r, 0, tr.tape.starts[parts[1].name], tr.claims.toldBy)
	p.want, p.seed = want, seed
	return tr.run(ctx, "", r, p, againMost/2)
}

// runRest reopens states of the other lives, until there are so many of all.
func (tr *trial) runRest(ctx context.Context, all int, seed uint64) error {
	r := tr.tape.record
	p := planOutages(r, tr.tape.starts[parts[1].name], forever, tr.claims.toldBy)
	p.want, p.seed = all-tr.total(), seed
	return tr.run(ctx, "", r, p, againMost/2)
}

// runAgain lets the power go once more, while the real posd recovers from some of the states: as many states of each as
// makes enough of all. Nothing that was told before the first loss may be missing after the second.
func (tr *trial) runAgain(ctx context.Context, want int, seed uint64) error {
	again := tr.again
	for i, o := range again {
		r, err := tr.tape.recordWake(ctx, filepath.Join(tr.dir, fmt.Sprintf("again%d", i)), o)
		if err != nil {
			return fmt.Errorf("recovery from place %d, %s, seed %d: %w", o.place, o.luck.kind, o.luck.seed, err)
		}
		told := func(int) int { return o.told }
		part := fmt.Sprintf("recovery from %q, place %d, %s, seed %d", tr.tape.partOf(o.place), o.place, o.luck.kind, o.luck.seed)
		p := planOutages(r, 0, forever, told)
		p.want, p.seed = want/len(again), seed+uint64(i)
		before := tr.total()
		if err := tr.run(ctx, part, r, p, 0); err != nil {
			return err
		}
		tr.twice += tr.total() - before
	}
	return nil
}
