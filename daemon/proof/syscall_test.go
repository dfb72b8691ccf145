//go:build proof && linux

package proof

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	faultRuns = flag.Int("proof.faults", 60, "runs of posd with a system call that fails; 0 for every call with every error it can have")
	pairRuns  = flag.Int("proof.pairs", 0, "runs with two system calls that fail")
	faultLane = flag.Int("proof.lanes", 8, "shops in which they are played side by side")
	faultOnly = flag.String("proof.play", "", "a regular expression: only the runs whose description it fits, each of them -proof.again times")
	playAgain = flag.Int("proof.again", 1, "how often they are played")
)

// errorsOf are the ways in which a kind of call can fail. With a star it fails from then on.
func errorsOf(kind string) []string {
	switch verb, place, _ := strings.Cut(kind, " "); verb {
	case "write":
		if place == "log" {
			return []string{"EIO", "ENOSPC*", short}
		}
		return []string{"EIO", "ENOSPC", short, "EIO*", "ENOSPC*"}
	case "sync", "truncate":
		return []string{"EIO", "ENOSPC", "EIO*"}
	case "rename", "mkdir", "unlink":
		return []string{"EIO", "ENOSPC"}
	case "open":
		return []string{"EMFILE", "EIO", "EMFILE*"}
	case "create":
		return []string{"EMFILE", "EIO", "ENOSPC", "EROFS*"}
	case "socket", "accept":
		return []string{"EMFILE", "EMFILE*"}
	case "connect":
		return []string{"ECONNRESET", "ECONNREFUSED", "ECONNREFUSED*"}
	case "send", "recv":
		return []string{"ECONNRESET", "EIO", short}
	default:
		return []string{"EIO", short}
	}
}

// play is one run: a scene, the faults in it, and whether posd is killed right after it or has to recover by itself.
type play struct {
	scene  string
	faults []fault
	kill   bool
}

func (p play) String() string {
	var all []string
	for _, f := range p.faults {
		all = append(all, f.String())
	}
	then := "goes on"
	if p.kill {
		then = "is killed"
	}
	return fmt.Sprintf("%s with %s; then posd %s", p.scene, strings.Join(all, ", "), then)
}

func TestEverySystemCallFailsOnceAndNoMoneyIsLost(t *testing.T) {
	ctx := t.Context()
	calls, err := rehearse(ctx, t)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(drawnSeed(t), 6))
	list := programme(calls, *faultRuns, r)
	list = picked(append(list, pairsOf(calls, *pairRuns, r)...))
	st := &stage{t: t, planned: len(list), work: make(chan play), met: map[index]bool{}, ways: map[way]bool{}, missed: map[way]int{}}
	var lanes sync.WaitGroup
	for range min(*faultLane, len(list)) {
		lanes.Go(func() { st.perform(ctx) })
	}
	for _, p := range list {
		st.work <- p
	}
	close(st.work)
	lanes.Wait()
	st.report(calls)
}

// picked are the runs that somebody wants to look at: all, when he does not say.
func picked(list []play) []play {
	if *faultOnly == "" {
		return list
	}
	only := regexp.MustCompile(*faultOnly)
	list = slices.DeleteFunc(list, func(p play) bool { return !only.MatchString(p.String()) })
	return slices.Repeat(list, *playAgain)
}

// rehearse counts the calls of each scene.
func rehearse(ctx context.Context, t *testing.T) (map[string]map[string]int, error) {
	l, err := openLane(ctx)
	defer l.close()
	calls := map[string]map[string]int{}
	for _, scene := range []string{cardScene, walletScene, startScene} {
		for range 2 { // the first time more is opened and dialled
			if err == nil {
				calls[scene], err = l.rehearse(ctx, scene)
			}
		}
		if err == nil && calls[scene]["sync journal"] == 0 {
			err = fmt.Errorf("%s: the tracer has not seen the journal synced", scene)
		}
		for _, kind := range slices.Sorted(maps.Keys(calls[scene])) {
			t.Logf("%s: %s %d", scene, kind, calls[scene][kind])
		}
	}
	return calls, err
}

// perform plays what is on the programme in shops of its own, until that is empty.
func (st *stage) perform(ctx context.Context) {
	const each = 60 // runs of a shop: its books grow
	for l := (*lane)(nil); ; {
		p, ok := <-st.work
		if !ok || ctx.Err() != nil {
			st.finish(ctx, l)
			return
		}
		if l != nil && (l.spoilt || l.played >= each) {
			st.finish(ctx, l)
			l = nil
		}
		if l == nil {
			var err error
			if l, err = openLane(ctx); err != nil {
				st.t.Errorf("a shop does not open: %v", err)
				l.close()
				l = nil
				continue
			}
		}
		st.count(p, l.play(ctx, p))
		st.say(l)
	}
}

// finish checks the books of a shop for the last time and closes it.
func (st *stage) finish(ctx context.Context, l *lane) {
	if l == nil {
		return
	}
	if !l.spoilt {
		l.lastCheck(ctx)
		st.say(l)
	}
	l.close()
}

// scratch is a folder whose syncs cost nothing and whose name is short enough for sockets.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("/dev/shm", "posd-")
	if err != nil {
		return os.MkdirTemp("", "posd-")
	}
	return dir, nil
}
