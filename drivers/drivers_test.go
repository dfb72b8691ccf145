package drivers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/drivers/scanner"
)

// talker is a device that says one thing whenever somebody opens it.
type talker string

func (s talker) Serve(_ context.Context, line io.ReadWriteCloser) error {
	_, _ = line.Write([]byte(s))
	_, err := io.Copy(io.Discard, line)
	return err
}

// diary notes what a Set tells.
type diary struct {
	mu    sync.Mutex
	lines []string
	scans []string
}

func (d *diary) world(b *porttest.Bench) drivers.World {
	return drivers.World{
		Open: b.Open, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Scans: &scanner.Hub{
			Sensitive: func([]byte) bool { return false },
			OnScan:    func(s scanner.Scan) { d.note(&d.scans, s.Device+" "+s.Data) },
		},
		OnChange: func(s drivers.DeviceStatus) {
			d.note(&d.lines, fmt.Sprintf("%s %v %s", s.Name, s.Online, s.Why))
		},
		OnRefused: func(device string, err error) { d.note(&d.lines, device+" refused: "+err.Error()) },
	}
}

func (d *diary) note(to *[]string, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*to = append(*to, line)
}

// scanned is all scans so far.
func (d *diary) scanned() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.scans)
}

func (d *diary) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := strings.Join(d.lines, "; ")
	d.lines = nil
	return s
}

func front(path string) drivers.Config {
	return drivers.Config{
		Name: "front", Kind: drivers.Scanner, Driver: "line",
		Address: port.Address{Kind: port.Serial, Path: path},
	}
}

func start(t *testing.T, b *porttest.Bench, d *diary, c ...drivers.Config) *drivers.Set {
	t.Helper()
	s, err := drivers.Open(t.Context(), c, d.world(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); b.Close() })
	return s
}

func TestADeviceIsBackSoonAfterItWasPluggedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", talker("hello\r"))
		s := start(t, b, d, front("/dev/front"))
		synctest.Wait()
		if got := d.take(); got != "front true " {
			t.Fatalf("at the start: %s", got)
		}
		for range 3 {
			b.Unplug("/dev/front")
			time.Sleep(time.Minute)
			if got := d.take(); got != "front false the device is gone: unplugged or switched off; front false nothing is plugged in at /dev/front" {
				t.Errorf("unplugged: %s", got)
			}
			b.Plug("/dev/front")
			time.Sleep(5100 * time.Millisecond)
			if got := d.take(); got != "front true " {
				t.Errorf("5 s after the plug: %s", got)
			}
		}
		if got := s.Status()[0]; !got.Online || got.Good != 4 || len(d.scanned()) != 4 {
			t.Errorf("got %+v, scans %q", got, d.scanned())
		}
	})
}

func TestASwipeThatNobodyWaitsForIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/reader", talker(";6212340000000000=30122010000?\r\n"))
		w := d.world(b)
		w.Cards = &cardreader.Hub{}
		s, err := drivers.Open(t.Context(), []drivers.Config{{
			Name: "reader", Kind: drivers.Reader, Driver: "magnetic", Address: port.Address{Kind: port.Serial, Path: "/dev/reader"},
			Options: map[string]string{"luhn": "no"},
		}}, w)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got, want := d.take(), "reader true ; reader refused: no payment waits for a card: swipe when one does"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		s.Close()
		b.Close()
	})
}

func TestADeviceSaysWhyItIsOfflineAndWhatToDo(t *testing.T) {
	cases := map[string]struct {
		err         error
		why, remedy string
	}{
		"missing":    {port.ErrMissing, "nothing is plugged in", "plug the device in"},
		"busy":       {fmt.Errorf("%w by getty (pid 7)", port.ErrBusy), "by getty (pid 7)", "end the other program"},
		"permission": {port.ErrPermission, "no permission", "posd"},
		"not built":  {port.ErrNotBuilt, "not in this build", "use a build"},
		"strange":    {errors.New("input/output error"), "input/output error", "check port and settings"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, d := porttest.NewBench(), &diary{}
				b.Attach("/dev/front", talker(""))
				b.Refuse("/dev/front", c.err)
				s := start(t, b, d, front("/dev/front"))
				time.Sleep(time.Hour)
				got := s.Status()[0]
				if got.Online || !strings.Contains(got.Why, c.why) || !strings.Contains(got.Remedy, c.remedy) {
					t.Errorf("got %q, %q", got.Why, got.Remedy)
				}
				if n := strings.Count(d.take(), "front false"); n != 1 {
					t.Errorf("told %d times in an hour, want once", n)
				}
				b.Refuse("/dev/front", nil)
				time.Sleep(6 * time.Second)
				if !s.Status()[0].Online {
					t.Error("not online after the hindrance has gone")
				}
			})
		})
	}
}

func TestABadScanIsToldAndTheNextIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", talker("se\x01cret\rgood\r"))
		s := start(t, b, d, front("/dev/front"))
		synctest.Wait()
		got := d.take()
		if !strings.Contains(got, "front refused") || strings.Contains(got, "cret") || len(d.scanned()) != 1 {
			t.Errorf("told %q, scans %q", got, d.scanned())
		}
		if st := s.Status()[0]; st.Good != 1 || st.Refused != 1 {
			t.Errorf("counted %+v", st)
		}
	})
}

func TestAPrinterThatIsNotThereIsOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		s := start(t, b, d, drivers.Config{
			Name: "slips", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.TCP, Path: "10.0.0.9:9100"},
		})
		p, ok := s.Printer("")
		if _, missing := s.Printer("other"); !ok || missing {
			t.Fatal("printers are found wrongly")
		}
		if _, err := p.Print(t.Context(), printer.Document{}); !errors.Is(err, printer.ErrOffline) {
			t.Errorf("got %v", err)
		}
		if st, err := p.Status(t.Context()); err != nil || st.Online {
			t.Errorf("got %+v, %v", st, err)
		}
	})
}

func TestAllMistakesInTheConfigurationAreFoundAtOnce(t *testing.T) {
	err := drivers.Check([]drivers.Config{
		{Name: "a", Kind: "scale", Driver: "x"},
		{Name: "a", Kind: drivers.Printer, Driver: "laser"},
		{Name: "b", Kind: drivers.Scanner, Driver: "line", Options: map[string]string{"suffix": "star"}},
		{Name: "c", Kind: drivers.Reader, Driver: "magnetic", Options: map[string]string{"lcr": "yes"}},
	})
	for _, want := range []string{`"scale"`, "used twice", `"laser"`, "suffix", "lcr"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word on %s: %v", want, err)
		}
	}
}

func TestTrafficOfScannersIsTracedWithoutContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", talker("6901234567892\r"))
		w := d.world(b)
		var trace []string
		w.Trace = func(string) func(string) { return func(l string) { trace = append(trace, l) } }
		s, err := drivers.Open(t.Context(), []drivers.Config{front("/dev/front")}, w)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Close()
		b.Close()
		if got := strings.Join(trace, "\n"); got != "+0 < (13 bytes)" {
			t.Errorf("got %q", got)
		}
	})
}

// obedient is a Newland scanner that acknowledges a trigger and then sends a code.
type obedient struct{}

func (obedient) Serve(_ context.Context, line io.ReadWriteCloser) error {
	got := make([]byte, len("~\x010000#SCNTRG1;\x03"))
	for {
		if _, err := io.ReadFull(line, got); err != nil {
			return err
		}
		_, _ = line.Write([]byte("\x02\x010000#SCNTRG1\x06;\x03690\r"))
	}
}

func TestAScannerIsToldToLookForACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", obedient{})
		b.Attach("/dev/back", talker(""))
		c, plain := front("/dev/front"), front("/dev/back")
		c.Driver, plain.Name = "newland", "back"
		s := start(t, b, d, c, plain)
		synctest.Wait()
		for range 2 {
			if err := s.Command(t.Context(), "", scanner.Trigger); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if got := strings.Join(d.scanned(), "; "); got != "front 690; front 690" {
			t.Errorf("scans %s", got)
		}
		b.Unplug("/dev/front")
		time.Sleep(time.Second)
		for name, want := range map[string]error{
			"front": drivers.ErrNotOnline, "back": drivers.ErrNoCommands, "side": drivers.ErrNoDevice,
		} {
			if err := s.Command(t.Context(), name, scanner.Trigger); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
	})
}

func TestADriverOnTheWrongKindOfPortNeverWasOnline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", talker(""))
		c := front("/dev/front")
		c.Driver = "hidpos"
		s := start(t, b, d, c)
		time.Sleep(time.Minute)
		if got := d.take(); strings.Contains(got, "true") || !strings.Contains(got, "needs a HID port") {
			t.Errorf("told %s", got)
		}
		if st := s.Status()[0]; st.Online || !strings.Contains(st.Why, "hid:///dev/hidraw0") {
			t.Errorf("got %+v", st)
		}
	})
}

func TestAWordThatIsNoCommandIsToldFromAScannerThatIsNotThere(t *testing.T) {
	set, err := drivers.Open(t.Context(), nil, drivers.World{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	for command, want := range map[string]error{"dance": drivers.ErrNoCommand, "none": drivers.ErrNoCommand, "": drivers.ErrNoCommand, "beep": drivers.ErrNoDevice} {
		if err := set.Tell(t.Context(), "", command); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", command, err, want)
		}
	}
}
