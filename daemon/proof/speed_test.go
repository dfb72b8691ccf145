//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// quietly changes a shop's configuration before posd starts: it logs as much as posd does by itself, and has these
// other lines instead of those.
func (s *shop) quietly(t *testing.T, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(s.path(configFile))
	if err != nil {
		t.Fatal(err)
	}
	pairs = append(pairs, `level = "debug"`, `level = "info"`)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
	}
	text = []byte(strings.NewReplacer(pairs...).Replace(string(text)))
	if err := os.WriteFile(s.path(configFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// closedShop is openShop without posd running in it.
func closedShop(t *testing.T, p plan) *shop {
	t.Helper()
	s, err := newShop(t.Context(), t.TempDir(), p)
	t.Cleanup(s.close)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// used is the processor's time that a process has used.
func used(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // user and system, in hundredths of a second
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// ownTime is the processor's time that this process has used.
func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// syncs are how long a write with fdatasync into a file that is long enough takes in a folder: the least that a durable
// commit may cost. The median of n is given.
func syncs(ctx context.Context, dir string, n int) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const record = 4096
	if _, err := f.Write(make([]byte, 64*record)); err != nil {
		return 0, err
	}
	took := make([]time.Duration, 0, n)
	for i := range n {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		start := time.Now()
		if _, err := f.WriteAt(make([]byte, record), int64(i%64)*record); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	return median(took), nil
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}

// reached is the verdict on a figure that nobody is held to.
func reached(got, goal float64) string {
	if got >= goal {
		return "goal met"
	}
	return "goal missed on this machine, in this run"
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
