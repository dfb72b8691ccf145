package prints_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/prints"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// store is a journal, a simulated printer, and a queue that can be killed and started again.
type store struct {
	t     *testing.T
	j     *journal.Journal
	sim   *devicesim.Printer
	p     printer.Printer
	q     *prints.Queue
	stop  context.CancelFunc
	ended sync.WaitGroup
}

func open(t *testing.T) *store {
	t.Helper()
	return openWith(t, devicesim.PrinterOptions{})
}

func openWith(t *testing.T, o devicesim.PrinterOptions) *store {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Now: time.Now, Memory: true, Owner: "test", Projections: []journal.Projection{prints.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, j: j, sim: devicesim.NewPrinter(o)}
	host, line := porttest.Pair(0)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.sim.Serve(t.Context(), line) }()
	d, _ := printer.Lookup("escpos")
	settings, err := port.Settle(d.Options, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.p = d.Open(host, settings)
	s.start(s.p)
	t.Cleanup(func() {
		s.kill()
		if r, err := j.Verify(context.Background()); err != nil {
			t.Errorf("journal: %v, %+v", err, r)
		}
		_ = j.Close()
		_ = host.Close()
		<-ended
	})
	return s
}

// start makes a queue of what the journal knows.
func (s *store) start(p printer.Printer) {
	var ctx context.Context
	ctx, s.stop = context.WithCancel(s.t.Context())
	s.q = prints.New(prints.Options{Journal: s.j, Printer: p, Now: time.Now})
	s.ended.Go(func() { s.q.Run(ctx) })
}

func (s *store) kill() {
	s.stop()
	s.ended.Wait()
}

func (s *store) put(text string) {
	s.t.Helper()
	if err := s.q.Put(s.t.Context(), text, slip(text), time.Now().Add(10*time.Minute)); err != nil {
		s.t.Fatal(err)
	}
}

func slip(text string) printer.Document {
	return printer.Document{Language: "en", Lines: []printer.Line{printer.Plain(text), {Kind: printer.Cut}}}
}

// printed gives the slips in one line each.
func (s *store) printed() string {
	var all []string
	for _, p := range s.sim.Slips() {
		all = append(all, strings.Join(strings.Fields(p), " "))
	}
	return strings.Join(all, "; ")
}

func (s *store) state(id string) prints.Job {
	s.t.Helper()
	j, err := s.q.Job(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

func TestSlipsComeOutInOrderEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		for _, id := range []string{"one", "two", "three", "two"} {
			s.put(id)
		}
		time.Sleep(time.Minute)
		s.put("one")
		time.Sleep(time.Minute)
		if got := s.printed(); got != "one; two; three" {
			t.Errorf("got %q", got)
		}
		if j := s.state("two"); j.State != prints.Printed || j.Confirmed != printer.ByProcessID || j.PrintedAt.IsZero() {
			t.Errorf("got %+v", j)
		}
		if left, err := s.q.Open(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("still open: %v, %v", left, err)
		}
	})
}

func TestPaperOutInTheMiddleOfTheQueueLosesAndDoublesNothing(t *testing.T) {
	for lines := range 7 {
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.sim.SetPaperLeft(lines)
				for i := range 4 {
					s.put(fmt.Sprintf("slip%d", i))
				}
				time.Sleep(5 * time.Minute)
				if left, _ := s.q.Open(t.Context()); lines < 3 && len(left) == 0 {
					t.Error("nothing waits though there is no paper")
				}
				s.sim.SetPaper(true)
				time.Sleep(time.Minute)
				if got := s.printed(); got != "slip0; slip1; slip2; slip3" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

func TestALateSlipIsHeldUntilTheNextSaleOrSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.sim.SetPaper(false)
		s.put("late")
		time.Sleep(time.Minute)
		if left, _ := s.q.Open(t.Context()); len(left) != 1 || left[0].Why != printer.ErrPaperOut.Error() {
			t.Errorf("waiting: %+v", left)
		}
		time.Sleep(10 * time.Minute)
		s.sim.SetPaper(true)
		time.Sleep(time.Minute)
		if j := s.state("late"); j.State != prints.Held || j.Why == "" || s.printed() != "" {
			t.Fatalf("got %+v, printed %q", j, s.printed())
		}
		s.put("next")
		if err := s.q.ReleaseLate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got := s.printed()
		if !strings.Contains(got, "*** PRINTED LATE 2000-01-01 00:12 *** late") || !strings.Contains(got, "next") {
			t.Errorf("got %q", got)
		}
		if err := s.q.Release(t.Context(), "late"); !errors.Is(err, prints.ErrNoJob) {
			t.Errorf("release of a printed one: %v", err)
		}
	})
}

func TestWhatThePrinterHasDoesNotComeOutAgainAfterAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.sim.SetPaperLeft(1) // stops in the slip
		s.put("cut short")
		time.Sleep(time.Minute)
		s.kill() // while it is being printed
		s.sim.SetPaper(true)
		s.start(s.p)
		time.Sleep(time.Minute)
		if got := s.printed(); got != "cut short" {
			t.Errorf("got %q", got)
		}
		if j := s.state("cut short"); j.State != prints.Printed || j.Unsure != 0 || j.Confirmed != printer.ByProcessID {
			t.Errorf("got %+v", j)
		}
	})
}

func TestWhatThePrinterHasForgottenIsCutOffAndReprintedMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.sim.SetPaperLeft(1)
		s.put("cut short")
		time.Sleep(time.Minute)
		s.kill()
		s.sim.SetPower(false)
		s.sim.SetPaper(true)
		s.sim.SetPower(true)
		s.start(s.p)
		s.put("next")
		time.Sleep(time.Minute)
		if got := s.printed(); got != "cut short *** IF CUT SHORT, SEE REPRINT ***; *** REPRINT *** cut short; next" {
			t.Errorf("got %q", got)
		}
		if j := s.state("cut short"); j.State != prints.Printed || j.Unsure != 1 {
			t.Errorf("got %+v", j)
		}
	})
}

// liar is a printer that takes everything and confirms nothing.
type liar struct{ tries int }

func (l *liar) Status(context.Context) (printer.Status, error) {
	return printer.Status{Online: true}, nil
}

func (l *liar) Print(context.Context, printer.Document) (printer.Result, error) {
	l.tries++
	return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrQuiet}
}

func TestAPrinterThatNeverConfirmsDoesNotEatThePaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.kill()
		l := &liar{}
		s.start(l)
		s.put("x")
		time.Sleep(5 * time.Minute)
		if j := s.state("x"); !j.GivenUp() || l.tries != 3 {
			t.Errorf("tried %d times, %+v", l.tries, j)
		}
		if err := s.q.ReleaseLate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if j := s.state("x"); !j.GivenUp() || l.tries != 3 {
			t.Errorf("with the next sale's: tried %d times, %+v", l.tries, j)
		}
		if err := s.q.Release(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if j := s.state("x"); j.State != prints.Held || l.tries != 4 {
			t.Errorf("after Release: tried %d times, %+v", l.tries, j)
		}
	})
}

// dying is a printer whose queue is killed at the n-th call.
type dying struct {
	printer.Printer
	left int
	kill func()
}

func (d *dying) at() bool { d.left--; return d.left == 0 }

func (d *dying) Print(ctx context.Context, doc printer.Document) (printer.Result, error) {
	if d.at() { // before the first byte
		d.kill()
		return printer.Result{}, &printer.UnconfirmedError{Cause: ctx.Err()}
	}
	res, err := d.Printer.Print(ctx, doc)
	if d.at() { // after the last
		d.kill()
		return printer.Result{}, &printer.UnconfirmedError{Cause: ctx.Err()}
	}
	return res, err
}

func TestNoUnmarkedDoubleWhereverTheQueueDies(t *testing.T) {
	for n := 1; n <= 7; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.kill()
				d := &dying{Printer: s.p, left: n}
				s.start(d)
				d.kill = s.stop
				for i := range 3 {
					s.put(fmt.Sprintf("slip%d", i))
				}
				time.Sleep(time.Minute)
				s.kill()
				s.start(s.p)
				time.Sleep(time.Minute)
				for i := range 3 {
					id := fmt.Sprintf("slip%d", i)
					plain, all := 0, 0
					for _, p := range s.sim.Slips() {
						if strings.Contains(p, id) {
							all++
							if !strings.Contains(p, "REPRINT") {
								plain++
							}
						}
					}
					if all == 0 || plain > 1 {
						t.Errorf("%s: %d times, %d of them unmarked: %q", id, all, plain, s.printed())
					}
				}
			})
		})
	}
}

func TestABlockedJournalPrintsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail error
		j, err := journal.Open(t.Context(), journal.Options{
			Now: time.Now, Memory: true, Owner: "test", Projections: []journal.Projection{prints.Projection()},
			BeforeCommit: func() error { return fail },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		l := &liar{}
		q := prints.New(prints.Options{Journal: j, Printer: l, Now: time.Now})
		if err := q.Put(t.Context(), "x", slip("x"), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		fail = errors.New("disk is gone")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		q.Run(ctx)
		if l.tries > 0 {
			t.Errorf("printed %d times without a record", l.tries)
		}
	})
}
