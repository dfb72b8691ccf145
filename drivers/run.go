package drivers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/scanner"
)

// How often an idle printer is asked how it is, and how long that may take.
const (
	statusEvery = 2 * time.Second
	statusLimit = 5 * time.Second
)

// scannerRunner brings scans to the hub.
type scannerRunner struct {
	driver   scanner.Driver
	settings port.Settings
}

func newScannerRunner(c Config) (runner, error) {
	d, ok := scanner.Lookup(c.Driver)
	if !ok {
		return nil, fmt.Errorf("%w %q for scanners", errNoDriver, c.Driver)
	}
	s, err := port.Settle(d.Options, c.Options)
	return &scannerRunner{driver: d, settings: s}, err
}

func (r *scannerRunner) redaction() port.Redaction { return port.Lengths }

func (r *scannerRunner) run(ctx context.Context, c port.Conn, d *device) error {
	src := r.driver.Open(c, r.settings)
	d.online("")
	for {
		code, err := src.Next(ctx)
		switch {
		case err == nil:
			code.Device = d.config.Name
			d.count(1, 0)
			d.world.Scans.Deliver(code)
		case errors.Is(err, scanner.ErrRefused):
			d.refused(err)
		case !errors.Is(err, scanner.ErrRepeated):
			return err
		}
	}
}

// readerRunner brings cards to the hub.
type readerRunner struct {
	driver   cardreader.Driver
	settings port.Settings
}

func newReaderRunner(c Config) (runner, error) {
	d, ok := cardreader.Lookup(c.Driver)
	if !ok {
		return nil, fmt.Errorf("%w %q for readers", errNoDriver, c.Driver)
	}
	s, err := port.Settle(d.Options, c.Options)
	return &readerRunner{driver: d, settings: s}, err
}

func (r *readerRunner) redaction() port.Redaction { return port.Lengths }

func (r *readerRunner) run(ctx context.Context, c port.Conn, d *device) error {
	src := r.driver.Open(c, r.settings)
	d.online("")
	for {
		card, err := src.Next(ctx)
		switch {
		case err == nil:
			card.Device = d.config.Name
			d.count(1, 0)
			d.world.Cards.Deliver(card)
		case errors.Is(err, cardreader.ErrUnreadable), errors.Is(err, cardreader.ErrNotPayment):
			d.refused(err)
		default:
			return err
		}
	}
}

// printerRunner is the printer that others hold: the open one while there is a connection.
type printerRunner struct {
	driver   printer.Driver
	settings port.Settings

	mu   sync.Mutex
	open printer.Printer // guarded by mu; nil while offline
	used *device         // guarded by mu; whose slips to count
}

var _ printer.Printer = (*printerRunner)(nil)

func newPrinterRunner(c Config) (runner, error) {
	d, ok := printer.Lookup(c.Driver)
	if !ok {
		return nil, fmt.Errorf("%w %q for printers", errNoDriver, c.Driver)
	}
	s, err := port.Settle(d.Options, c.Options)
	return &printerRunner{driver: d, settings: s}, err
}

func (r *printerRunner) redaction() port.Redaction { return port.Content }

// run asks how the printer is, again and again: an unplugged one shows in no other way while nothing is printed.
func (r *printerRunner) run(ctx context.Context, c port.Conn, d *device) error {
	p := r.driver.Open(c, r.settings)
	r.set(p, d)
	defer r.set(nil, d)
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, statusLimit)
		s, err := p.Status(asking)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded): // somebody prints, and nothing was heard yet
		case err != nil:
			return err
		case s.Err() != nil:
			d.offline(explain(d.config, faultOf(s)))
		case s.PaperLow:
			d.online("paper is low")
		default:
			d.online("")
		}
		pause(ctx, statusEvery)
	}
	return ctx.Err()
}

// faultOf is the error of a status with its detail.
func faultOf(s printer.Status) error {
	if err := s.Err(); !errors.Is(err, printer.ErrFault) {
		return err
	}
	return fmt.Errorf("%w: %s", printer.ErrFault, s.Fault)
}

func (r *printerRunner) set(p printer.Printer, d *device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open, r.used = p, d
}

func (r *printerRunner) get() (printer.Printer, *device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open, r.used
}

// Print prints on the connected printer; without one it is ErrOffline.
func (r *printerRunner) Print(ctx context.Context, doc printer.Document) (printer.Result, error) {
	p, d := r.get()
	if p == nil {
		return printer.Result{}, fmt.Errorf("%w: not connected", printer.ErrOffline)
	}
	res, err := p.Print(ctx, doc)
	if err == nil {
		d.count(1, 0)
	}
	return res, err
}

// Status asks the connected printer; without one the answer is that it is not online.
func (r *printerRunner) Status(ctx context.Context) (printer.Status, error) {
	p, _ := r.get()
	if p == nil {
		return printer.Status{}, nil
	}
	return p.Status(ctx)
}
