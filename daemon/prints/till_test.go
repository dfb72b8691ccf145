package prints_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/prints"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// content is a till's job of one line.
func content(text string) prints.Content {
	return prints.Content{Document: fmt.Appendf(nil, `{"lines":[{"runs":[{"text":%q}]},{"kind":"cut"}]}`, text)}
}

func (s *store) job(id string, c prints.Content) prints.Job {
	s.t.Helper()
	j, err := s.q.PutJob(s.t.Context(), "till", id, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

func (s *store) result(id string) prints.Job {
	s.t.Helper()
	j, err := s.q.TillJob(s.t.Context(), "till", id)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

func TestTheSameContentUnderAnIdIsTheSameJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.job("1", content("receipt"))
		s.job("1", prints.Content{Document: []byte(`{ "lines" : [ {"runs":[{"text":"receipt","bold":false}]}, {"kind":"cut"} ] }`)})
		time.Sleep(time.Minute)
		s.job("1", content("receipt"))
		time.Sleep(time.Minute)
		if _, err := s.q.PutJob(t.Context(), "till", "1", content("another")); !errors.Is(err, prints.ErrOther) {
			t.Errorf("another content: %v", err)
		}
		if _, err := s.q.TillJob(t.Context(), "other", "1"); !errors.Is(err, prints.ErrNoJob) {
			t.Errorf("another till's: %v", err)
		}
		time.Sleep(time.Minute)
		if got, j := s.printed(), s.result("1"); got != "receipt" || j.Result() != prints.Confirmed || j.Unsure > 0 {
			t.Errorf("printed %q, %+v", got, j)
		}
	})
}

func TestReceiptlineAndRawArePrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.job("line", prints.Content{Receiptline: "Apple | 1.00\n="})
		s.job("raw", prints.Content{Raw: base64.StdEncoding.EncodeToString([]byte("raw\n\x1dVA\x00"))})
		time.Sleep(time.Minute)
		if got := s.printed(); got != "Apple 1.00; raw" {
			t.Errorf("got %q", got)
		}
	})
}

func TestTillsAndSlipsArePrintedInOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.sim.SetPaper(false)
		time.Sleep(time.Minute)
		s.job("1", content("job one"))
		s.put("slip")
		s.job("2", content("job two"))
		time.Sleep(time.Minute)
		if j := s.result("2"); j.Result() != prints.StillWaits || j.Why != printer.ErrPaperOut.Error() {
			t.Errorf("without paper: %+v", j)
		}
		s.sim.SetPaper(true)
		time.Sleep(time.Minute)
		if got := s.printed(); got != "job one; slip; job two" {
			t.Errorf("got %q", got)
		}
	})
}

// choosy is a printer that takes everything and confirms slips only.
type choosy struct {
	mu  sync.Mutex
	out []string
}

func (c *choosy) Status(context.Context) (printer.Status, error) {
	return printer.Status{Online: true}, nil
}

func (c *choosy) Print(ctx context.Context, d printer.Document) (printer.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprint(d.Lines)
	if strings.Contains(text, "slip") {
		c.out = append(c.out, "slip")
		return printer.Result{Confirmed: printer.ByFence}, nil
	}
	c.out = append(c.out, "job")
	time.Sleep(20 * time.Second)
	return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrQuiet}
}

func (c *choosy) printed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.out, " ")
}

func TestASlipDoesNotWaitForAJobThatThePrinterFailsAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.kill()
		p := &choosy{}
		s.start(p)
		s.job("1", content("long"))
		time.Sleep(time.Second)
		s.put("slip")
		time.Sleep(5 * time.Minute)
		if got := p.printed(); got != "job slip job job" {
			t.Errorf("printed %q", got)
		}
		if j := s.result("1"); j.Result() != prints.Failed || j.Why == "" {
			t.Errorf("got %+v", j)
		}
		if err := s.q.ReleaseLate(t.Context()); err != nil || s.result("1").Result() != prints.Failed {
			t.Errorf("the next sale brings it back: %v", err)
		}
	})
}

func TestAPrinterThatOnlyTakesIsNeverSaidToHavePrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.kill()
		s.start(&paperTaker{})
		s.job("1", content("x"))
		time.Sleep(time.Minute)
		if j := s.result("1"); j.Result() != prints.Sent {
			t.Errorf("got %+v", j)
		}
	})
}

// paperTaker is a printer behind a one-way cable.
type paperTaker struct{ choosy }

func (*paperTaker) Print(context.Context, printer.Document) (printer.Result, error) {
	return printer.Result{}, nil
}

func TestAJobIsReadWholeOrRefusedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		content prints.Content
		field   string
	}{
		"nothing":             {prints.Content{}, "document"},
		"two of them":         {prints.Content{Receiptline: "x", Raw: "eA=="}, "document"},
		"no base64":           {prints.Content{Raw: "???"}, "raw"},
		"unknown language":    {prints.Content{Receiptline: "x", Language: "fr"}, "language"},
		"unknown field":       {prints.Content{Document: []byte(`{"lines":[{},{"kin":"cut"}]}`)}, "document.lines[1]"},
		"wrong type":          {prints.Content{Document: []byte(`{"lines":[{"count":"3"}]}`)}, "document.lines[0].count"},
		"unknown kind":        {prints.Content{Document: []byte(`{"lines":[{"kind":"cat"}]}`)}, "document"},
		"a long feed":         {prints.Content{Document: []byte(`{"lines":[{"kind":"feed","count":256}]}`)}, "document.lines[0].count"},
		"too many lines":      {prints.Content{Document: []byte(`{"lines":[{}` + strings.Repeat(",{}", 4000) + `]}`)}, "document.lines"},
		"too many pictures":   {prints.Content{Document: []byte(`{"lines":[{"kind":"image"}` + strings.Repeat(`,{"kind":"image"}`, 16) + `]}`)}, "document.lines[16]"},
		"a barcode of nobody": {prints.Content{Document: []byte(`{"lines":[{"kind":"barcode","data":"12X","code":{"kind":"EAN13"}}]}`)}, "document"},
	} {
		_, _, err := c.content.Read()
		var wrong *prints.ContentError
		if !errors.As(err, &wrong) || wrong.Field != c.field || wrong.Detail == "" || wrong.Remedy == "" {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// onDisk is a queue on a journal that is a file.
func onDisk(t *testing.T, path string, p printer.Printer, use func(q *prints.Queue)) {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{Path: path, Now: time.Now, Owner: "test", Projections: []journal.Projection{prints.Projection()}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	q := prints.New(prints.Options{Journal: j, Printer: p, Now: time.Now, Keep: 24 * time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { q.Run(ctx) })
	use(q)
	stop()
	run.Wait()
	if r, err := j.Verify(t.Context()); err != nil {
		t.Errorf("journal: %v, %+v", err, r)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "Confidential") {
		t.Errorf("the log quotes a job: %s", log.String())
	}
}

func TestWhatIsLeftOfADiskIsNotForPrintJobs(t *testing.T) {
	free := int64(1 << 30)
	j, err := journal.Open(t.Context(), journal.Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, Owner: "test", Projections: []journal.Projection{prints.Projection()},
		Free: func() int64 { return free },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	q := prints.New(prints.Options{Journal: j, Printer: &paperTaker{}, Now: time.Now})
	if _, err := q.PutJob(t.Context(), "till", "1", content("receipt")); err != nil {
		t.Fatal(err)
	}
	free = 1 << 20
	if _, err := q.PutJob(t.Context(), "till", "2", content("receipt")); !errors.Is(err, prints.ErrRoom) {
		t.Errorf("a job on a full disk: %v", err)
	}
	if _, err := q.PutJob(t.Context(), "till", "1", content("receipt")); err != nil {
		t.Errorf("the repeat of one that is there: %v", err)
	}
}

// rests tells whether a text rests in any file of a folder.
func rests(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, f := range files {
		if b, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

func TestWhatWasPrintedIsDeletedAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal.db")
		onDisk(t, path, &paperTaker{}, func(q *prints.Queue) {
			if _, err := q.PutJob(t.Context(), "till", "1", content("Confidential 😀")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(23 * time.Hour)
		})
		if !rests(t, dir, "Confidential") {
			t.Error("it is gone before its time")
		}
		onDisk(t, path, &paperTaker{}, func(q *prints.Queue) {
			time.Sleep(2 * time.Hour)
			if _, err := q.PutJob(t.Context(), "till", "1", content("Confidential 😀")); err != nil {
				t.Errorf("the same job afterwards: %v", err)
			}
		})
		if rests(t, dir, "Confidential") {
			t.Error("it is still on disk")
		}
	})
}

func TestTheDrawerOpensAtOnceOrNotAtAllAndIsJournaled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		who := prints.Kick{Client: "till", By: "Cashier 7", Reason: "change"}
		if how, err := s.q.Kick(t.Context(), who); err != nil || how != prints.Confirmed || s.sim.DrawerPulses() != 1 {
			t.Errorf("got %q, %v, %d pulses", how, err, s.sim.DrawerPulses())
		}
		s.sim.SetCover(true)
		if how, err := s.q.Kick(t.Context(), who); how != prints.Failed || !errors.Is(err, printer.ErrCoverOpen) {
			t.Errorf("got %v", err)
		}
		s.sim.SetCover(false)
		time.Sleep(time.Minute)
		if s.sim.DrawerPulses() != 1 {
			t.Errorf("opened %d times", s.sim.DrawerPulses())
		}
		events, err := s.j.Events(t.Context(), 0, 0, "drawer/till")
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if got := strings.Join(kinds, " "); err != nil || got != "drawer_ordered drawer_opened drawer_ordered drawer_failed" ||
			!strings.Contains(string(events[0].Body), "Cashier 7") {
			t.Errorf("journal: %s, %v", got, err)
		}
	})
}

func TestPaperThatEndsAnywhereInALongJobLosesAndDoublesNothing(t *testing.T) {
	const lines = 150
	for _, clone := range []bool{false, true} {
		for after := 1; after < lines; after += 31 {
			synctest.Test(t, func(t *testing.T) {
				s := openWith(t, devicesim.PrinterOptions{Clone: clone})
				s.sim.SetPaperLeft(after)
				s.job("long", manyLines(lines))
				s.put("slip")
				time.Sleep(5 * time.Minute)
				s.sim.SetPaper(true)
				time.Sleep(5 * time.Minute)
				slips := s.sim.Slips()
				if len(slips) != 2 || strings.Contains(slips[0], "REPRINT") || strings.Count(slips[0], "line") != lines {
					t.Errorf("after %d lines: %q", after, s.printed())
				}
			})
		}
	}
}

func manyLines(n int) prints.Content {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %03d. | 19.99\n", i)
	}
	return prints.Content{Receiptline: b.String() + "="}
}
