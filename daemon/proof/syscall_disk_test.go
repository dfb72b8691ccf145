//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// openSmallDisk opens a lane whose journal is on a file system of its own, of 40 MiB. Only root may mount one.
func openSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	l := &smallDisk{}
	t.Cleanup(l.close)
	dir, err := scratch()
	if err == nil {
		l.s, err = newShop(t.Context(), dir, plan{ballast: 4})
	}
	if err == nil {
		err = unix.Mount("tmpfs", l.s.path("journal"), "tmpfs", 0, "size=40m,mode=700")
	}
	if err != nil {
		t.Fatalf("a small disk: %v", err)
	}
	t.Cleanup(func() { l.kill(); _ = unix.Unmount(l.s.path("journal"), unix.MNT_DETACH) })
	if err := l.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// fillDisk takes all room that is left on the journal's disk, as another program would.
func (l *lane) fillDisk(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(l.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 512} {
		for chunk := make([]byte, size); err == nil; {
			_, err = f.Write(chunk)
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}

func (l *lane) filler() string { return l.s.path("journal/of-another-program") }

// smallDisk is a lane on a small disk, and what was seen there, in the order in which it was, for the row of its test.
type smallDisk struct {
	lane
	seen []string
}

// saw counts one more of something that is as it must be.
func (l *smallDisk) saw(what string) { l.seen = append(l.seen, what) }

// row says what ran and how often each thing was seen. It says that nothing was wrong only of a test that has not failed.
func (l *smallDisk) row(t *testing.T, what string) {
	t.Helper()
	times := map[string]int{}
	for _, one := range l.seen {
		times[one]++
	}
	var all []string
	for _, one := range l.seen {
		if n := times[one]; n > 0 {
			all = append(all, fmt.Sprintf("%d x %s", n, one))
			delete(times, one)
		}
	}
	verdict := "0 violations"
	if t.Failed() {
		verdict = "FAILED"
	}
	t.Logf("proof | %s | the real posd on a small file system: %s | %s", what, strings.Join(all, ", "), verdict)
}

// refusal is what posd says no with: a code and a remedy.
func (l *smallDisk) refusal(t *testing.T, a said, err error, code string) {
	t.Helper()
	status := map[string]int{"disk_full": http.StatusInsufficientStorage, "blocked": http.StatusServiceUnavailable}[code]
	if err != nil || a.Status != status || a.Code != code || l.polite(a, nil) {
		l.wrong("got %d %s (%v), want %d %s", a.Status, a.Raw, err, status, code)
	}
	if len(l.found) == 0 {
		l.saw(fmt.Sprintf("refused with %d %s, code and remedy", status, code))
	}
	l.say(t)
}

// say fails the test with what is wrong.
func (l *smallDisk) say(t *testing.T) {
	t.Helper()
	for _, what := range l.found {
		t.Error(what)
	}
	l.found = nil
}

// blocked wants posd to say that it takes no money, and why.
func (l *smallDisk) blocked(t *testing.T) {
	t.Helper()
	if err := l.health(t.Context(), "blocked"); err != nil {
		t.Error(err)
		return
	}
	l.saw("health says blocked, with code and remedy")
}

// goesOn wants posd to take money again with nobody's help, and sells something.
func (l *smallDisk) goesOn(t *testing.T, sale string) {
	t.Helper()
	if err := l.recovers(t.Context()); err != nil {
		t.Fatalf("posd does not go on by itself: %v", err)
	}
	l.sells(t, sale)
	l.saw("on by itself, and sells")
}

// health waits until posd says how it is, and that is as expected: with a code and a remedy for each concern.
func (l *lane) health(ctx context.Context, want string) error {
	var last said
	err := until(ctx, "health to be "+want, func(ctx context.Context) (bool, error) {
		a, err := l.s.supervisor.get(ctx, "/v1/health")
		last = a
		if err != nil || a.Status != http.StatusOK || !strings.Contains(string(a.Raw), `"`+want+`"`) {
			return false, nil //nolint:nilerr // it may be starting
		}
		for _, c := range a.Problems {
			if c.Code == "" || c.Remedy == "" {
				return false, fmt.Errorf("a concern without code or remedy: %+v", c)
			}
		}
		return true, nil
	})
	if err != nil {
		err = fmt.Errorf("%w: %s", err, last.Raw)
	}
	return err
}

// sells takes a wallet payment, as in a shop where all is well.
func (l *lane) sells(t *testing.T, sale string) {
	t.Helper()
	ctx := t.Context()
	if a, err := l.s.till.openSale(ctx, sale, 1000); err != nil || a.refused() {
		t.Fatalf("%s: %v %s", sale, err, a.Raw)
	}
	l.pays(t, sale)
}

// pays pays a sale that is open.
func (l *lane) pays(t *testing.T, sale string) {
	t.Helper()
	ctx := t.Context()
	code, err := l.s.code(ctx, walletsim.AlipayName)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.s.payByCode(ctx, sale, "a", code)
	if err != nil || a.State != payment.SaidApproved {
		t.Fatalf("%s: %v %s", sale, err, a.Raw)
	}
	if a, err := l.s.till.ack(ctx, sale); err != nil || a.refused() {
		t.Fatalf("%s: %v %s", sale, err, a.Raw)
	}
}

// agrees lets posd rest, and compares the books.
func (l *smallDisk) agrees(t *testing.T) {
	t.Helper()
	if err := l.s.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.lastCheck(t.Context())
	l.say(t)
}

func TestAFullDiskRefusesSalesAndFinishesThoseThatRun(t *testing.T) {
	l := openSmallDisk(t)
	ctx := t.Context()
	if err := l.s.hostDoes(ctx, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}); err != nil {
		t.Fatal(err)
	}
	l.sells(t, "S-1")
	for _, sale := range []string{"S-2", "S-3"} {
		if a, err := l.s.till.openSale(ctx, sale, 2000); err != nil || a.refused() {
			t.Fatalf("%s: %v %s", sale, err, a.Raw)
		}
	}
	if a, err := l.s.till.begin(ctx, "S-2", "a", payBy("card"), 0); err != nil || a.refused() {
		t.Fatalf("a card sale: %v %s", err, a.Raw)
	}
	if err := l.s.present(ctx, "S-2", "a", func() error { return l.s.swipe(ctx, 2) }); err != nil {
		t.Fatal(err)
	}
	l.fillDisk(t) // while the host is silent
	a, err := l.s.till.openSale(ctx, "S-4", 4000)
	l.refusal(t, a, err, "disk_full")
	l.kill() // the power goes, too: a start takes the reserve
	if err := l.start(ctx); err != nil {
		t.Fatal(err)
	}
	a, err = l.s.till.begin(ctx, "S-2", "a", payBy("card"), wait)
	if err != nil || a.State != payment.SaidReversed {
		t.Fatalf("the payment that ran: %v %s", err, a.Raw)
	}
	l.saw("reversal written from the reserve")
	l.pays(t, "S-3") // opened before
	l.saw("result written from the reserve")

	refused := 0
	for n := 0; refused == 0 && n < 2000; n++ { // somebody takes the reserve as well
		l.fillDisk(t)
		a, err := l.s.till.begin(ctx, "S-1", fmt.Sprint("r", n), undo("refund", "a"), 0)
		if err == nil && a.Status == http.StatusServiceUnavailable {
			l.refusal(t, a, err, "blocked")
			refused++
		}
	}
	if refused == 0 {
		t.Error("posd wrote 2,000 events on a disk without room")
	}
	l.blocked(t)
	if err := os.Remove(l.filler()); err != nil {
		t.Fatal(err)
	}
	l.goesOn(t, "S-5")
	if info, err := os.Stat(l.s.path(journalFile) + ".ballast"); err != nil || info.Size() != 4<<20 {
		t.Errorf("the reserve is not back: %v", err)
	}
	l.agrees(t)
	l.row(t, "disk full")
}

func TestAReadOnlyDiskBlocksMoneyAndNothingElse(t *testing.T) {
	l := openSmallDisk(t)
	ctx := t.Context()
	l.sells(t, "S-1")
	var all []fault // what a file system that was mounted read-only answers, also to who has its files open
	for _, kind := range []string{"write", "sync", "truncate", "create", "rename", "unlink"} {
		all = append(all, fault{Kind: kind + " journal", Nth: 1, How: "EROFS", Lasting: true})
	}
	if _, err := tell(ctx, l.setup.Socket, order{Arm: true, Faults: all}); err != nil {
		t.Fatal(err)
	}
	a, err := l.s.till.openSale(ctx, "S-2", 2000)
	l.refusal(t, a, err, "blocked")
	l.blocked(t)
	if a, err := l.s.till.get(ctx, attemptPath("S-1", "a")); err != nil || a.Status != http.StatusServiceUnavailable && a.State != payment.SaidApproved {
		t.Errorf("what was paid before: %v %s", err, a.Raw)
	}
	if _, err := tell(ctx, l.setup.Socket, order{Arm: true}); err != nil { // mounted for writing again
		t.Fatal(err)
	}
	l.goesOn(t, "S-3")
	l.agrees(t)

	// A start on such a disk is blocked, too, until it is mounted for writing again.
	disk := l.s.path("journal")
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, "size=40m"); err != nil {
		t.Fatal(err)
	}
	if err := l.launch(ctx); err != nil {
		t.Fatal(err)
	}
	l.blocked(t)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=40m"); err != nil {
		t.Fatal(err)
	}
	l.goesOn(t, "S-6")
	l.agrees(t)
	l.row(t, "read-only disk")
}
