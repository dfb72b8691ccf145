package devicesim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// longSlip has so many lines, each of which can be told from the others.
func longSlip(lines int) (d printer.Document) {
	for i := range lines {
		d.Lines = append(d.Lines, printer.Pair(fmt.Sprintf("行 line %03d.", i), "é 19.99"))
	}
	d.Lines = append(d.Lines, printer.Line{Kind: printer.Cut})
	return d
}

// wire connects a driver of its own to a printer, as a new posd does. cut ends the connection.
func wire(t *testing.T, sim *devicesim.Printer) (p printer.Continuer, cut func()) {
	t.Helper()
	host, line := porttest.Pair(0)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sim.Serve(t.Context(), line) }()
	return driver(t, host, nil).(printer.Continuer), func() { _ = host.Close(); <-ended }
}

// oneEach tells which lines are not on paper exactly once.
func oneEach(sim *devicesim.Printer, lines int) error {
	all := strings.Join(sim.Slips(), "") + sim.Paper()
	for i := range lines {
		if n := strings.Count(all, fmt.Sprintf("line %03d.", i)); n != 1 {
			return fmt.Errorf("line %d is there %d times", i, n)
		}
	}
	return nil
}

// broken is a try that ends when the paper has ended after so many lines, and posd a minute later.
func brokenOff(t *testing.T, sim *devicesim.Printer, doc printer.Document, after int) (begun int) {
	t.Helper()
	sim.SetPaperLeft(after)
	p, cut := wire(t, sim)
	defer cut()
	ctx, kill := context.WithTimeout(t.Context(), time.Minute)
	defer kill()
	begun = 1
	note := func(_ context.Context, window int) error { begun = window; return nil }
	var maybe *printer.UnconfirmedError
	if _, err := p.PrintTry(ctx, doc, printer.Try{Tag: "try 1", Begin: note}); !errors.As(err, &maybe) {
		t.Fatalf("the first try: %v", err)
	}
	return begun
}

func TestALongJobGoesOnBehindWhatIsOnPaper(t *testing.T) {
	const lines = 200
	furthest := 0
	for after := 1; after < lines; after += 13 {
		synctest.Test(t, func(t *testing.T) {
			sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
			doc := longSlip(lines)
			begun := brokenOff(t, sim, doc, after)
			furthest = max(furthest, begun)
			p, cut := wire(t, sim)
			defer cut()
			again := printer.Try{Tag: "try 1", Begun: begun}
			if _, err := p.PrintTry(t.Context(), doc, again); !errors.Is(err, printer.ErrPaperOut) {
				t.Fatalf("without paper: %v", err)
			}
			sim.SetPaper(true)
			r, err := p.PrintTry(t.Context(), doc, again)
			if err != nil || r.Confirmed != printer.ByProcessID {
				t.Fatalf("after %d lines: %+v, %v", after, r, err)
			}
			if err := oneEach(sim, lines); err != nil || len(sim.Slips()) != 1 || len(sim.Complaints()) > 0 {
				t.Errorf("after %d lines: %v, %d slips, %v", after, err, len(sim.Slips()), sim.Complaints())
			}
		})
	}
	if furthest < 3 {
		t.Errorf("no more than %d windows were under way", furthest)
	}
}

func TestAPrinterThatCannotSayPrintsNothingMore(t *testing.T) {
	for name, c := range map[string]struct {
		options devicesim.PrinterOptions
		tag     string
		spoil   func(*devicesim.Printer)
		silent  bool
	}{
		"switched off and on":      {tag: "try 1", spoil: func(p *devicesim.Printer) { p.SetPower(false); p.SetPower(true) }},
		"without process ids":      {tag: "try 1", options: devicesim.PrinterOptions{Clone: true}},
		"asked about another try":  {tag: "try 2"},
		"answers while nobody was": {tag: "try 1", spoil: func(p *devicesim.Printer) { p.SetPaper(true) }},
		"never says anything":      {tag: "try 1", options: devicesim.PrinterOptions{Clone: true, Lacks: []string{"GS r"}}, silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(c.options)
				doc := longSlip(30)
				begun := brokenOff(t, sim, doc, 5)
				if c.spoil != nil {
					c.spoil(sim)
				}
				p, cut := wire(t, sim)
				defer cut()
				sim.SetPaper(true)
				if _, err := p.PrintTry(t.Context(), doc, printer.Try{Tag: c.tag, Begun: begun}); !errors.Is(err, printer.ErrCannotSay) || errors.Is(err, printer.ErrQuiet) != c.silent {
					t.Errorf("got %v", err)
				}
				if all := strings.Join(sim.Slips(), "") + sim.Paper(); strings.Count(all, "line 003.") != 1 || strings.Count(all, "line 029.") > 1 {
					t.Errorf("printed more: %q", all)
				}
			})
		})
	}
}

func TestAWindowThatCannotBeNotedDoesNotLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
		p, cut := wire(t, sim)
		defer cut()
		doc := longSlip(100)
		full := errors.New("disk is full")
		fails := func(context.Context, int) error { return full }
		var maybe *printer.UnconfirmedError
		if _, err := p.PrintTry(t.Context(), doc, printer.Try{Tag: "a", Begin: fails}); !errors.As(err, &maybe) || !errors.Is(err, full) {
			t.Fatalf("got %v", err)
		}
		if strings.Contains(sim.Paper(), "line 099.") {
			t.Error("all of it is on paper")
		}
		noted := 0
		note := func(_ context.Context, window int) error { noted++; return nil }
		if r, err := p.PrintTry(t.Context(), doc, printer.Try{Tag: "a", Begun: 1, Begin: note}); err != nil || r.Confirmed != printer.ByProcessID || noted == 0 {
			t.Errorf("got %+v, %v, %d windows noted", r, err, noted)
		}
		if err := oneEach(sim, 100); err != nil {
			t.Error(err)
		}
	})
}

func TestAPrinterWithoutProcessIDsIsWaitedForUntilItHasPrintedWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{Clone: true, Speed: 100})
		doc, begun := longSlip(100), 1
		p, cut := wire(t, sim)
		ctx, pull := context.WithTimeout(t.Context(), 20*time.Second)
		defer pull()
		note := func(_ context.Context, window int) error { begun = window; return nil }
		if _, err := p.PrintTry(ctx, doc, printer.Try{Tag: "try 1", Begin: note}); err == nil {
			t.Fatal("it is printed already")
		}
		cut()
		p, cut = wire(t, sim)
		defer cut()
		_, err := p.PrintTry(t.Context(), doc, printer.Try{Tag: "try 1", Begun: begun})
		had := sim.Paper()
		time.Sleep(time.Minute)
		if more := sim.Paper(); !errors.Is(err, printer.ErrCannotSay) || errors.Is(err, printer.ErrQuiet) || more != had || had == "" {
			t.Errorf("%v; %d bytes were on paper, then %d: its confirmations would be taken for the next try's", err, len(had), len(more))
		}
	})
}
