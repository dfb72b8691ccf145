package link_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583/link"
)

// door is one address of the acquirer. Its dials give pipes, whose far ends come out of ends, or fail.
type door struct {
	ends  chan net.Conn
	mu    sync.Mutex
	fail  error // guarded by mu
	dials int   // guarded by mu
	takes time.Duration
}

func newDoor() *door { return &door{ends: make(chan net.Conn, 64)} }

func (d *door) dial(ctx context.Context) (net.Conn, error) {
	d.mu.Lock()
	d.dials++
	fail := d.fail
	d.mu.Unlock()
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fail != nil {
		return nil, fail
	}
	near, far := net.Pipe()
	d.ends <- far
	return near, nil
}

func (d *door) set(fail error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *door) dialled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dials
}

var errRefused = errors.New("connection refused")

// twoHosts is a host with a primary and a backup door.
func twoHosts(t *testing.T) (h *host, primary, backup *door) {
	t.Helper()
	primary, backup = newDoor(), newDoor()
	h = newHost(t, func(o *link.Options) {
		o.Dial, o.Backup, o.PrimaryRetry = primary.dial, backup.dial, 5*time.Minute
		o.Rand = rand.NewPCG(1, 2)
	})
	return h, primary, backup
}

func mustBeUp(t *testing.T, h *host, at link.Host) {
	t.Helper()
	if err := h.link.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := h.link.Status(); !s.Up || s.Host != at {
		t.Fatalf("got %+v, want up at the %s host", s, at)
	}
}

func TestBackupIsDialledWhenThePrimaryIsNotReachedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		mustBeUp(t, h, link.Backup)
		primary.set(nil)
		time.Sleep(time.Hour)
		mustBeUp(t, h, link.Backup)
		if primary.dialled() != 1 || backup.dialled() != 1 {
			t.Errorf("dialled %d and %d times, want once each", primary.dialled(), backup.dialled())
		}
	})
}

func TestNewDialBeginsWithThePrimaryUnlessItFailedALittleAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		mustBeUp(t, h, link.Backup)
		primary.set(nil)

		time.Sleep(5*time.Minute - time.Second)
		_ = (<-backup.ends).Close()
		synctest.Wait()
		mustBeUp(t, h, link.Backup)
		if primary.dialled() != 1 {
			t.Error("the primary was dialled within primary_retry")
		}
		time.Sleep(time.Second)
		_ = (<-backup.ends).Close()
		synctest.Wait()
		mustBeUp(t, h, link.Primary)
	})
}

func TestBothHostsAreTriedBeforeADialFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		mustBeUp(t, h, link.Backup)
		_ = (<-backup.ends).Close()
		time.Sleep(time.Second)
		backup.set(errors.New("no route"))
		primary.set(nil)
		mustBeUp(t, h, link.Primary) // after the backup, which was first

		_ = (<-primary.ends).Close()
		synctest.Wait()
		primary.set(errRefused)
		err := h.link.Up(t.Context())
		if !errors.Is(err, link.ErrNotSent) || !strings.Contains(err.Error(), "primary host: connection refused; backup host: no route") {
			t.Errorf("got %v, want both reasons", err)
		}
		if s := h.link.Status(); s.Up || s.Failures != 1 || s.Dials != 3 || !strings.Contains(s.LastError, "no route") {
			t.Errorf("got %+v", s)
		}
	})
}

func TestRequestThatAHostSwallowedIsNotSentToTheOther(t *testing.T) {
	for name, swallow := range map[string]func(h *host, c net.Conn){
		"and hung up": func(h *host, c net.Conn) { h.take(c); _ = c.Close() },
		"in silence":  func(h *host, c net.Conn) { h.take(c); go drain(c) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, primary, backup := twoHosts(t)
				for range 2 { // the first time-out leaves the connection open, for the late answer
					got := h.exchange(time.Second, h.message("0200", "000001"))
					synctest.Wait()
					select {
					case c := <-primary.ends:
						swallow(h, c)
					default:
					}
					mustBeUnknown(t, <-got)
					if name == "and hung up" {
						break
					}
				}
				synctest.Wait()
				if backup.dialled() != 0 {
					t.Fatal("the backup was dialled for a request that the primary has")
				}
				mustBeUp(t, h, link.Backup) // what comes next goes where somebody listens
			})
		})
	}
}

func drain(c net.Conn) {
	for {
		if _, err := c.Read(make([]byte, 100)); err != nil {
			return
		}
	}
}

// waits dials a dead host so often, as soon as it is due, and gives the waits between.
func waits(t *testing.T, seed uint64, n int) []time.Duration {
	t.Helper()
	dead := newDoor()
	dead.set(errRefused)
	h := newHost(t, func(o *link.Options) { o.Dial, o.Rand = dead.dial, rand.NewPCG(seed, seed) })
	var all []time.Duration
	for i := range n {
		if err := h.link.Up(t.Context()); !errors.Is(err, link.ErrNotSent) {
			t.Fatalf("got %v, want ErrNotSent", err)
		}
		if dead.dialled() != i+1 {
			t.Fatalf("dialled %d times, want %d", dead.dialled(), i+1)
		}
		wait := h.link.Status().NextDial
		all = append(all, wait)
		time.Sleep(wait)
	}
	return all
}

func TestFailingDialsBackOffWithBoundedJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 12
		first, again, other := waits(t, 1, n), waits(t, 1, n), waits(t, 2, n)
		longest := 500 * time.Millisecond
		different := false
		for i, w := range first {
			if w < longest/2 && w < 27*time.Second || w > min(longest, 27*time.Second) {
				t.Errorf("wait %d is %s, want %s to %s, at most 27s", i, w, longest/2, longest)
			}
			if w != again[i] {
				t.Errorf("wait %d is %s and %s under one seed", i, w, again[i])
			}
			different = different || w != other[i]
			longest = min(2*longest, 30*time.Second)
		}
		if !different {
			t.Error("two seeds give the same waits")
		}
	})
}

func TestWhileNoDialIsDueCallsFailAtOnceAndSayWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		backup.set(errRefused)
		for h.link.Status().NextDial <= 2*time.Second {
			if err := h.link.Up(t.Context()); err == nil {
				t.Fatal("up")
			}
		}
		dials, start := primary.dialled(), time.Now()
		r := <-h.exchange(time.Minute, h.message("0200", "000001"))
		mustBeUnsent(t, r)
		if !strings.Contains(r.err.Error(), "next dial in ") || !strings.Contains(r.err.Error(), "connection refused") || time.Since(start) != 0 {
			t.Errorf("after %s: %v, want when and why at once", time.Since(start), r.err)
		}
		if primary.dialled() != dials {
			t.Error("dialled although it was not due")
		}
		primary.set(nil)
		time.Sleep(h.link.Status().NextDial)
		mustBeUp(t, h, link.Primary)
		if s := h.link.Status(); s.Failures != 0 || s.NextDial != 0 || s.For != 0 {
			t.Errorf("got %+v, want a clean slate", s)
		}
	})
}

// A reversal that is told to wait is not overtaken by the sale that comes when the dial is nearly due.
func TestCallRightBehindARefusedOneIsRefusedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		backup.set(errRefused)
		for h.link.Status().NextDial <= 2*time.Second {
			_ = h.link.Up(t.Context())
		}
		dials := primary.dialled()
		primary.set(nil)
		time.Sleep(h.link.Status().NextDial - 2*time.Second - time.Millisecond)
		for range 2 {
			if err := h.link.Up(t.Context()); !errors.Is(err, link.ErrNotSent) || primary.dialled() != dials {
				t.Fatalf("got %v after %d dials, want a refusal", err, primary.dialled())
			}
			time.Sleep(2*time.Second - time.Millisecond) // then 2 ms before the dial is due, and so long behind the refusal
		}
		mustBeUp(t, h, link.Primary)
	})
}

func TestWhoProbesEvery30SecondsAlwaysDials(t *testing.T) {
	for _, takes := range []time.Duration{0, 5 * time.Second, 14 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h, primary, backup := twoHosts(t)
			primary.set(errRefused)
			backup.set(errRefused)
			primary.takes, backup.takes = takes, takes
			probe := time.NewTicker(30 * time.Second)
			defer probe.Stop()
			for i := range 40 {
				if err := h.link.Up(t.Context()); err == nil {
					t.Fatal("up")
				}
				if primary.dialled() != i+1 {
					t.Fatalf("probe %d did not dial; hosts take %s each", i, takes)
				}
				<-probe.C
			}
		})
	}
}

func TestCallerWhoGivesUpSaysNothingAboutTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, _ := twoHosts(t)
		primary.takes = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := h.link.Up(ctx); !errors.Is(err, link.ErrNotSent) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if s := h.link.Status(); s.Failures != 0 || s.NextDial != 0 {
			t.Errorf("got %+v, want no failure", s)
		}
		primary.takes = 0
		mustBeUp(t, h, link.Primary)
	})
}

func TestTimeOutShorterThanThePrimarysLetsTheBackupHaveItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.takes = time.Hour
		mustBeUnsent(t, <-h.exchange(time.Second, h.message("0200", "000001")))
		got := h.exchange(time.Second, h.message("0400", "000001"))
		c := <-backup.ends
		h.take(c)
		h.give(c, h.message("0410", "000001"))
		mustArrive(t, <-got, h.message("0410", "000001"))
	})
}

func TestCloseEndsTheWaitForADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, backup := twoHosts(t)
		primary.set(errRefused)
		backup.set(errRefused)
		if err := h.link.Up(t.Context()); err == nil {
			t.Fatal("up")
		}
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		synctest.Wait()
		if err := h.link.Close(); err != nil {
			t.Fatal(err)
		}
		r := <-got
		mustBeUnsent(t, r)
		if !errors.Is(r.err, link.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", r.err)
		}
	})
}

func TestLinkThatIsClosedWhileItDialsTakesNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, primary, _ := twoHosts(t)
		primary.takes = time.Second
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		synctest.Wait()
		if err := h.link.Close(); err != nil {
			t.Fatal(err)
		}
		r := <-got
		mustBeUnsent(t, r)
		if !errors.Is(r.err, link.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", r.err)
		}
		mustBeClosed(t, <-primary.ends)
	})
}

func TestAnOutageIsInTheLogOnceAndAgainWhenItsReasonChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		d := newDoor()
		h := newHost(t, func(o *link.Options) { o.Dial, o.Log = d.dial, slog.New(slog.NewTextHandler(&said, nil)) })
		outage := func(why ...string) {
			for _, w := range why {
				d.set(errors.New(w))
				_ = h.link.Up(t.Context())
				time.Sleep(time.Minute)
			}
			d.set(nil)
			mustBeUp(t, h, link.Primary)
			_ = (<-d.ends).Close()
			synctest.Wait()
		}
		outage("refused", "refused", "read 10.0.0.1:40001: reset", "read 10.0.0.1:40002: reset", "refused")
		if n := strings.Count(said.String(), "level=WARN msg=\"host not reached\" host=primary"); n != 3 {
			t.Errorf("said %d times, want 3:\n%s", n, &said)
		}
		outage("refused")
		if n := strings.Count(said.String(), "host not reached"); n != 4 {
			t.Errorf("of two outages said %d times, want 4:\n%s", n, &said)
		}
	})
}
