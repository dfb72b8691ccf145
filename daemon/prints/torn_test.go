package prints_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/prints"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// pulled is a printer whose cable is pulled in the middle of so many prints.
type pulled struct {
	printer.Printer

	mu    sync.Mutex
	left  int         // guarded by mu
	tries []time.Time // guarded by mu
}

// once tells whether the cable is pulled in this print.
func (p *pulled) once() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries = append(p.tries, time.Now())
	p.left--
	return p.left >= 0
}

// next is how often the cable is pulled from now on.
func (p *pulled) next(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

func (p *pulled) tried() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tries)
}

func (p *pulled) PrintTry(ctx context.Context, d printer.Document, t printer.Try) (printer.Result, error) {
	switch {
	case t.Begun > 0:
		return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrCannotSay}
	case p.once():
		return printer.Result{}, &printer.UnconfirmedError{Cause: port.ErrUnplugged}
	default:
		return p.Printer.Print(ctx, d)
	}
}

// pull starts the queue on a printer whose cable is pulled n times.
func (s *store) pull(n int) *pulled {
	s.kill()
	p := &pulled{Printer: s.p, left: n}
	s.start(p)
	return p
}

func TestAJobIsNotLostHoweverOftenThePrinterIs(t *testing.T) {
	for name, o := range map[string]struct {
		devicesim.PrinterOptions
		pull bool // the plug; else it is switched off only, as one on a serial line
	}{
		"pulled": {pull: true}, "pulled, without process ids": {devicesim.PrinterOptions{Clone: true}, true},
		"switched off": {}, "switched off, without process ids": {PrinterOptions: devicesim.PrinterOptions{Clone: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openCounter(t, o.PrinterOptions)
				defer c.close()
				c.sim.SetPaperLeft(10)
				if _, err := c.q.PutJob(t.Context(), "till", "J", numbered("J")); err != nil {
					t.Fatal(err)
				}
				for range 6 {
					time.Sleep(12 * time.Minute) // it is in the middle of it
					c.sim.SetPower(false)
					if o.pull {
						c.bench.Unplug("printer")
					}
					c.sim.SetPaper(true)
					if j, err := c.q.TillJob(t.Context(), "till", "J"); err != nil || j.Result() != prints.StillWaits {
						t.Fatalf("got %+v, %v", j, err)
					}
					c.bench.Plug("printer")
					c.sim.SetPaperLeft(10)
					c.sim.SetPower(true)
				}
				c.sim.SetPaper(true)
				time.Sleep(12 * time.Minute)
				j, err := c.q.TillJob(t.Context(), "till", "J")
				whole, doubled := c.found("J")
				if err != nil || j.Result() != prints.Confirmed || whole != 1 || doubled > 0 || j.Unsure < 4 {
					t.Errorf("got %+v, %v; %d whole, %d lines doubled without a mark", j, err, whole, doubled)
				}
			})
		})
	}
}

func TestAJobThatThePrinterIsLostInAgainAndAgainRestsAndTheNextOnesComeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		p := s.pull(7)
		s.job("1", content("first"))
		time.Sleep(20 * time.Second)
		j := s.result("1")
		if j.Result() != prints.StillWaits || !j.Rests() || !strings.Contains(j.Why, "3 times") || len(p.tried()) != 3 {
			t.Fatalf("after %d tries: %+v", len(p.tried()), j)
		}
		p.next(0)
		s.put("slip")
		s.job("2", content("second"))
		time.Sleep(5 * time.Second)
		if got := s.printed(); !strings.Contains(got, "slip; second") {
			t.Errorf("printed %q", got)
		}
		p.next(4)
		time.Sleep(time.Hour)
		if got, j := s.printed(), s.result("1"); !strings.HasSuffix(got, "*** REPRINT *** first") || j.Result() != prints.Confirmed || j.Rests() {
			t.Errorf("printed %q, %+v", got, j)
		}
		for i, at := range p.tried()[6:] {
			if pause := at.Sub(p.tried()[i+5]); pause < 50*time.Second<<i {
				t.Errorf("pause %d is only %v: a printer that dies of each try eats the paper", i, pause)
			}
		}
	})
}

func TestAJobThatRestsIsTriedAfterARestartToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.pull(3)
		s.job("1", content("first"))
		time.Sleep(20 * time.Second)
		s.kill()
		s.start(s.p)
		time.Sleep(5 * time.Second)
		if j := s.result("1"); !j.Rests() || s.printed() != "" {
			t.Errorf("printed %q, %+v", s.printed(), j)
		}
		time.Sleep(time.Minute)
		if j := s.result("1"); j.Result() != prints.Confirmed {
			t.Errorf("got %+v", j)
		}
	})
}

func TestASlipThatThePrinterWasLostInComesOutWithTheNextSalesUnlessItWasLostTooOften(t *testing.T) {
	for lost, givenUp := range map[int]bool{5: false, 6: true} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			p := s.pull(lost)
			s.put("slip")
			time.Sleep(8 * time.Minute / time.Duration(7-lost)) // until all tries but those were made
			s.sim.SetPaper(false)
			time.Sleep(20 * time.Minute) // its time is over
			s.sim.SetPaper(true)
			time.Sleep(5 * time.Second)
			if j := s.state("slip"); j.State != prints.Held || j.GivenUp() != givenUp || j.Why == "" || len(p.tried()) != lost {
				t.Fatalf("after %d tries: %+v", len(p.tried()), j)
			}
			if err := s.q.ReleaseLate(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if got := s.printed(); (got == "") != givenUp {
				t.Errorf("lost %d times: printed %q", lost, got)
			}
			if err := s.q.Release(t.Context(), "slip"); (err == nil) != givenUp {
				t.Errorf("lost %d times: released: %v", lost, err)
			}
			time.Sleep(5 * time.Second)
			if got := s.printed(); !strings.Contains(got, "*** REPRINT *** *** PRINTED LATE") || strings.Count(got, "REPRINT *** ***") != 1 {
				t.Errorf("printed %q", got)
			}
		})
	}
}

func TestAJobThatRestsIsTakenBackAsOneThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.pull(3)
		s.job("1", content("first"))
		time.Sleep(20 * time.Second)
		for range 2 {
			j, err := s.q.Recall(t.Context(), "till", "1")
			if err != nil || j.Result() != prints.Failed || !strings.Contains(j.Why, "may be on paper") {
				t.Errorf("got %+v, %v", j, err)
			}
		}
		time.Sleep(time.Hour)
		if got := s.printed(); got != "" || s.contents() != 0 {
			t.Errorf("printed %q, %d contents are left", got, s.contents())
		}
		if _, err := s.q.Recall(t.Context(), "other", "1"); !errors.Is(err, prints.ErrNoJob) {
			t.Errorf("another till's: %v", err)
		}
	})
}
