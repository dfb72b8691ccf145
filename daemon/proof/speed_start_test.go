//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/hwtest/walletsim"
)

var speedEvents = flag.String("speed.events", "10000,100000", "how long the journals are that posd starts with")

// owedAtStart is how many reversals are due in each of them.
const owedAtStart = 50

// sample is what one sale leaves in the journal, to be written again under other names.
type sample struct {
	sale   string
	events []journal.Event
}

// samples are one sale that was paid and told, and one whose reversal is due, of a real posd.
func samples(t *testing.T, s *shop) (paid, due sample) {
	t.Helper()
	ctx := t.Context()
	for _, sale := range []string{"PAIDXX", "DUEXXX"} {
		code, err := s.code(ctx, walletsim.AlipayName)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.till.openSale(ctx, sale, 1999); err != nil || a.refused() {
			t.Fatalf("open: %v %s", err, a.Raw)
		}
		want := payment.SaidApproved
		if sale == "DUEXXX" {
			want = payment.SaidReversing
			if err := s.gatewayDoes(ctx, walletsim.Rule{Fault: walletsim.ServerError}); err != nil {
				t.Fatal(err)
			}
		}
		a, err := s.till.begin(ctx, sale, "a", payWith(code), wait)
		if err != nil || a.State != want {
			t.Fatalf("%s: %v %s, want %s", sale, err, a.Raw, want)
		}
	}
	s.kill()
	j := openLog(t, s.path(journalFile))
	defer closeLog(t, j)
	of := func(sale string) sample {
		events, err := j.Events(ctx, 0, 0, "sale/till/"+sale)
		if err != nil || len(events) == 0 {
			t.Fatalf("%d events of %s, %v", len(events), sale, err)
		}
		return sample{sale: sale, events: events}
	}
	return of("PAIDXX"), of("DUEXXX")
}

func openLog(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Path: path, Now: time.Now, Owner: "proof", Projections: []journal.Projection{payment.Projection(), prints.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeLog(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// under gives the sample's events under another sale's name.
func (s sample) under(n int) []journal.Entry {
	name := fmt.Sprintf("X%0*d", len(s.sale)-1, n)
	out := make([]journal.Entry, 0, len(s.events))
	for _, e := range s.events {
		out = append(out, journal.Entry{
			Subject: strings.ReplaceAll(e.Subject, s.sale, name), Kind: e.Kind,
			// No two of them within a few thousand look alike.
			Body: json.RawMessage(strings.NewReplacer(s.sale, name, `"amount":1999`, fmt.Sprintf(`"amount":%d`, 1000+n%9000)).Replace(string(e.Body))),
		})
	}
	return out
}

// fill makes the journal of n events: sales that were paid and told, and among them those that are due.
func fill(t *testing.T, path string, n int, paid, due sample) {
	t.Helper()
	j := openLog(t, path)
	defer closeLog(t, j)
	sales := max(owedAtStart, (n-owedAtStart*len(due.events))/len(paid.events))
	for from := 0; from < sales; from += 1000 {
		err := j.Update(t.Context(), func(tx *journal.Tx) error {
			for i := from; i < min(from+1000, sales); i++ {
				if step := sales / owedAtStart; i%step == 0 && i/step < owedAtStart {
					if err := tx.Append(due.under(900_000 + i/step)...); err != nil {
						return err
					}
				}
				if err := tx.Append(paid.under(i)...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readyIn starts posd and gives how long it took until it takes payments.
func (s *shop) readyIn(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	if err := s.launchPosd(t.Context()); err != nil {
		t.Fatal(err)
	}
	for !s.takes(t.Context()) {
		if !s.posd.running() || time.Since(start) > patience {
			t.Fatalf("posd does not take payments:\n%s", s.posd.tail())
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

// takes tells whether posd takes payments now.
func (s *shop) takes(ctx context.Context) bool {
	a, err := s.supervisor.ask(ctx, ask{method: http.MethodPut, path: attemptPath("none", "a"), body: payBy("wallet")})
	return err == nil && a.Code == "not_found"
}

func TestStartTakesTimeForWhatIsOwed(t *testing.T) {
	s := openShop(t, plan{bare: true, noCard: true})
	s.quietly(t)
	paid, due := samples(t, s)
	if err := os.Rename(s.path(journalFile), s.path("sample.db")); err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(*speedEvents, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range []string{"", "-wal", ".owner", ".mark", ".ballast"} {
			_ = os.Remove(s.path(journalFile) + old) // of the one before
		}
		fill(t, s.path(journalFile), n, paid, due)
		var took []time.Duration
		for range 3 {
			took = append(took, s.readyIn(t))
			owed, err := s.supervisor.get(t.Context(), "/v1/owed")
			if err != nil || len(owed.Open) != owedAtStart {
				t.Errorf("%d are owed (%v), want %d", len(owed.Open), err, owedAtStart)
			}
			s.kill()
		}
		size := int64(0)
		if info, err := os.Stat(filepath.Clean(s.path(journalFile))); err == nil {
			size = info.Size() >> 20
		}
		goal := 0.5
		if n > 100_000 {
			goal = 2
		}
		slices.Sort(took)
		t.Logf("proof | start to ready, %d events and %d due reversals in the journal (%d MiB) | 3 starts after kill -9 | %.2f s, at worst %.2f s (goal %.1f s: %s)",
			n, owedAtStart, size, took[1].Seconds(), took[2].Seconds(), goal, reached(goal, took[1].Seconds()))
		s.readyIn(t)
		s.whileLookedAt(t, n)
		s.kill()
	}
}
