package devicesim_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// badLine is the printer's end of a line that spoils what it says, or that breaks after so many bytes of what it is sent.
type badLine struct {
	io.ReadWriteCloser
	spoil func([]byte) []byte

	mu     sync.Mutex
	breaks int // guarded by mu; bytes until the line breaks; negative: never
	mended bool
}

func (l *badLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	spoil := l.spoil
	if l.mended {
		spoil = nil
	}
	l.mu.Unlock()
	if spoil == nil {
		return l.ReadWriteCloser.Write(p)
	}
	if out := spoil(p); len(out) > 0 {
		_, _ = l.ReadWriteCloser.Write(out)
	}
	return len(p), nil
}

func (l *badLine) Read(p []byte) (int, error) {
	l.mu.Lock()
	most, cuts := len(p), l.breaks >= 0
	if cuts {
		most = min(most, l.breaks)
	}
	l.mu.Unlock()
	if cuts && most == 0 {
		_ = l.Close()
		return 0, io.EOF
	}
	n, err := l.ReadWriteCloser.Read(p[:most])
	l.mu.Lock()
	defer l.mu.Unlock()
	if cuts {
		l.breaks -= n
	}
	return n, err
}

// mend makes the line a good one.
func (l *badLine) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mended = true
}

// processes spoils the answers to GS ( H, which begin with 37 22.
func processes(how func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		if len(b) == 7 && b[0] == 0x37 {
			return how(b)
		}
		return b
	}
}

// printerFault is a row of the table: a printer, what is wrong with it or its line, and what is told.
type printerFault struct {
	name    string
	options devicesim.PrinterOptions
	given   map[string]string // of the driver
	spoil   func([]byte) []byte
	begin   func(*devicesim.Printer)
	within  func(*devicesim.Printer) // a minute after the slip was begun
	mend    func(*devicesim.Printer)
	want    string
	unsure  bool // some of it may be on paper
	lost    bool // it stays so
}

func healed(p *devicesim.Printer) {
	p.SetPaper(true)
	p.SetCover(false)
	p.SetCutterJam(false)
	p.SetPower(true)
}

// printerFaults is the table of what goes wrong with printers while they are plugged in. The README beside the drivers names
// its rows.
var printerFaults = []printerFault{
	{name: "answers nothing", options: devicesim.PrinterOptions{Mute: true}, want: "printer is offline", lost: true},
	{name: "noise in place of answers", spoil: func(b []byte) []byte { return []byte(strings.Repeat("\xF0", len(b))) }, want: "printer is offline"},
	{name: "wrong speed", spoil: func([]byte) []byte { return []byte{0xFE, 0x00, 0x86} }, want: "printer is offline"},
	{name: "answers that never end", spoil: func([]byte) []byte { return []byte("\x37" + strings.Repeat("a", 4096)) }, want: "printer is offline"},
	{name: "half an answer", spoil: processes(func(b []byte) []byte {
		if string(b[2:6]) == "ping" {
			return b
		}
		return b[:4]
	}), want: "the printer is well but did not confirm", unsure: true},
	{name: "an id that nobody gave", spoil: processes(func(b []byte) []byte {
		if string(b[2:6]) == "ping" {
			return b
		}
		return []byte("\x37\x22zzzz\x00")
	}), want: "the printer is well but did not confirm", unsure: true},
	{name: "out of paper", begin: func(p *devicesim.Printer) { p.SetPaper(false) }, mend: healed, want: "printer is out of paper"},
	{name: "cover open", begin: func(p *devicesim.Printer) { p.SetCover(true) }, mend: healed, want: "printer's cover is open"},
	{name: "cutter jammed", begin: func(p *devicesim.Printer) { p.SetCutterJam(true) }, mend: healed, want: "printer has a fault"},
	{name: "switched off", begin: func(p *devicesim.Printer) { p.SetPower(false) }, mend: healed, want: "printer is offline"},
	{
		name: "switched off in a slip", begin: func(p *devicesim.Printer) { p.SetPaperLeft(2) },
		within: func(p *devicesim.Printer) { p.SetPower(false); healed(p) },
		want:   "the printer is well but did not confirm", unsure: true,
	},
	{
		name: "paper ends in a slip and nobody comes", begin: func(p *devicesim.Printer) { p.SetPaperLeft(2) }, mend: healed,
		want: "not known whether it was printed", unsure: true,
	},
	{name: "XOFF for ever", options: devicesim.PrinterOptions{Buffer: 400, Speed: 200, Flow: devicesim.FlowStuck}, want: "device takes no more bytes", lost: true},
	{name: "loses bytes", options: devicesim.PrinterOptions{Loses: 53}, want: "did not confirm", unsure: true, lost: true},
	{name: "a buffer too small", options: devicesim.PrinterOptions{Buffer: 600, Speed: 200, Flow: devicesim.FlowNone}, want: "did not confirm", unsure: true, lost: true},
	{
		name: "wrong way to confirm", options: devicesim.PrinterOptions{Clone: true}, given: map[string]string{"confirm": "process"},
		want: "did not confirm", unsure: true, lost: true,
	},
}

// TestFaultsOfPrintersAreToldInWords shows what the technician reads, that what may be on paper is told from what is not, and
// that the next slip is printed once the fault is over.
func TestFaultsOfPrintersAreToldInWords(t *testing.T) {
	for _, c := range printerFaults {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(c.options)
				host, far := porttest.Pair(0)
				line := &badLine{ReadWriteCloser: far, spoil: c.spoil, breaks: -1}
				go func() { _ = sim.Serve(t.Context(), line) }()
				defer host.Close()
				if c.begin != nil {
					c.begin(sim)
				}
				if c.within != nil {
					time.AfterFunc(time.Minute, func() { c.within(sim) })
				}
				p := driver(t, host, c.given)
				_, err := p.Print(t.Context(), longSlip(20))
				var maybe *printer.UnconfirmedError
				if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &maybe) != c.unsure {
					t.Fatalf("got %v, want %q, unsure: %v", err, c.want, c.unsure)
				}
				if !c.unsure && len(sim.Slips())+len(sim.Paper()) > 0 {
					t.Errorf("told that nothing was printed: %q", sim.Paper())
				}
				if c.lost {
					return
				}
				line.mend()
				if c.mend != nil {
					c.mend(sim)
				}
				time.Sleep(time.Minute)
				if r, err := p.Print(t.Context(), slip("AFTERWARDS")); err != nil || r.Confirmed == printer.Unconfirmed {
					t.Errorf("after the fault: %+v, %v", r, err)
				}
				if all := sim.Slips(); len(all) == 0 || !strings.Contains(all[len(all)-1], "AFTERWARDS") {
					t.Errorf("after the fault: %q", all)
				}
			})
		})
	}
}

// TestAPrinterUnpluggedAtAnyByteIsToldFromPrinted pulls the plug after n bytes, for each n of a slip and what is asked before.
func TestAPrinterUnpluggedAtAnyByteIsToldFromPrinted(t *testing.T) {
	doc := printer.Document{Lines: []printer.Line{printer.Plain("PAID 19.99"), {Kind: printer.QR, Data: "x"}, {Kind: printer.Cut}}}
	sure, unsure := 0, 0
	for n := 0; ; n++ {
		printed := false
		synctest.Test(t, func(t *testing.T) {
			sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
			host, far := porttest.Pair(0)
			go func() { _ = sim.Serve(t.Context(), &badLine{ReadWriteCloser: far, breaks: n}) }()
			defer host.Close()
			_, err := driver(t, host, nil).Print(t.Context(), doc)
			synctest.Wait()
			var maybe *printer.UnconfirmedError
			switch {
			case err == nil:
				printed = true
			case errors.As(err, &maybe):
				unsure++
			case len(sim.Slips()) > 0 || sim.Paper() != "":
				t.Errorf("byte %d: told %v, and on paper is %q", n, err, sim.Paper())
			default:
				sure++
			}
			if err != nil && !errors.Is(err, port.ErrUnplugged) {
				t.Errorf("byte %d: told %v", n, err)
			}
		})
		if printed || t.Failed() {
			break
		}
	}
	if sure < 500 || unsure < 50 {
		t.Errorf("%d were told to be not printed, %d to be unknown", sure, unsure)
	}
}

// TestAPrinterThatTakesNoMoreBytesIsGivenUp has a line that is full: nobody reads at its far end any more.
func TestAPrinterThatTakesNoMoreBytesIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{Buffer: 300})
		host, far := porttest.Pair(64)
		defer host.Close()
		go func() { _ = sim.Serve(t.Context(), far) }()
		sim.SetPaperLeft(3)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		var maybe *printer.UnconfirmedError
		if _, err := driver(t, host, nil).Print(ctx, longSlip(60)); !errors.As(err, &maybe) || !errors.Is(err, port.ErrStalled) {
			t.Errorf("got %v", err)
		}
	})
}
