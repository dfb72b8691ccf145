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

// statusLimit is how long a printer may take to say how it is.
const statusLimit = 5 * time.Second

// scannerRunner brings scans to the hub.
type scannerRunner struct {
	driver   scanner.Driver
	settings port.Settings

	mu   sync.Mutex
	open scanner.Source // guarded by mu; nil while offline
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
	src, err := careful(func() (scanner.Source, error) {
		src := r.driver.Open(c, r.settings)
		return src, usable(src)
	})
	if err != nil {
		return err
	}
	r.set(src)
	defer r.set(nil)
	d.online("")
	for {
		code, err := careful(func() (scanner.Code, error) { return src.Next(ctx) })
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

func (r *scannerRunner) set(src scanner.Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = src
}

func (r *scannerRunner) source() scanner.Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
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
	src, err := careful(func() (cardreader.Source, error) {
		src := r.driver.Open(c, r.settings)
		return src, usable(src)
	})
	if err != nil {
		return err
	}
	d.online("")
	for {
		card, err := careful(func() (*cardreader.Card, error) { return src.Next(ctx) })
		switch {
		case err == nil:
			card.Device = d.config.Name
			d.count(1, 0)
			if !d.world.Cards.Deliver(card) { // also of an attempt whose terminal is busy, so that no swipe is lost without a word
				d.refused(cardreader.ErrUnclaimed)
			}
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

var _ printer.Continuer = (*printerRunner)(nil)

func newPrinterRunner(c Config) (runner, error) {
	d, ok := printer.Lookup(c.Driver)
	if !ok {
		return nil, fmt.Errorf("%w %q for printers", errNoDriver, c.Driver)
	}
	s, err := port.Settle(d.Options, c.Options)
	return &printerRunner{driver: d, settings: s}, err
}

func (r *printerRunner) redaction() port.Redaction { return port.Answers }

// run follows how the printer is.
func (r *printerRunner) run(ctx context.Context, c port.Conn, d *device) error {
	p := r.driver.Open(c, r.settings)
	r.set(p, d)
	defer r.set(nil, d)
	watching, stop := context.WithCancelCause(ctx)
	var asking sync.WaitGroup
	asking.Go(func() { stop(askWhenWoken(watching, p, d)) })
	defer asking.Wait()
	defer stop(nil)
	err := printer.Watch(watching, p, func(s printer.Status) { tell(d, s) })
	if missed := context.Cause(watching); missed != nil && ctx.Err() == nil {
		return missed
	}
	return err
}

// askWhenWoken asks a printer how it is when something was plugged in, which may be this one before it was missed, and when a
// slip did not come out. It ends with ctx, or with the error of a printer that is gone.
func askWhenWoken(ctx context.Context, p printer.Printer, d *device) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.wake:
		}
		asking, cancel := context.WithTimeout(ctx, statusLimit)
		_, err := p.Status(asking)
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // the latter: somebody prints
			continue
		}
		d.wakeUp() // what has come may be this printer: it is opened at once
		return err
	}
}

// tell says what is the matter with a printer, the most urgent thing.
func tell(d *device, s printer.Status) {
	switch all := s.Conditions(); {
	case len(all) == 0:
		d.online("")
	case all[0].Stops:
		d.offline(trouble{why: all[0].Why, remedy: all[0].Remedy})
	default:
		d.note(all[0].Why, all[0].Remedy)
	}
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
	return r.PrintTry(ctx, doc, printer.Try{})
}

// PrintTry prints on the connected printer, or goes on there; without one it is ErrOffline.
func (r *printerRunner) PrintTry(ctx context.Context, doc printer.Document, t printer.Try) (printer.Result, error) {
	p, d := r.get()
	if p == nil {
		return printer.Result{}, fmt.Errorf("%w: not connected", printer.ErrOffline)
	}
	res, err := printer.PrintTry(ctx, p, doc, t)
	if err != nil {
		d.wakeUp()
		return res, err
	}
	d.count(1, 0)
	return res, nil
}

// Status asks the connected printer; without one the answer is that it is not online.
func (r *printerRunner) Status(ctx context.Context) (printer.Status, error) {
	p, _ := r.get()
	if p == nil {
		return printer.Status{}, nil
	}
	return p.Status(ctx)
}
