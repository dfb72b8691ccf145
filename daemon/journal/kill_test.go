package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
)

// victim names the journal that a child process of this test is to fill until it is killed.
const victim = "POSD_JOURNAL_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		fill(path)
		return
	}
	if what := os.Getenv(committer); what != "" {
		if err := commitAndEnd(what); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// committer says how often a child process of a test is to commit, and where.
const committer = "POSD_JOURNAL_COMMITTER"

// commitAndEnd commits so often to a new journal, and closes it.
func commitAndEnd(what string) error {
	count, path, _ := strings.Cut(what, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	ctx := context.Background()
	j, err := journal.Open(ctx, journal.Options{Path: path, Now: time.Now, Projections: []journal.Projection{tally{}}})
	for i := 0; i < n && err == nil; i++ {
		err = j.Update(ctx, func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note", Body: note{N: i}})
		})
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return j.Close()
}

// fill appends and acknowledges without end. Several do it at once, so that they share commits.
func fill(path string) {
	opt := journal.Options{Path: path, Now: time.Now, Projections: []journal.Projection{tally{}}, Ballast: 1 << 20}
	opt.AfterCommit = func(seq int64) { _, _ = os.Stdout.WriteString(strconv.FormatInt(seq, 10) + "\n") }
	j, err := journal.Open(context.Background(), opt)
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	failed := make(chan error)
	for range 3 {
		go func() {
			var err error
			for err == nil {
				err = j.Update(context.Background(), func(tx *journal.Tx) error {
					return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note", Body: note{Text: "x", N: os.Getpid()}})
				})
			}
			failed <- err
		}()
	}
	_, _ = os.Stderr.WriteString((<-failed).Error())
	os.Exit(1)
}

// killOne runs a victim for a while, from its start or from its first acknowledgement on, kills it, and gives the last
// sequence number that it acknowledged.
func killOne(t *testing.T, path string, after time.Duration, atWork bool) (last int64) {
	t.Helper()
	var stderr strings.Builder
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), victim+"="+path)
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = child.Process.Kill() })
	defer timer.Stop()
	if atWork {
		timer.Stop()
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		if n, err := strconv.ParseInt(in.Text(), 10, 64); err == nil {
			if atWork && last == 0 {
				timer.Reset(after)
			}
			last = n
		}
	}
	_ = child.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("the victim failed by itself: %s", &stderr)
	}
	return last
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 5
	}
	opt := options(t)
	opt.Ballast = 1 << 20
	var acknowledged int64
	for i := range kills {
		after := 40*time.Millisecond + time.Duration(rand.Int64N(int64(80*time.Millisecond)))
		if last := killOne(t, opt.Path, after, i%2 == 1); last > 0 {
			acknowledged = last
		}
		j := open(t, opt)
		r, err := j.Verify(t.Context())
		if err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
		if r.Events < acknowledged || count(t, j, "sale/1") != int(r.Events) {
			t.Fatalf("after kill %d: %d events, tally %d; %d acknowledged", i, r.Events, count(t, j, "sale/1"), acknowledged)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged == 0 {
		t.Error("no victim lived long enough to acknowledge anything")
	}
	t.Log(fmt.Sprint(kills, " kills, ", acknowledged, " events acknowledged, none lost"))
}
