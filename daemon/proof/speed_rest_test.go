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

// The goals of a posd at rest, and clockTicks, in which Linux counts CPU time (man 5 proc; it is 100 wherever Go runs).
const (
	goalMiB    = 25
	goalCPU    = 0.2 // percent of one processor
	clockTicks = 100
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
		_, err = fmt.Fprintf(f, "[[device]]\nname = \"%s2\"\nkind = \"%s\"\nport = \"dev/%s2\"\n", kind, kind, kind)
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

// ticks is the CPU time that a process has used.
func (p *process) ticks(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name; utime and stime are the 14th and 15th of all
	n := 0
	for _, field := range strings.Fields(rest)[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		n += ticks
	}
	return n
}

// TestAPosdAtRestIsSmall prints what the posd that ships takes of a till's machine while nobody pays: five devices, card host
// and gateway. The figures are printed beside the goals; only that it is what it seems is asserted.
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
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, err := s.supervisor.ask(t.Context(), ask{method: "GET", path: "/v1/devices"}); err != nil || len(a.Devices) != 5 {
		t.Fatalf("%d devices, %v", len(a.Devices), err)
	}
	time.Sleep(*restFor / 5) // what a start needs is over
	before, begun := s.posd.ticks(t), time.Now()
	time.Sleep(*restFor)
	took := time.Since(begun).Seconds()
	if !s.posd.running() {
		t.Fatal("it has ended")
	}
	cpu := 100 * float64(s.posd.ticks(t)-before) / clockTicks / took
	t.Logf("proof | what posd takes at rest, with five devices, card host and gateway | %.0f s | %.1f MiB resident, of which %.1f MiB are its own (goal %d); %.2f %% of a processor (goal %.1f)",
		took, float64(s.posd.proc(t, "status", "VmRSS"))/1024, float64(s.posd.proc(t, "status", "RssAnon"))/1024, goalMiB, cpu, goalCPU)
}
