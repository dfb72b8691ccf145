package devicesim_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

func driver(t testing.TB, c port.Conn, options map[string]string) printer.Printer {
	t.Helper()
	d, _ := printer.Lookup("escpos")
	s, err := port.Settle(d.Options, options)
	if err != nil {
		t.Fatal(err)
	}
	return d.Open(c, s)
}

// bench connects the driver to a simulated printer in memory.
func bench(t *testing.T, o devicesim.PrinterOptions, options map[string]string) (printer.Printer, *devicesim.Printer) {
	t.Helper()
	sim := devicesim.NewPrinter(o)
	host, line := porttest.Pair(0)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sim.Serve(t.Context(), line) }()
	t.Cleanup(func() { _ = host.Close(); <-ended })
	return driver(t, host, options), sim
}

func slip(text string) printer.Document {
	return printer.Document{Lines: []printer.Line{
		{Align: printer.Center, Runs: []printer.Run{{Text: text, Bold: true, Double: true}}},
		printer.Pair("金额 Amount", "￥19.99"),
		{Kind: printer.Rule},
		printer.Plain("上海市浦东新区 Pudong"),
		{Kind: printer.Barcode, Data: "A1B2{3"},
		{Kind: printer.QR, Data: "https://example.com/?a=1"},
		{Kind: printer.Drawer},
		{Kind: printer.Feed, Count: 1},
		{Kind: printer.Cut},
	}}
}

func TestASlipIsPrintedAsItWasLaidOut(t *testing.T) {
	for _, how := range []struct {
		name  string
		clone bool
		want  printer.Confirmation
	}{{"with process ids", false, printer.ByProcessID}, {"a clone without", true, printer.ByFence}} {
		t.Run(how.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "slips")
				p, sim := bench(t, devicesim.PrinterOptions{Clone: how.clone, SlipFile: file}, nil)
				r, err := p.Print(t.Context(), slip("已付款 PAID"))
				if err != nil || r.Confirmed != how.want || len(r.Missing) > 0 {
					t.Fatalf("got %+v, %v, want confirmed by %q", r, err, how.want)
				}
				want := strings.Join([]string{
					"             已付款 PAID",
					"金额 Amount                              ￥19.99",
					strings.Repeat("-", 48),
					"上海市浦东新区 Pudong",
					"                [CODE128 A1B2{3]",
					"         [QR https://example.com/?a=1]",
					"", "", "",
				}, "\n")
				got := sim.Slips()
				if len(got) != 1 || strings.ReplaceAll(got[0], "\n\n", "\n") != strings.ReplaceAll(want, "\n\n", "\n") {
					t.Errorf("got\n%q\nwant\n%q", got, want)
				}
				if sim.DrawerPulses() != 1 {
					t.Errorf("drawer opened %d times", sim.DrawerPulses())
				}
				if b, _ := os.ReadFile(file); !strings.Contains(string(b), "已付款 PAID") {
					t.Errorf("slip file: %q", b)
				}
				if c := sim.Complaints(); len(c) > 0 && !how.clone {
					t.Errorf("printer complains: %v", c)
				}
			})
		})
	}
}

// A posd that is killed in the middle of a slip leaves a printer that waits for the rest of a command.
func TestASlipAfterOneThatWasCutOffInACommandIsPrintedWhole(t *testing.T) {
	for name, cut := range map[string]string{
		"after the low byte of a QR code's length": "half a slip\n\x1D(k\x03", "within a QR code": "\x1D(k\x40\x001P0https",
		"before a barcode's length": "\x1Dk\x49", "within a barcode": "\x1Dk\x49\xFF{B12", "within a letter": "\x1C&\xD2",
		"after ESC": "\x1B", "in the drawer's pulse": "\x1Bp\x00", "nowhere": "half a slip",
		"within a picture": cutOffPicture, "within a strip": "\x1B*\x21\x40\x02" + strings.Repeat("\xFF", 30),
		"within a long QR code": "\x1D(k\x80\x0B1P0https",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
				host, line := porttest.Pair(0)
				ended := make(chan struct{})
				go func() { defer close(ended); _ = sim.Serve(t.Context(), line) }()
				defer func() { _ = host.Close(); <-ended }()
				if err := host.Write(t.Context(), []byte(cut)); err != nil {
					t.Fatal(err)
				}
				r, err := driver(t, host, nil).Print(t.Context(), slip("PAID"))
				if err != nil || r.Confirmed != printer.ByProcessID {
					t.Fatalf("got %+v, %v", r, err)
				}
				slips := sim.Slips()
				if len(slips) != 1 || !strings.Contains(slips[0], "PAID") || !strings.Contains(slips[0], "金额 Amount                              ￥19.99") {
					t.Errorf("printed %q", slips)
				}
			})
		})
	}
}

func TestNothingIsSentToAPrinterThatCannotPrint(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*devicesim.Printer)
		want error
	}{
		"paper out":  {func(p *devicesim.Printer) { p.SetPaper(false) }, printer.ErrPaperOut},
		"cover open": {func(p *devicesim.Printer) { p.SetCover(true) }, printer.ErrCoverOpen},
		"off":        {func(p *devicesim.Printer) { p.SetPower(false) }, printer.ErrOffline},
		"jammed":     {func(p *devicesim.Printer) { p.SetCutterJam(true) }, printer.ErrFault},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, sim := bench(t, devicesim.PrinterOptions{}, nil)
				c.do(sim)
				var unsure *printer.UnconfirmedError
				if _, err := p.Print(t.Context(), slip("x")); !errors.Is(err, c.want) || errors.As(err, &unsure) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				sim.SetPaper(true)
				sim.SetCover(false)
				sim.SetPower(true)
				sim.SetCutterJam(false)
				if _, err := p.Print(t.Context(), slip("x")); err != nil || len(sim.Slips()) != 1 {
					t.Errorf("after help: %v, %d slips", err, len(sim.Slips()))
				}
			})
		})
	}
}

func TestPaperThatEndsInASlipDelaysItsEnd(t *testing.T) {
	for _, clone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, sim := bench(t, devicesim.PrinterOptions{Clone: clone}, nil)
			sim.SetPaperLeft(2)
			time.AfterFunc(3*time.Minute, func() { sim.SetPaper(true) })
			start := time.Now()
			r, err := p.Print(t.Context(), slip("PAID"))
			if err != nil || r.Confirmed == printer.Unconfirmed {
				t.Fatalf("got %+v, %v", r, err)
			}
			if took := time.Since(start); took < 3*time.Minute {
				t.Errorf("confirmed after %v, before there was paper", took)
			}
			if got := sim.Slips(); len(got) != 1 || strings.Count(got[0], "PAID") != 1 {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAnOutcomeThatNobodyKnowsIsNoSuccess(t *testing.T) {
	cases := map[string]func(*devicesim.Printer, context.CancelFunc){
		"switched off in the slip": func(p *devicesim.Printer, _ context.CancelFunc) {
			p.SetPower(false)
			time.AfterFunc(time.Second, func() { p.SetPaper(true); p.SetPower(true) })
		},
		"given up in the slip": func(_ *devicesim.Printer, cancel context.CancelFunc) { cancel() },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, sim := bench(t, devicesim.PrinterOptions{}, nil)
				sim.SetPaperLeft(1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Minute, func() { spoil(sim, cancel) })
				var unsure *printer.UnconfirmedError
				if _, err := p.Print(ctx, slip("x")); !errors.As(err, &unsure) {
					t.Errorf("got %v, want UnconfirmedError", err)
				}
			})
		})
	}
}

func TestWhateverFailsIsToldFromPrinted(t *testing.T) {
	for n := 1; ; n++ {
		done := false
		synctest.Test(t, func(t *testing.T) {
			sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
			host, line := porttest.Pair(0)
			go func() { _ = sim.Serve(t.Context(), line) }()
			defer host.Close()
			bad := porttest.FailAt(host, n, port.ErrUnplugged)
			_, err := driver(t, bad, nil).Print(t.Context(), slip("x"))
			synctest.Wait()
			var unsure *printer.UnconfirmedError
			if done = !bad.Failed(); done {
				return
			}
			if err == nil && n > 0 && !bad.Failed() {
				t.Errorf("operation %d failed unseen", n)
			}
			if sure := err != nil && !errors.As(err, &unsure); sure && len(sim.Slips()) > 0 {
				t.Errorf("operation %d: told %v, but it was printed", n, err)
			}
		})
		if done {
			if n < 8 {
				t.Errorf("only %d operations", n)
			}
			return
		}
	}
}

func TestAOneWayPrinterIsNeverSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim := bench(t, devicesim.PrinterOptions{Mute: true}, map[string]string{"status": "no"})
		r, err := p.Print(t.Context(), slip("x"))
		synctest.Wait()
		if err != nil || r.Confirmed != printer.Unconfirmed || len(sim.Slips()) != 1 {
			t.Errorf("got %+v, %v, %d slips", r, err, len(sim.Slips()))
		}
	})
}

func TestAPrinterIsAskedForItsCharactersWhereNobodyKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim := bench(t, devicesim.PrinterOptions{}, map[string]string{"profile": "TM-T20III"})
		r, err := p.Print(t.Context(), printer.Document{Lines: []printer.Line{printer.Plain("中文 é"), {Kind: printer.Cut}}})
		if err != nil || len(r.Drawn) > 0 || !strings.HasPrefix(sim.Slips()[0], "中文 é\n") {
			t.Errorf("drawn %q, %v, printed %q", string(r.Drawn), err, sim.Slips())
		}
	})
}

func TestAPrinterThatIsAskedItsNameIsPrintedOnAsThat(t *testing.T) {
	for name, c := range map[string]struct {
		model   string
		columns int
	}{"an Epson": {"TM-T88V", 42}, "one that nobody knows": {"", 48}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, sim := bench(t, devicesim.PrinterOptions{Columns: c.columns, Model: c.model}, map[string]string{"profile": "auto"})
				r, err := p.Print(t.Context(), printer.Document{Lines: []printer.Line{{Kind: printer.Rule}, {Kind: printer.Cut}}})
				want := strings.Repeat("-", c.columns) + "\n"
				if err != nil || r.Confirmed != printer.ByProcessID || !strings.HasPrefix(sim.Slips()[0], want) {
					t.Errorf("%+v, %v, printed %q", r, err, sim.Slips())
				}
			})
		})
	}
}

func TestAnUnknownProfileIsRefusedWithTheKnownNames(t *testing.T) {
	d, _ := printer.Lookup("escpos")
	_, err := port.Settle(d.Options, map[string]string{"profile": "TM-T20IV"})
	if err == nil || !strings.Contains(err.Error(), "TM-T20IV") || !strings.Contains(err.Error(), "TM-T20III") || !strings.Contains(err.Error(), "chinese-80") {
		t.Errorf("got %v", err)
	}
}

func TestMissingCharactersAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim := bench(t, devicesim.PrinterOptions{}, nil)
		r, err := p.Print(t.Context(), printer.Document{Lines: []printer.Line{
			printer.Plain("ok 😀 \x1b@ ñ é"), {Kind: printer.Cut},
		}})
		if err != nil || string(r.Missing) != "😀\x1b" || string(r.Drawn) != "ñ" {
			t.Errorf("got missing %q, drawn %q, %v", string(r.Missing), string(r.Drawn), err)
		}
		if got := sim.Slips()[0]; !strings.HasPrefix(got, "ok 〓 〓@ ▒ é\n") {
			t.Errorf("got %q", got)
		}
	})
}
