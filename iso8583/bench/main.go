// Command bench measures the codec with one message: the 0200 of a chip sale with 20 fields. It holds posd against
// straight-line code that was written for that message and nothing else, and against moov-io/iso8583, on the same
// bytes and in one run. It is a module of its own, so that posd does not depend on what it is compared with.
//
// The runs are interleaved and the best of each counts: what else the machine does makes code slower and never faster.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

func main() {
	testing.Init()
	rounds := flag.Int("rounds", 9, "how often each is measured; the best counts")
	each := flag.Duration("each", 50*time.Millisecond, "how long each measurement takes")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, prints the table and the goals, and fails when the reference is none.
func run(w io.Writer, rounds int, each time.Duration) error {
	if err := flag.Set("test.benchtime", each.String()); err != nil {
		return err
	}
	list, err := benches()
	if err != nil {
		return err
	}
	got := results{}
	for range max(1, rounds) {
		for _, c := range list {
			r := testing.Benchmark(c.run)
			if r.N == 0 {
				return fmt.Errorf("%v does not work", c.key)
			}
			got.add(c.key, r)
		}
	}
	printTable(w, list, got)
	return printGoals(w, got)
}

// result is the best of several measurements of one thing.
type result struct {
	ns            float64
	bytes, allocs int64
}

type results map[key]result

func (r results) add(k key, b testing.BenchmarkResult) {
	now := result{ns: float64(b.T.Nanoseconds()) / float64(b.N), bytes: b.AllocedBytesPerOp(), allocs: b.AllocsPerOp()}
	if old, ok := r[k]; !ok || now.ns < old.ns {
		r[k] = now
	}
}

// ratio is how many times longer a takes than b; false when one of them was not measured.
func (r results) ratio(a, b key) (float64, bool) {
	x, okA := r[a]
	y, okB := r[b]
	return x.ns / max(y.ns, 0.1), okA && okB
}
