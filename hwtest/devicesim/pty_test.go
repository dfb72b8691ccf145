//go:build unix

package devicesim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"posd/drivers"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/scanner"
	"posd/hwtest/devicesim"
)

// counter is a store's counter: a printer, a scanner and a reader on PTYs.
type counter struct {
	printer *devicesim.Printer
	scanner *devicesim.Scanner
	reader  *devicesim.Reader
	cables  map[string]*devicesim.Cable
	scans   *scanner.Hub
	cards   *cardreader.Hub
	set     *drivers.Set
	changed chan drivers.DeviceStatus
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{
		printer: devicesim.NewPrinter(devicesim.PrinterOptions{}), scanner: devicesim.NewScanner(),
		reader: devicesim.NewReader(), cables: map[string]*devicesim.Cable{},
		scans: &scanner.Hub{}, cards: &cardreader.Hub{}, changed: make(chan drivers.DeviceStatus, 100),
	}
	dir := t.TempDir()
	var configs []drivers.Config
	for _, d := range []struct {
		kind   drivers.Kind
		driver string
		device devicesim.Device

		options map[string]string
	}{
		// Whether the printer has process ids is not asked: on a busy machine it may not answer in time.
		{drivers.Printer, "escpos", c.printer, map[string]string{"confirm": "process"}},
		{drivers.Scanner, "line", c.scanner, nil},
		{drivers.Reader, "magnetic", c.reader, nil},
	} {
		link := filepath.Join(dir, string(d.kind))
		cable, err := devicesim.PlugIn(d.device, link)
		if err != nil {
			t.Skip("no PTYs here:", err)
		}
		c.cables[string(d.kind)] = cable
		configs = append(configs, drivers.Config{
			Name: string(d.kind), Kind: d.kind, Driver: d.driver, Address: port.Address{Path: link, Baud: 115200}, Options: d.options,
		})
	}
	var err error
	c.set, err = drivers.Open(t.Context(), configs, drivers.World{
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Scans: c.scans, Cards: c.cards,
		OnChange: func(s drivers.DeviceStatus) { c.changed <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.set.Close()
		for _, cable := range c.cables {
			_ = cable.Close()
		}
	})
	c.await(t, true, "printer", "scanner", "reader")
	return c
}

// await waits until each of the named devices is online, or offline. What was told before may be over by now, so the set is
// asked.
func (c *counter) await(t *testing.T, online bool, names ...string) {
	t.Helper()
	otherwise := func(s drivers.DeviceStatus) bool { return s.Online != online && slices.Contains(names, s.Name) }
	for ctx := limit(t); slices.ContainsFunc(c.set.Status(), otherwise); {
		select {
		case <-c.changed:
		case <-ctx.Done():
			t.Fatalf("not online=%v: %v; %+v", online, names, c.set.Status())
		}
	}
}

// use scans, swipes and prints once.
func (c *counter) use(t *testing.T, n int) {
	t.Helper()
	ctx := limit(t)
	codes, got := make(chan scanner.Code, 1), make(chan *cardreader.Card, 1)
	go func() { code, _ := c.scans.Claim(ctx, nil); codes <- code }()
	go func() { card, _ := c.cards.Claim(ctx); got <- card }()
	for c.cards.Waiting() == 0 || c.scans.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.scanner.Emit("", fmt.Sprintf("28%014d", n)); err != nil {
		t.Fatal(err)
	}
	if code := <-codes; code.Data.Len() != 16 || code.Device != "scanner" {
		t.Fatalf("scan %d: %d bytes from %q", n, code.Data.Len(), code.Device)
	}
	if err := c.reader.Swipe(devicesim.TestCard("622848", n)); err != nil {
		t.Fatal(err)
	}
	if card := <-got; card == nil || !strings.HasPrefix(card.Masked(), "622848******") {
		t.Fatalf("swipe %d: %v", n, card)
	}
	r, err := c.print(limit(t), slip("已付款 PAID"))
	if err != nil || r.Confirmed != printer.ByProcessID {
		t.Fatalf("print %d: %+v, %v", n, r, err)
	}
}

// print prints, as the queue does: what was not printed since the printer did not answer in time is tried again.
func (c *counter) print(ctx context.Context, d printer.Document) (printer.Result, error) {
	p, _ := c.set.Printer("")
	var maybe *printer.UnconfirmedError
	for {
		r, err := p.Print(ctx, d)
		if err == nil || errors.As(err, &maybe) || ctx.Err() != nil {
			return r, err
		}
	}
}

func TestDevicesOnTerminalsSurviveUnplugAndReplug(t *testing.T) {
	c := openCounter(t)
	c.use(t, 1)
	for name, cable := range c.cables {
		if err := cable.Unplug(); err != nil {
			t.Fatal(err)
		}
		c.await(t, false, name)
		if err := cable.Replug(); err != nil {
			t.Fatal(err)
		}
		c.await(t, true, name)
	}
	c.use(t, 2)
	if n := len(c.printer.Slips()); n != 2 {
		t.Errorf("%d slips, want 2", n)
	}
	if bad := c.printer.Complaints(); len(bad) > 0 {
		t.Errorf("printer complains: %v", bad)
	}
}

func TestPaperOutShowsInTheStatus(t *testing.T) {
	c := openCounter(t)
	c.printer.SetPaper(false)
	told := drivers.DeviceStatus{}
	for ctx := limit(t); told.Why != "paper is out"; {
		select {
		case told = <-c.changed:
		case <-ctx.Done():
			t.Fatalf("the last that was told is %+v", told)
		}
	}
	if told.Online || told.Remedy == "" {
		t.Errorf("got %+v", told)
	}
	c.printer.SetPaper(true)
	c.await(t, true, "printer")
}

func TestAPrinterOnTheNetwork(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
	ended := make(chan error, 1)
	go func() { ended <- devicesim.ServeTCP(ctx, l, sim) }()
	for range 2 {
		c, err := port.Open(limit(t), port.Address{Kind: port.TCP, Path: l.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := driver(t, c, nil).Print(limit(t), slip("x")); err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
	cancel()
	if err := <-ended; err != nil || len(sim.Slips()) != 2 {
		t.Errorf("%v, %d slips", err, len(sim.Slips()))
	}
}
