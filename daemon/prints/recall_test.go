package prints_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/prints"
	"posd/drivers/printer"
)

// contents is how many contents of tills are on disk.
func (s *store) contents() (n int) {
	s.t.Helper()
	err := s.j.View(s.t.Context(), func(tx *journal.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM prints_content`).Scan(&n)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestAJobThatWaitsIsTakenBackAndNeverPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.sim.SetPaper(false)
		time.Sleep(time.Minute)
		for _, id := range []string{"1", "2", "3"} {
			s.job(id, content("job "+id))
		}
		time.Sleep(time.Minute)
		for _, id := range []string{"1", "2", "2"} { // the first was tried, and nothing came out; twice is no fault
			if j, err := s.q.Recall(t.Context(), "till", id); err != nil || j.Result() != prints.Recalled {
				t.Errorf("%s: %+v, %v", id, j, err)
			}
		}
		if n := s.contents(); n != 1 {
			t.Errorf("%d contents are on disk", n)
		}
		if _, err := s.q.Recall(t.Context(), "other", "3"); !errors.Is(err, prints.ErrNoJob) {
			t.Errorf("another till's: %v", err)
		}
		if j := s.job("2", content("job 2")); j.Result() != prints.Recalled {
			t.Errorf("sent again: %+v", j)
		}
		s.kill()
		s.start(s.p)
		s.sim.SetPaper(true)
		time.Sleep(time.Minute)
		if got := s.printed(); got != "job 3" {
			t.Errorf("printed %q", got)
		}
		if open, err := s.q.Open(t.Context()); err != nil || len(open) > 0 {
			t.Errorf("open: %+v, %v", open, err)
		}
	})
}

func TestAJobThatMayBeOnPaperIsNotTakenBack(t *testing.T) {
	for name, spoil := range map[string]func(s *store){
		"printed": func(*store) {},
		"in the middle": func(s *store) {
			s.sim.SetPaperLeft(2)
		},
		"of unknown outcome": func(s *store) {
			s.kill()
			s.start(silent{s.p})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				spoil(s)
				s.job("1", prints.Content{Receiptline: "a\nb\nc\nd\n="})
				time.Sleep(30 * time.Second)
				before := s.result("1")
				if _, err := s.q.Recall(t.Context(), "till", "1"); !errors.Is(err, prints.ErrBegun) {
					t.Errorf("%+v: %v", before, err)
				}
				if after := s.result("1"); after.State != before.State {
					t.Errorf("%+v became %+v", before, after)
				}
			})
		})
	}
}

// silent prints, and never says so.
type silent struct{ printer.Printer }

func (silent) Print(context.Context, printer.Document) (printer.Result, error) {
	return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrQuiet}
}

// Whoever is first in the journal wins: either the job is printed, or it is taken back, and whoever asks is told which.
func TestATillThatTakesBackWhatIsAboutToBePrintedIsToldTheTruth(t *testing.T) {
	back, out := 0, 0
	for wait := range 40 {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			s.sim.SetPaper(false)
			time.Sleep(time.Minute)
			s.job("1", content("job"))
			time.Sleep(time.Minute)
			s.sim.SetPaper(true)
			time.Sleep(time.Duration(wait) * 100 * time.Millisecond)
			_, err := s.q.Recall(t.Context(), "till", "1")
			time.Sleep(time.Minute)
			switch got := s.printed(); {
			case err == nil && got == "":
				back++
			case errors.Is(err, prints.ErrBegun) && got == "job":
				out++
			default:
				t.Errorf("after %d00 ms: %v, printed %q", wait, err, got)
			}
		})
	}
	if back == 0 || out == 0 {
		t.Errorf("%d were taken back, %d printed", back, out)
	}
}

func TestWhoWaitsIsToldTheResultOrThatItStillWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.job("1", content("job"))
		if j, err := s.q.Wait(t.Context(), "till", "1", time.Hour); err != nil || j.Result() != prints.Confirmed {
			t.Errorf("%+v, %v", j, err)
		}
		s.sim.SetPaper(false)
		time.Sleep(time.Minute)
		s.job("2", content("job 2"))
		if j, err := s.q.Wait(t.Context(), "till", "2", time.Minute); err != nil || j.Result() != prints.StillWaits || j.Why == "" {
			t.Errorf("without paper: %+v, %v", j, err)
		}
		time.AfterFunc(time.Minute, func() { s.sim.SetPaper(true) })
		if j, err := s.q.Wait(t.Context(), "till", "2", time.Hour); err != nil || j.Result() != prints.Confirmed {
			t.Errorf("with new paper: %+v, %v", j, err)
		}
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		s.sim.SetPaper(false)
		time.Sleep(time.Minute)
		s.job("3", content("job 3"))
		if _, err := s.q.Wait(ctx, "till", "3", time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a till that hangs up: %v", err)
		}
		if _, err := s.q.Wait(t.Context(), "till", "4", time.Hour); !errors.Is(err, prints.ErrNoJob) {
			t.Errorf("nobody's: %v", err)
		}
	})
}

func TestWhatWasDrawnIsKeptWithTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.job("1", content("año 😀 é"))
		time.Sleep(time.Minute)
		s.kill()
		s.start(s.p)
		if j := s.result("1"); j.Drawn != "ñ" || j.Missing != "😀" || j.Result() != prints.Confirmed {
			t.Errorf("%s", fmt.Sprintf("%+v", j))
		}
	})
}
