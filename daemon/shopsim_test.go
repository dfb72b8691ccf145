package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	shopDays     = flag.Int("shop.days", 2, "how many days of a whole shop are simulated")
	shopTwice    = flag.Int("shop.twice", 3, "how many of them are played twice, to show that a seed is one story")
	shopSeed     = flag.Uint64("shop.seed", 1, "the seed of the first day")
	shopAttempts = flag.Int("shop.attempts", 40, "how many attempts a day has")
	shopShard    = flag.String("shop.shard", "", "set by the test itself: which part of the days a process plays, and where it reports")
)

// wholeRun is from how many attempts on a run must have seen every fault, transition and crash point: 200 whole days.
const wholeRun = 200 * 500

// shopReport is what the days of one process, or of all, have come to.
type shopReport struct {
	Days, Attempts, Crashes, Broken int
	Tally                           *shopTally
}

func (r *shopReport) merge(o shopReport) {
	r.Days, r.Attempts, r.Crashes, r.Broken = r.Days+o.Days, r.Attempts+o.Attempts, r.Crashes+o.Crashes, r.Broken+o.Broken
	r.Tally.merge(o.Tally)
}

// TestNoPaymentIsLostOrDoubledInDaysOfAWholeShop plays seeded days through all of posd (API, desk, journal on a disk,
// card line, wallet client, drivers, prints) against simulated counterparts, with everything going wrong, and compares
// the books of all sides.
func TestNoPaymentIsLostOrDoubledInDaysOfAWholeShop(t *testing.T) {
	if *shopShard != "" {
		playShard(t, playDays)
		return
	}
	r := playAll(t, *shopDays, min(runtime.NumCPU(), *shopDays/10), playDays)
	t.Logf("%d days\n%s", r.Days, r.Tally)
	for _, what := range r.Tally.missing() {
		if r.Attempts >= wholeRun {
			t.Errorf("%s never occurred", what)
		} else {
			t.Logf("%s never occurred", what)
		}
	}
	t.Logf("proof | simulated shop days of %d attempts, violations of I1-I12, P1-P3 | seeds %d to %d: %d days, %d attempts, %d crashes | %d",
		*shopAttempts, *shopSeed, *shopSeed+uint64(*shopDays)-1, r.Days, r.Attempts, r.Crashes, r.Broken)
}

// maxBroken is after how many days that break a rule nobody needs to see more.
const maxBroken = 3

// playDays plays some of the days, and shows the timeline of what breaks a rule.
func playDays(t *testing.T, seeds []uint64) shopReport {
	r := shopReport{Tally: newShopTally()}
	dir := shopFolder(t)
	for _, seed := range seeds {
		p := playShop(t, seed, dayOptions{attempts: *shopAttempts, tally: r.Tally, dir: dir})
		r.Days, r.Attempts, r.Crashes = r.Days+1, r.Attempts+p.attempts, r.Crashes+p.crashes
		progress(r.Days, len(seeds), seed, p.broken)
		if len(p.broken) == 0 {
			continue
		}
		again := playShop(t, seed, dayOptions{attempts: *shopAttempts, tally: newShopTally(), dir: dir, timeline: true})
		tell(t, seed, p, again)
		if r.Broken++; r.Broken == maxBroken {
			break
		}
	}
	return r
}

// progress tells who watches a long run how far it is, each 25 days, and at once of a day that breaks a rule: the test
// itself says nothing before its end.
func progress(day, days int, seed uint64, broken []string) {
	if *shopShard != "" && (day%25 == 0 || len(broken) > 0) {
		fmt.Fprintf(os.Stderr, "%s seed %d, day %d of %d of this processor: %d rules broken\n", time.Now().Format(time.TimeOnly), seed, day, days, len(broken))
	}
}

// playAll plays days in so many processes, each on one processor; in this one if that is none.
func playAll(t *testing.T, days, shards int, play func(*testing.T, []uint64) shopReport) shopReport {
	t.Helper()
	if shards == 0 {
		return play(t, seedsOf(0, 1, days))
	}
	dir := t.TempDir()
	total := shopReport{Tally: newShopTally()}
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range shards {
		all.Go(func() {
			r, err := runShard(t, n, shards, filepath.Join(dir, fmt.Sprint(n)))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("shard %d: %v", n, err)
				return
			}
			total.merge(r)
		})
	}
	all.Wait()
	return total
}

// seedsOf are the seeds of one part of the days.
func seedsOf(shard, shards, days int) (seeds []uint64) {
	for n := shard; n < days; n += shards {
		seeds = append(seeds, *shopSeed+uint64(n))
	}
	return seeds
}

// runShard runs a part of this test as a process on one processor, and passes on what it has to tell.
func runShard(t *testing.T, n, shards int, file string) (r shopReport, err error) {
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=24h", fmt.Sprintf("-shop.shard=%d/%d/%s", n, shards, file),
		fmt.Sprint("-shop.days=", *shopDays), fmt.Sprint("-shop.twice=", *shopTwice), fmt.Sprint("-shop.seed=", *shopSeed),
		fmt.Sprint("-shop.attempts=", *shopAttempts))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=2000")
	if strings.Contains(t.Name(), "Twice") {
		// The collector stops goroutines wherever they are, and then others are first at an instant: here it works between
		// days, of which each makes 1 to 2 GB. Days take a third longer so.
		cmd.Env = append(cmd.Env, "GOGC=off", "GOMEMLIMIT=4GiB")
	}
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, failed := cmd.Output()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if failed != nil {
		t.Errorf("shard %d: %v\n%s", n, failed, out)
	}
	t.Logf("shard %d: %d days in %v", n, r.Days, time.Since(start).Round(time.Second))
	return r, err
}

// playShard is the part of a process that runShard has started.
func playShard(t *testing.T, play func(*testing.T, []uint64) shopReport) {
	t.Helper()
	runtime.MemProfileRate = 0 // nobody looks at it, and its stacks cost some percent of a day
	var n, shards int
	var file string
	if _, err := fmt.Sscanf(strings.ReplaceAll(*shopShard, "/", " "), "%d %d", &n, &shards); err != nil {
		t.Fatal(err)
	}
	file = strings.SplitN(*shopShard, "/", 3)[2]
	days := *shopDays
	if strings.Contains(t.Name(), "Twice") {
		days = *shopTwice
	}
	text, err := json.Marshal(play(t, seedsOf(n, shards, days)))
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// clean empties a folder of what a day has left there.
func clean(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"data", "log"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
