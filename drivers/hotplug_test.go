package drivers_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
	"posd/drivers/plug"
	"posd/drivers/plug/plugtest"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// kernel is events that a test sends.
type kernel struct {
	events chan plug.Event
	fails  error
}

func (k *kernel) Watch(ctx context.Context, tell func(plug.Event)) error {
	if k.fails != nil {
		return k.fails
	}
	for {
		select {
		case e := <-k.events:
			tell(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func watched(t *testing.T, b *porttest.Bench, d *diary, k *kernel, c ...drivers.Config) *drivers.Set {
	t.Helper()
	w := d.world(b)
	w.Watch = k.Watch
	s, err := drivers.Open(t.Context(), c, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); b.Close() })
	return s
}

var ttyCame = plug.Event{Action: "add", Subsystem: "tty", Path: "/devices/x", Node: "/dev/ttyACM0"}

func TestADeviceIsReadyAsSoonAsTheKernelTellsOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, k := porttest.NewBench(), &diary{}, &kernel{events: make(chan plug.Event)}
		b.Attach("/dev/front", talker("hello\r"))
		s := watched(t, b, d, k, front("/dev/front"))
		b.Unplug("/dev/front")
		time.Sleep(time.Hour + 777*time.Millisecond)
		for range 50 {
			b.Plug("/dev/front")
			before := time.Now()
			k.events <- ttyCame
			synctest.Wait()
			if took := time.Since(before); !s.Status()[0].Online || took != 0 {
				t.Fatalf("online %v after %v", s.Status()[0].Online, took)
			}
			b.Unplug("/dev/front")
			time.Sleep(time.Minute)
		}
	})
}

// wellPrinter answers every question for its status: all is well.
type wellPrinter struct{ asked, lines atomic.Int64 }

func (w *wellPrinter) Serve(_ context.Context, line io.ReadWriteCloser) error {
	defer line.Close()
	w.lines.Add(1)
	for in := bufio.NewReader(line); ; {
		b, err := in.ReadByte()
		if err != nil {
			return err
		}
		if b != 0x10 { // DLE EOT n
			continue
		}
		if _, err := in.Discard(2); err != nil {
			return err
		}
		w.asked.Add(1)
		if _, err := line.Write([]byte{0x12}); err != nil {
			return err
		}
	}
}

func TestAPrinterThatIsPluggedInAgainBeforeItWasMissedIsReadyAsSoonAsTheKernelTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, k, p := porttest.NewBench(), &diary{}, &kernel{events: make(chan plug.Event)}, &wellPrinter{}
		b.Attach("/dev/usb/lp0", p)
		s := watched(t, b, d, k, drivers.Config{
			Name: "slips", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.LP, Path: "/dev/usb/lp0"},
		})
		for range 50 {
			time.Sleep(time.Minute + 777*time.Millisecond)
			b.Unplug("/dev/usb/lp0")
			lines, asked := p.lines.Load(), p.asked.Load()
			b.Plug("/dev/usb/lp0")
			k.events <- plug.Event{Action: "add", Subsystem: "usbmisc", Path: "/devices/x", Node: "/dev/usb/lp0"}
			synctest.Wait()
			opened := p.lines.Load() == lines+1 // at once; what it says from before is listened to for a moment
			time.Sleep(time.Second)
			synctest.Wait()
			if !opened || p.asked.Load() == asked || !s.Status()[0].Online {
				t.Fatalf("%d lines more, %d questions, %+v", p.lines.Load()-lines, p.asked.Load()-asked, s.Status()[0])
			}
		}
	})
}

func TestPermissionsThatComeAfterTheEventAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, k := porttest.NewBench(), &diary{}, &kernel{events: make(chan plug.Event)}
		b.Attach("/dev/front", talker(""))
		b.Refuse("/dev/front", port.ErrPermission) // the kernel made the file, udev has not been there yet
		s := watched(t, b, d, k, front("/dev/front"))
		time.Sleep(time.Hour)
		k.events <- ttyCame
		synctest.Wait()
		b.Refuse("/dev/front", nil)
		time.Sleep(999 * time.Millisecond)
		if !s.Status()[0].Online {
			t.Error("not ready within a second")
		}
	})
}

func TestWithoutEventsADeviceIsFoundBySlowPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, k := porttest.NewBench(), &diary{}, &kernel{fails: errors.New("no netlink here")}
		b.Attach("/dev/front", talker(""))
		b.Unplug("/dev/front")
		s := watched(t, b, d, k, front("/dev/front"))
		time.Sleep(time.Hour)
		b.Plug("/dev/front")
		time.Sleep(2100 * time.Millisecond)
		if !s.Status()[0].Online {
			t.Error("not ready after 2 s")
		}
	})
}

func TestEventsOfOtherDevicesDoNotHurryATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, k := porttest.NewBench(), &diary{}, &kernel{events: make(chan plug.Event)}
		var tries atomic.Int64
		w := d.world(b)
		w.Watch = k.Watch
		w.Open = func(context.Context, port.Address) (port.Conn, error) {
			tries.Add(1)
			return nil, port.ErrMissing
		}
		c := front("10.0.0.9:9100")
		c.Address.Kind = port.TCP
		s, err := drivers.Open(t.Context(), []drivers.Config{c}, w)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		time.Sleep(time.Minute)
		before := tries.Load()
		for range 100 {
			k.events <- ttyCame
		}
		synctest.Wait()
		if now := tries.Load(); now != before {
			t.Errorf("%d tries after events that are none of its", now-before)
		}
	})
}

func TestADeviceThatIsNamedByWhatItIsSaysWhatIsThereInstead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		c := front("1eab:0106:NL0042")
		c.Address.Kind = port.USB
		w := d.world(b)
		w.Open = func(_ context.Context, a port.Address) (port.Conn, error) {
			root, err := plugtest.Tree(strings.ReplaceAll(plugtest.Counter, "idProduct = 0106", "idProduct = 0103"))
			if err != nil {
				t.Error(err)
			}
			id, _ := a.Identity()
			_, _, err = plug.Resolve(plug.Scan(root), id)
			return nil, err
		}
		s, err := drivers.Open(t.Context(), []drivers.Config{c}, w)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		synctest.Wait()
		got := s.Status()[0]
		if !strings.Contains(got.Why, "keyboard mode (1eab:0103)") || !strings.Contains(got.Remedy, "HID-POS") {
			t.Errorf("got %q, %q", got.Why, got.Remedy)
		}
	})
}

func TestANumberedPathIsRefusedWithTheNameThatLasts(t *testing.T) {
	root, err := plugtest.Tree(plugtest.Counter)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/dev/ttyACM0":                         `want port = "/dev/serial/by-id/usb-Newland_HR22_NL0042-if00"`,
		"/dev/ttyUSB0":                         `want port = "serial://0403:6001:A10KDXYZ"`,
		"/dev/usb/lp0":                         `want port = "lp://04b8:0202:J5HG012345"`,
		"/dev/ttyUSB7":                         "hwtest list --toml",
		"/dev/ttyS0":                           "",
		"/dev/serial/by-id/usb-Newland_HR22_x": "",
		"COM3":                                 "",
		"tcp://10.0.0.9:9100":                  "",
		"usb:04b8:0202":                        "",
	} {
		a, err := port.ParseAddress(path)
		if err != nil {
			t.Fatal(err)
		}
		what, remedy := drivers.Unstable(root, a)
		if (what == "") != (want == "") || !strings.Contains(remedy, want) {
			t.Errorf("%s: got %q, %q", path, what, remedy)
		}
	}
}
