// Package drivers keeps the store's devices open and says how they are.
//
// Each configured device has one goroutine that opens it, runs it, and opens it again after a failure, wherever it is by
// then: the system tells when something is plugged in, and a device is back in use within a second of that.
package drivers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/scanner"
)

// Kind is what a device is for.
type Kind string

// The kinds of device.
const (
	Printer Kind = "printer"
	Scanner Kind = "scanner"
	Reader  Kind = "reader"
)

// Config is one device as configured.
type Config struct {
	Name    string // chosen by the shop, unique
	Kind    Kind
	Driver  string
	Address port.Address
	Options map[string]string // of the driver
}

// World is what devices are opened with, and whom they tell.
type World struct {
	Open  port.Opener      // nil for the real one
	Watch Watcher          // tells when something is plugged in; nil for never, then devices are looked for
	Now   func() time.Time // wall time, for people
	Log   *slog.Logger
	Scans *scanner.Hub    // gets every scan; required when there is a scanner
	Cards *cardreader.Hub // gets every card; required when there is a reader

	// OnChange is told when a device goes online, goes offline, or has another reason to be so. It must return at once
	// and must not call the Set. May be nil.
	OnChange func(DeviceStatus)
	// OnRefused is told of a swipe or a scan that was no use, without its content, so that a cashier may hear "swipe
	// again". It must return at once. May be nil.
	OnRefused func(device string, err error)
	// Trace gives the sink for a device's traffic, nil for none. Readers and scanners are traced by lengths only,
	// printers by what they answer.
	Trace func(device string) func(line string)
}

// DeviceStatus is how a device is.
type DeviceStatus struct {
	Name    string
	Kind    Kind
	Driver  string
	Address string
	Online  bool      // usable now
	Since   time.Time // of Online's last change
	Why     string    // offline: one sentence
	Remedy  string    // what to do when it is offline, or about the note
	Note    string    // online: what somebody should soon look at ("paper is low")
	Good    int       // slips, scans or cards
	Refused int       // swipes and scans that were no use
}

// Set is the open devices. Its methods may be called by many goroutines.
type Set struct {
	devices []*device
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Check finds every mistake in the configuration of devices, without opening any.
func Check(configs []Config) error {
	var errs []error
	names := map[string]bool{}
	for _, c := range configs {
		if names[c.Name] || c.Name == "" {
			errs = append(errs, fmt.Errorf("device %q: its name is empty or used twice", c.Name))
		}
		names[c.Name] = true
		if _, err := newRunner(c); err != nil {
			errs = append(errs, fmt.Errorf("device %q: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Open starts to keep the devices open and returns at once; a device that is not there is no error. It fails only on a
// mistake in the configuration. Close ends it; so does ctx.
func Open(ctx context.Context, configs []Config, w World) (*Set, error) {
	if err := Check(configs); err != nil {
		return nil, err
	}
	if w.Open == nil {
		w.Open = port.Open
	}
	ctx, stop := context.WithCancel(ctx)
	s := &Set{stop: stop}
	for _, c := range configs {
		d, err := newDevice(c, w)
		if err != nil {
			stop()
			return nil, err
		}
		s.devices = append(s.devices, d)
	}
	for _, d := range s.devices {
		s.running.Go(func() { d.keepOpen(ctx) })
	}
	if w.Watch != nil {
		s.running.Go(func() { s.follow(ctx, w) })
	}
	return s, nil
}

// Status says how each device is, in the order of the configuration.
func (s *Set) Status() []DeviceStatus {
	all := make([]DeviceStatus, 0, len(s.devices))
	for _, d := range s.devices {
		all = append(all, d.snapshot())
	}
	return all
}

// Printer finds a printer by name; "" means the first one. It may be used for as long as the Set is open, online or not.
func (s *Set) Printer(name string) (printer.Printer, bool) {
	for _, d := range s.devices {
		if h, ok := d.runner.(*printerRunner); ok && (name == "" || name == d.config.Name) {
			return h, true
		}
	}
	return nil, false
}

// Close closes all devices and waits for their goroutines.
func (s *Set) Close() {
	s.stop()
	s.running.Wait()
}
