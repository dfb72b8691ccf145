//go:build proof

package journal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// counted are the commits whose syncs are counted, with everything that goes with them: checkpoints too.
const counted = 2000

// mostSyncs is how many syncs a commit may take.
const mostSyncs = 1.05

// TestACommitTakesOneSync runs a process that commits under strace, with no commits and with many; the difference is
// what the commits took.
func TestACommitTakesOneSync(t *testing.T) {
	none, many := syncsOf(t, 0), syncsOf(t, counted)
	each := float64(many-none) / counted
	if each > mostSyncs {
		t.Errorf("%d commits took %d syncs, %.3f each, want at most %.2f", counted, many-none, each, mostSyncs)
	}
	floor, commit := floorAndCommit(t)
	ratio := floor.Seconds() / commit.Seconds()
	word := "goal met"
	if ratio < 0.4 {
		word = "goal missed on this machine, in this run"
	}
	t.Logf("proof | syncs per durable commit, counted by strace, checkpoints included | %d commits | %.3f each (at most %.2f)", counted, each, mostSyncs)
	t.Logf("proof | a durable commit against write and fdatasync of as much into a file that is long enough | 1,000 of each, by turns | %.2f ms; floor %.2f ms; ratio %.2f (goal 0.40: %s)",
		commit.Seconds()*1000, floor.Seconds()*1000, ratio, word)
}

var syncCall = regexp.MustCompile(`\b(fsync|fdatasync|msync|sync_file_range|syncfs)\(`)

// syncsOf gives the syncs of a process that commits n times and ends.
func syncsOf(t *testing.T, n int) int {
	t.Helper()
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-o", trace,
		"-e", "trace=fsync,fdatasync,msync,sync_file_range,syncfs", os.Args[0])
	cmd.Env = append(os.Environ(), committer+"="+strconv.Itoa(n)+" "+filepath.Join(dir, "journal.db"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s; strace comes with make deps", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return len(syncCall.FindAll(text, -1))
}

// floorAndCommit gives the medians of a write with its sync, and of a commit, by turns.
func floorAndCommit(t *testing.T) (floor, commit time.Duration) {
	t.Helper()
	j := open(t, options(t))
	f, err := os.Create(filepath.Join(t.TempDir(), "floor"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	record := make([]byte, 256)
	if _, err := f.Write(make([]byte, 256<<10)); err != nil {
		t.Fatal(err)
	}
	var raw, ours []time.Duration
	for n := range 1000 {
		start := time.Now()
		if _, err := f.WriteAt(record, int64(n)*256); err != nil {
			t.Fatal(err)
		}
		if err := syncData(f); err != nil {
			t.Fatal(err)
		}
		raw = append(raw, time.Since(start))
		start = time.Now()
		appendNotes(t, j, "sale/1", string(record[:200]))
		ours = append(ours, time.Since(start))
	}
	slices.Sort(raw)
	slices.Sort(ours)
	return raw[len(raw)/2], ours[len(ours)/2]
}
