package devicesim_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// rawSlip is a slip of so many lines that goes to the printer as it is.
func rawSlip(lines int) printer.Document {
	var all strings.Builder
	for i := range lines {
		fmt.Fprintf(&all, "line %03d. of a slip that is raw\n", i)
	}
	return printer.Document{Lines: []printer.Line{
		{Kind: printer.Raw, Data: base64.StdEncoding.EncodeToString([]byte(all.String() + "\x1dVA\x00"))},
	}}
}

// Nothing else holds back a document that is raw, or one whose printer confirms nothing: they are sent without waiting.
func TestNoByteIsLostWhereAPrinterSendsXOFF(t *testing.T) {
	const lines = 400
	none := map[string]string{"confirm": "none"}
	for name, c := range map[string]struct {
		doc   printer.Document
		given map[string]string
	}{
		"raw":                         {rawSlip(lines), nil},
		"raw, and nothing is asked":   {rawSlip(lines), map[string]string{"status": "no"}},
		"nothing is confirmed":        {longSlip(lines), none},
		"raw, nothing is confirmed":   {rawSlip(lines), none},
		"as it usually is":            {longSlip(lines), nil},
		"confirmed by fences, in raw": {rawSlip(lines), map[string]string{"confirm": "fence"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, sim := bench(t, devicesim.PrinterOptions{Buffer: 4 << 10, Speed: 2000, Flow: devicesim.FlowXON}, c.given)
				if _, err := p.Print(t.Context(), c.doc); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if err := oneEach(sim, lines); err != nil || sim.Lost() > 0 {
					t.Errorf("%v, %d bytes were lost", err, sim.Lost())
				}
			})
		})
	}
}

// A printer that holds the line is waited for as long as one without paper, and no longer.
func TestAPrinterThatNeverSendsXONIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{Buffer: 4 << 10, Speed: 2000, Flow: devicesim.FlowStuck})
		host, line := porttest.Pair(0)
		defer host.Close()
		go func() { _ = sim.Serve(t.Context(), line) }()
		p := driver(t, host, nil)
		var maybe *printer.UnconfirmedError
		if _, err := p.Print(t.Context(), rawSlip(400)); !errors.As(err, &maybe) || !errors.Is(err, port.ErrStalled) {
			t.Errorf("got %v", err)
		}
		if sim.Lost() > 0 {
			t.Errorf("%d bytes were lost", sim.Lost())
		}
	})
}

// While it holds the line a printer without paper is told as that, and goes on when there is some.
func TestAPrinterThatHoldsTheLineForPaperIsToldAsOutOfPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim := bench(t, devicesim.PrinterOptions{Buffer: 4 << 10, Speed: 2000, Flow: devicesim.FlowXON, Lacks: []string{"GS a"}}, nil)
		sim.SetPaperLeft(20)
		done := make(chan error, 1)
		go func() { _, err := p.Print(t.Context(), rawSlip(400)); done <- err }()
		time.Sleep(time.Minute)
		held, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if s, err := p.Status(held); err != nil || !s.PaperOut {
			t.Errorf("while it holds the line: %+v, %v", s, err)
		}
		sim.SetPaper(true)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := oneEach(sim, 400); err != nil {
			t.Error(err)
		}
	})
}

// Not every printer sends XON when it is switched on, and none remembers that it has sent XOFF.
func TestAPrinterThatWasSwitchedOffHoldsTheLineNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := devicesim.PrinterOptions{Buffer: 3900, Speed: 2000, Flow: devicesim.FlowStuck}
		p, sim := bench(t, o, map[string]string{"confirm": "none"})
		if _, err := p.Print(t.Context(), rawSlip(78)); err != nil { // with its last block XOFF is sent
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		sim.SetPower(false)
		if s, err := p.Status(t.Context()); err != nil || s.Online {
			t.Fatalf("switched off: %+v, %v", s, err)
		}
		sim.SetPower(true)
		if _, err := p.Print(t.Context(), slip("AFTERWARDS")); err != nil {
			t.Errorf("switched on: %v", err)
		}
	})
}
