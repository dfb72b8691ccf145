//go:build proof && linux

package proof

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var restFor = flag.Duration("rest.for", 10*time.Second, "how long a posd at rest is looked at")

// The goals of a posd at rest.
const (
	goalMiB = 25.0
	goalCPU = 0.2 // percent of one processor
)

// another adds a device of a kind to the counter, and to the configuration.
func (s *shop) another(t *testing.T, kind string) {
	t.Helper()
	m, err := s.simulate(t.Context(), kind, "--link", "dev/"+kind+"2")
	if m != nil {
		t.Cleanup(func() { m.process.stop() })
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(s.path(configFile), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "[[device]]\nname = \"%s2\"\nkind = \"%s\"\nport = \"serial://dev/%s2\"\n", kind, kind, kind)
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
}

// proc reads a line of /proc/PID/FILE that begins with a key: its first number.
func (p *process) proc(t *testing.T, file, key string) int {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s of %s has no %s", file, p.name, key)
	return 0
}

// TestAPosdAtRestIsSmall prints what the posd that ships takes of a till's machine while nobody pays: five devices, card host
// and gateway, and logging at the level that posd has by itself. The figures are printed beside the goals; only that it is what it seems is asserted.
func TestAPosdAtRestIsSmall(t *testing.T) {
	s, err := newShop(t.Context(), t.TempDir(), plan{})
	t.Cleanup(s.close)
	if err != nil {
		t.Fatal(err)
	}
	s.another(t, "scanner")
	s.another(t, "reader")
	binary, err := shipped(t.Context(), "-trimpath", "-ldflags", "-s -w")
	if err != nil {
		t.Fatal(err)
	}
	s.plan.posd = binary
	s.quietly(t)
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, err := s.supervisor.ask(t.Context(), ask{method: "GET", path: "/v1/devices"}); err != nil || len(a.Devices) != 5 {
		t.Fatalf("%d devices, %v", len(a.Devices), err)
	}
	time.Sleep(*restFor / 5) // what a start needs is over
	pid := s.posd.cmd.Process.Pid
	before, begun := used(t, pid), time.Now()
	time.Sleep(*restFor)
	took := time.Since(begun).Seconds()
	if !s.posd.running() {
		t.Fatal("it has ended")
	}
	cpu := 100 * (used(t, pid) - before).Seconds() / took
	mib := float64(s.posd.proc(t, "status", "VmRSS")) / 1024
	t.Logf("proof | what posd takes at rest, with five devices, card host and gateway | %.0f s | %.1f MiB resident, of which %.1f MiB are its own (goal %.0f: %s); %.2f %% of a processor (goal %.1f: %s)",
		took, mib, float64(s.posd.proc(t, "status", "RssAnon"))/1024, goalMiB, reached(goalMiB, mib), cpu, goalCPU, reached(goalCPU, cpu))
}
