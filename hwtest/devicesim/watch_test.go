package devicesim_test

import (
	"bytes"
	"context"
	"errors"
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

// overheard is a port that keeps what is written to the printer.
type overheard struct {
	port.Conn
	mu      sync.Mutex
	written bytes.Buffer // guarded by mu
}

func (o *overheard) Write(ctx context.Context, b []byte) error {
	o.mu.Lock()
	o.written.Write(b)
	o.mu.Unlock()
	return o.Conn.Write(ctx, b)
}

// taken is what was written since it was taken last.
func (o *overheard) taken() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.written.Reset()
	return o.written.String()
}

// follow watches a printer in the background. told gives what was told since it was asked last.
type follow struct {
	mu    sync.Mutex
	all   []printer.Status // guarded by mu
	ended chan error
}

func (f *follow) tell(s printer.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, s)
}

func (f *follow) told() []printer.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = nil
	return all
}

// watched is a simulated printer that is watched, and the port to it.
func watched(t *testing.T, o devicesim.PrinterOptions, options map[string]string) (printer.Printer, *devicesim.Printer, *overheard, *follow) {
	t.Helper()
	sim := devicesim.NewPrinter(o)
	host, line := porttest.Pair(0)
	go func() { _ = sim.Serve(t.Context(), line) }()
	over := &overheard{Conn: host}
	p := driver(t, over, options)
	f := &follow{ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	go func() { f.ended <- printer.Watch(ctx, p, f.tell) }()
	t.Cleanup(func() { stop(); _ = host.Close(); synctest.Wait() })
	time.Sleep(3 * time.Second) // so that it has been asked, and told by itself if it can
	f.told()
	over.taken()
	return p, sim, over, f
}

// used prints a slip, after which a printer tells by itself, and forgets what was heard of it.
func used(t *testing.T, p printer.Printer, over *overheard, f *follow) {
	t.Helper()
	if _, err := p.Print(t.Context(), slip("first")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	f.told()
	over.taken()
}

func TestAPrinterThatTellsByItselfIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim, over, f := watched(t, devicesim.PrinterOptions{}, nil)
		used(t, p, over, f)
		change := func(what string, do func(), is func(printer.Status) bool) {
			t.Helper()
			do()
			synctest.Wait()
			if all := f.told(); len(all) == 0 || !is(all[len(all)-1]) {
				t.Errorf("%s: told %+v", what, all)
			}
			if b := over.taken(); b != "" {
				t.Errorf("%s: asked %x", what, b)
			}
		}
		open := func(s printer.Status) bool { return s.CoverOpen && !s.Online }
		well := func(s printer.Status) bool { return s.Err() == nil }
		change("cover opened", func() { sim.SetCover(true) }, open)
		change("cover closed", func() { sim.SetCover(false) }, well)
		change("paper out", func() { sim.SetPaper(false) }, func(s printer.Status) bool { return s.PaperOut })
		change("paper in", func() { sim.SetPaper(true) }, well)
		change("cutter jammed", func() { sim.SetCutterJam(true) }, func(s printer.Status) bool { return s.Fault == printer.FaultCutter })
		change("cutter freed", func() { sim.SetCutterJam(false) }, well)

		if r, err := p.Print(t.Context(), slip("PAID")); err != nil || r.Confirmed != printer.ByProcessID || len(sim.Slips()) != 2 {
			t.Fatalf("got %+v, %v", r, err)
		}
		time.Sleep(time.Second)
		over.taken()
		change("paper low, after a slip", func() { sim.SetPaperLow(true) }, func(s printer.Status) bool { return s.PaperLow && s.Err() == nil })
		time.Sleep(time.Minute)
		if b := over.taken(); !strings.HasPrefix(b, "\x10\x04\x01") {
			t.Errorf("in a minute it was asked %x: one that was switched off would not be missed", b)
		}
		if c := sim.Complaints(); len(c) > 0 {
			t.Errorf("printer complains: %v", c)
		}
	})
}

func TestAPrinterThatDoesNotTellByItselfIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		options devicesim.PrinterOptions
		given   map[string]string
	}{
		"does not know GS a": {options: devicesim.PrinterOptions{Lacks: []string{"GS a"}}},
		"is told not to":     {given: map[string]string{"asb": "no"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, sim, over, f := watched(t, c.options, c.given)
				sim.SetCover(true)
				time.Sleep(5 * time.Second)
				if all := f.told(); len(all) == 0 || !all[len(all)-1].CoverOpen {
					t.Errorf("told %+v", all)
				}
				if b := over.taken(); strings.Contains(b, "\x1da") || !strings.Contains(b, "\x10\x04\x02") {
					t.Errorf("written: %x", b)
				}
				sim.SetCover(false)
				if _, err := p.Print(t.Context(), slip("PAID")); err != nil || strings.Contains(sim.Slips()[0], "a\x0f") {
					t.Errorf("%v, printed %q", err, sim.Slips())
				}
				if first := strings.TrimLeft(sim.Slips()[0], " "); !strings.HasPrefix(first, "PAID") {
					t.Errorf("what it did not know is on paper: %q", sim.Slips()[0])
				}
			})
		})
	}
}

func TestAPrinterThatIsUnpluggedAtRestIsMissedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, over, f := watched(t, devicesim.PrinterOptions{}, nil)
		used(t, p, over, f)
		_ = over.Conn.Close()
		synctest.Wait()
		select {
		case err := <-f.ended:
			if !errors.Is(err, port.ErrClosed) && !errors.Is(err, port.ErrUnplugged) {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("nobody noticed")
		}
		if b := over.taken(); b != "" {
			t.Errorf("it was asked: %x", b)
		}
	})
}

func TestAPrinterThatWasNotWellAtFirstTellsByItselfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
		sim.SetPaper(false)
		host, line := porttest.Pair(0)
		defer host.Close()
		go func() { _ = sim.Serve(t.Context(), line) }()
		over := &overheard{Conn: host}
		f := &follow{ended: make(chan error, 1)}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		p := driver(t, over, nil)
		go func() { f.ended <- printer.Watch(ctx, p, f.tell) }()
		time.Sleep(10 * time.Second)
		if b := over.taken(); strings.Contains(b, "\x1b@") {
			t.Errorf("written while it could not print: %x", b)
		}
		sim.SetPaper(true)
		time.Sleep(10 * time.Second)
		used(t, p, over, f)
		sim.SetPaperLow(true)
		synctest.Wait()
		if all := f.told(); len(all) != 1 || !all[0].PaperLow || over.taken() != "" {
			t.Errorf("told %+v", all)
		}
	})
}

func TestAPrinterThatReadsUTF8IsSentNothingElse(t *testing.T) {
	for name, given := range map[string]map[string]string{
		"by option": {"utf8": "yes"}, "by profile": {"profile": "TM-m30III"}, "not": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
				host, line := porttest.Pair(0)
				defer host.Close()
				go func() { _ = sim.Serve(t.Context(), line) }()
				over := &overheard{Conn: host}
				text := "谢谢惠顾 合计 12.80"
				doc := printer.Document{Lines: []printer.Line{printer.Plain(text), {Kind: printer.Cut}}}
				r, err := driver(t, over, given).Print(t.Context(), doc)
				if err != nil || len(r.Drawn) > 0 || !strings.HasPrefix(sim.Slips()[0], text+"\n") || len(sim.Complaints()) > 0 {
					t.Errorf("%+v, %v, printed %q, %v", r, err, sim.Slips(), sim.Complaints())
				}
				b := over.taken()
				if utf8 := strings.Contains(b, "谢谢惠顾"); utf8 != (name != "not") || utf8 == strings.Contains(b, "\x1c&") {
					t.Errorf("sent %q", b)
				}
			})
		})
	}
}

// A slip that is long under way keeps the printer busy: what it tells meanwhile is told all the same.
func TestWhatIsHeardInTheMiddleOfASlipIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sim, _, f := watched(t, devicesim.PrinterOptions{Speed: 1000, Buffer: 8 << 10}, nil)
		done := make(chan error, 1)
		go func() { _, err := p.Print(t.Context(), longSlip(1200)); done <- err }()
		time.Sleep(15 * time.Second) // it is at it, however the watching went
		if sim.Paper() == "" {
			t.Fatal("nothing is printed while it is watched")
		}
		f.told()
		sim.SetPaper(false)
		time.Sleep(20 * time.Second)
		if all := f.told(); len(all) == 0 || !all[len(all)-1].PaperOut {
			t.Errorf("told %+v", all)
		}
		sim.SetPaper(true)
		if err := <-done; err != nil || len(sim.Slips()) != 1 {
			t.Errorf("%v, %d slips", err, len(sim.Slips()))
		}
	})
}
