package devicesim_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// onUSB is a printer behind the system's driver, which knows what it is.
type onUSB struct {
	port.Conn
	id, usb string
}

func (onUSB) LineStatus(context.Context) (port.LineStatus, error) { return 0x18, nil }
func (o onUSB) DeviceID(context.Context) (string, error)          { return said(o.id) }
func (o onUSB) Product(context.Context) (string, error)           { return said(o.usb) }

func said(text string) (string, error) {
	if text == "" {
		return "", errors.New("it does not say")
	}
	return text, nil
}

// counting counts the questions that pass.
type counting struct {
	port.Conn
	asked map[string]int
}

func (c counting) Write(ctx context.Context, b []byte) error {
	for _, q := range []string{"\x1dIC", "\x1dIE"} {
		c.asked[q] += strings.Count(string(b), q)
	}
	return c.Conn.Write(ctx, b)
}

// The font of CHINA GB2312 has nothing for them.
func TestAPrinterThatSaysGB2312IsSentNoOtherTwoByteCharacters(t *testing.T) {
	for name, c := range map[string]struct {
		given map[string]string
		first bool // with the first slip: later it is found out beside one
	}{
		"where it is asked": {map[string]string{"profile": "TM-T20III"}, true},
		"for China":         {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := bench(t, devicesim.PrinterOptions{Language: "CHINA GB2312"}, c.given)
				doc := printer.Document{Lines: []printer.Line{printer.Plain("朱镕 小票"), {Kind: printer.Cut}}}
				first, err := p.Print(t.Context(), doc)
				second, again := p.Print(t.Context(), doc)
				if err != nil || again != nil || c.first && string(first.Drawn) != "镕" || string(second.Drawn) != "镕" {
					t.Errorf("drawn %q, then %q, %v, %v", string(first.Drawn), string(second.Drawn), err, again)
				}
				if s, err := p.Status(t.Context()); err != nil || s.Mismatch != (printer.Mismatch{}) && !c.first {
					t.Errorf("%+v, %v", s, err)
				}
			})
		})
	}
}

// identified prints a slip, and gives what the printer got, how it is said to be then, and how often it was asked.
func identified(t *testing.T, o devicesim.PrinterOptions, usb onUSB, options map[string]string) (string, printer.Status, map[string]int) {
	t.Helper()
	sim := devicesim.NewPrinter(o)
	host, far := porttest.Pair(0)
	defer host.Close()
	go func() { _ = sim.Serve(t.Context(), far) }()
	asked := map[string]int{}
	usb.Conn = counting{host, asked}
	p := driver(t, usb, options)
	for range 2 {
		if r, err := p.Print(t.Context(), slip("PAID")); err != nil || options["confirm"] != "none" && r.Confirmed == printer.Unconfirmed {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
	s, err := p.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(sim.Slips(), "") + sim.Paper(), s, asked
}

// How wide a line is tells which profile was found.
func TestAPrinterIsKnownByItsPortThenByItsAnswersThenByItsChip(t *testing.T) {
	const epson, clone = "MFG:EPSON;MDL:TM-T88IV;CLS:PRINTER;", "MFG:ACME;MDL:Slip;"
	for name, c := range map[string]struct {
		usb     onUSB
		o       devicesim.PrinterOptions
		columns int
	}{
		"by its 1284 id":              {onUSB{id: epson}, devicesim.PrinterOptions{Model: "TM-L90"}, 42},
		"1284 id, and nothing else":   {onUSB{id: epson, usb: "0416:5011"}, devicesim.PrinterOptions{Lacks: []string{"GS I"}}, 42},
		"by its answer":               {onUSB{id: clone, usb: "0416:5011"}, devicesim.PrinterOptions{Model: "TM-T88IV"}, 42},
		"by VID:PID":                  {onUSB{id: clone, usb: "0416:5011"}, devicesim.PrinterOptions{}, 32},
		"VID:PID, and no 1284 id":     {onUSB{usb: "0416:5011"}, devicesim.PrinterOptions{Lacks: []string{"GS I"}}, 32},
		"it is not known":             {onUSB{id: clone, usb: "dead:beef"}, devicesim.PrinterOptions{}, 48},
		"nothing is said, in any way": {onUSB{}, devicesim.PrinterOptions{Lacks: []string{"GS I"}}, 48},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.o.Columns = c.columns
				got, s, _ := identified(t, c.o, c.usb, map[string]string{"profile": "auto"})
				if !strings.Contains(got, strings.Repeat("-", c.columns)+"\n") || strings.Contains(got, strings.Repeat("-", c.columns+1)) {
					t.Errorf("want %d columns, got\n%s", c.columns, got)
				}
				if s.Mismatch != (printer.Mismatch{}) && c.usb.id != epson {
					t.Errorf("it is found wrong: %+v", s.Mismatch)
				}
			})
		})
	}
}

func TestAWrongProfileIsToldWithTheOneThatFits(t *testing.T) {
	latin := devicesim.PrinterOptions{Model: "TM-T88IV", Language: devicesim.NoLanguage}
	clone := devicesim.PrinterOptions{Lacks: []string{"GS I"}}
	for name, c := range map[string]struct {
		profile string
		o       devicesim.PrinterOptions
		fits    string // empty: nothing is told
	}{
		"Chinese characters on a Latin Epson":      {"chinese-80", latin, "TM-T88IV"},
		"the same, of fences":                      {"chinese-58", latin, "TM-T88IV"},
		"an Epson that may have them, and has not": {"chinese-80", devicesim.PrinterOptions{Model: "TM-T88V", Language: devicesim.NoLanguage}, "TM-T88V"},
		"an Epson for China":                       {"chinese-80", devicesim.PrinterOptions{Model: "TM-T88V"}, ""},
		"Korean":                                   {"chinese-80", devicesim.PrinterOptions{Language: "KOREA C-5601C"}, "default"},
		"Chinese on one for Taiwan":                {"TM-T70II-CH-58mm", devicesim.PrinterOptions{}, "chinese-58"},
		"another model":                            {"TM-T20III", devicesim.PrinterOptions{Model: "TM-L90"}, "TM-L90"},
		"a successor":                              {"TM-T88V", devicesim.PrinterOptions{Model: "TM-T88VI"}, ""},
		"a variant":                                {"TM-T88IV-SA", latin, ""},
		"one for all":                              {"default", latin, ""},
		"a board for China":                        {"chinese-80", devicesim.PrinterOptions{}, ""},
		"a copy that knows no question":            {"chinese-80", clone, ""},
		"asked itself":                             {"auto", latin, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, asked := identified(t, c.o, onUSB{}, map[string]string{"profile": c.profile})
				if s.Mismatch.Fits != c.fits || c.fits != "" && s.Mismatch.Set != c.profile {
					t.Errorf("got %+v, want %q", s.Mismatch, c.fits)
				}
				if s.Err() != nil {
					t.Errorf("it prints no more: %v", s.Err())
				}
				if asked["\x1dIC"] != 1 || asked["\x1dIE"] != 1 {
					t.Errorf("asked %v", asked)
				}
			})
		})
	}
}

// Who knows no GS I prints as soon as who does, but where a fence confirms: there an answer of one byte would be taken for its.
func TestQuestionsDelayNoSlip(t *testing.T) {
	took := func(o devicesim.PrinterOptions, profile string) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now() // of the bubble
			identified(t, o, onUSB{}, map[string]string{"profile": profile})
			d = time.Since(began)
		})
		return d
	}
	clone := []string{"GS ( H"}
	for name, d := range map[string]time.Duration{
		"process ids": took(devicesim.PrinterOptions{Lacks: []string{"GS I"}}, "chinese-80") - took(devicesim.PrinterOptions{}, "chinese-80"),
		"a copy": took(devicesim.PrinterOptions{Lacks: append(clone, "GS I")}, "chinese-80") -
			took(devicesim.PrinterOptions{Lacks: clone}, "chinese-80"),
	} {
		if d != 0 {
			t.Errorf("%s: %s longer", name, d)
		}
	}
}

// What is told of a wrong profile stands in GET /v1/devices, among the events and in the log; printing goes on.
func TestAWrongProfileIsANoteOfTheDeviceWithItsRemedy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := porttest.NewBench()
		defer b.Close()
		b.Attach("/dev/receipts", devicesim.NewPrinter(devicesim.PrinterOptions{Model: "TM-T88IV", Language: devicesim.NoLanguage}))
		var log bytes.Buffer
		var told []drivers.DeviceStatus // owned by the device's goroutine until the Set is closed
		set, err := drivers.Open(t.Context(), []drivers.Config{{
			Name: "front", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.LP, Path: "/dev/receipts"},
		}}, drivers.World{
			Open: b.Open, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
			OnChange: func(s drivers.DeviceStatus) { told = append(told, s) },
		})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := set.Printer("front")
		for range 2 {
			time.Sleep(time.Minute)
			if _, err := p.Print(t.Context(), slip("PAID")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		now := set.Status()[0]
		set.Close()
		const note, remedy = `it is "TM-T88IV", and its profile is "chinese-80"`, `set options = { profile = "TM-T88IV" }`
		if !now.Online || !strings.Contains(now.Note, note) || !strings.HasPrefix(now.Remedy, remedy) {
			t.Errorf("it is %+v", now)
		}
		if last := told[len(told)-2]; last.Note != now.Note || last.Remedy != now.Remedy { // the very last: it is closed
			t.Errorf("told was %+v", told)
		}
		if n := strings.Count(log.String(), "its profile is"); n != 1 || !strings.Contains(log.String(), "set options") {
			t.Errorf("%d times in the log\n%s", n, &log)
		}
	})
}
