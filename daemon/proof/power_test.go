//go:build proof && linux

package proof

import (
	"errors"
	"flag"
	"os"
	"testing"
)

var powerStates = flag.Int("proof.states", 300, "states of a disk after a loss of power that posd reopens")

// How the states are shared out.
const (
	verifyShare  = 4   // Verify runs on every so many-th; opening a small journal checks the same
	wakeShare    = 50  // the real posd is started on every so many-th
	firstShare   = 6   // one in so many comes from the first life, in which the journal is made
	againShare   = 5   // one in so many comes from a second loss of power, during recovery,
	againMost    = 12  // from so many recoveries
	controlShare = 10  // the control has one for so many of the others,
	controlLeast = 200 // but not less than these,
	controlLives = 2   // of the first lives
)

// newTrial records a shop and is ready to reopen what its disk may hold.
func newTrial(t *testing.T, binary string, lives int) *trial {
	t.Helper()
	tp, c, err := recordShop(t.Context(), t.TempDir(), binary, lives)
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{
		"answers to the till": c.claimed[theTill], "events that it followed": c.followed, "messages to the host": c.claimed[theHost],
		"requests to the gateway": c.claimed[theGateway], "slips": c.claimed[thePaper],
	} {
		if n == 0 {
			t.Errorf("the record has no %s: it would show nothing", what)
		}
	}
	dir, err := os.MkdirTemp("/dev/shm", "posd-power-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &trial{tape: tp, claims: c, dir: dir, known: newStates()}
}

func TestPowerLossLosesNothingThatWasTold(t *testing.T) {
	drawn := drawnSeed(t)
	tr := newTrial(t, "", len(parts))
	tr.wakes = wakeShare
	first, again := *powerStates/firstShare, *powerStates/againShare
	err := errors.Join(
		tr.runFirst(t.Context(), first, drawn),
		tr.runRest(t.Context(), *powerStates-again, drawn),
		tr.runAgain(t.Context(), again, drawn),
		tr.runRest(t.Context(), *powerStates, drawn+1), // what second losses did not give
	)
	if err != nil {
		t.Error(err)
	}
	for _, w := range tr.words {
		t.Error(w)
	}
	if n := tr.lost.Load(); n > 0 {
		t.Errorf("%d states of %d have lost what was told", n, tr.total())
	}
	control := controlled(t, drawn)
	r, c := tr.tape.record, tr.claims
	for k, n := range tr.made {
		t.Logf("%6d states: %s", n, lossKind(k))
	}
	t.Logf("%6d of them after a second loss of power, during the recovery from %d; on %d of them the real posd was started", tr.twice, againMost, tr.woken.Load())
	t.Logf("%d things told in %d sends to the till, %d to the host, %d to the gateway and %d slips; %.0f states a second",
		len(c.found), c.sockets[theTill], c.sockets[theHost], c.sockets[theGateway], c.slips, float64(tr.total())/tr.took.Seconds())
	t.Logf("proof | power-loss states reopened; the bad control fails | %d states of %d operations (%d sends over sockets); control: %d of %d lost | %d violations",
		tr.total(), len(r.ops), c.sockets[theTill]+c.sockets[theHost]+c.sockets[theGateway], control.lost.Load(), control.total(), tr.bad.Load())
	if tr.total() < *powerStates {
		t.Errorf("%d states, want %d: the record has no more", tr.total(), *powerStates)
	}
}

// controlled shows that this harness sees what it looks for: it must find losses in a posd whose journal loses commits.
func controlled(t *testing.T, drawn uint64) *trial {
	t.Helper()
	binary, err := badPosd(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, binary, controlLives)
	want := max(*powerStates/controlShare, controlLeast)
	if err := errors.Join(tr.runFirst(t.Context(), want/firstShare, drawn), tr.runRest(t.Context(), want, drawn)); err != nil {
		t.Fatal(err)
	}
	if tr.lost.Load() == 0 {
		t.Errorf("the control passed: of %d states of a journal that loses commits none was found to have lost one", tr.total())
	}
	return tr
}
