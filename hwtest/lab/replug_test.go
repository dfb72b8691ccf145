//go:build lab && usb

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"posd/drivers"
	"posd/drivers/plug"
	"posd/drivers/port"
	"posd/drivers/scanner"
)

// pullOut unplugs while somebody waits for bytes. Not while a printer takes them: Linux 6.1's own gadget (f_printer) corrupts a
// list when it is unbound with its file open and requests under way, and stops the kernel.
func pullOut(ctx context.Context) error {
	for _, g := range []struct {
		gadget
		port   string
		socket int
	}{{serialScanner, serialPort, 1}, {hidScanner, hidPort, 2}, {receipts, printerPort, 0}, {keyboard, keyboardPort, 3}} {
		c, err := find(ctx, g.port)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		time.AfterFunc(100*time.Millisecond, func() { _ = g.unplug() })
		_, err = c.Next(ctx, bufio.ScanLines)
		_ = c.Close()
		if !errors.Is(err, port.ErrUnplugged) {
			return fmt.Errorf("%s: got %w, want ErrUnplugged", g.name, err)
		}
		if err := g.plug(g.socket); err != nil {
			return err
		}
	}
	return nil
}

// serialLine is a scanner on a serial port, and who plugs it in.
type serialLine struct {
	address      string
	times        int // how often it is pulled out and put back
	send         func(code string) error
	unplug, plug func() error
}

var gadgetLine = serialLine{
	address: serialPort, times: manyReplugs,
	send:   func(code string) error { return write("/dev/ttyGS0", code+"\r") },
	unplug: serialScanner.unplug,
	plug:   func() error { return serialScanner.plug(1) },
}

// comeBack keeps the old file open, as somebody else might, so that the kernel has to give another number.
func (l serialLine) comeBack(ctx context.Context) error {
	c, err := find(ctx, l.address)
	if err != nil {
		return err
	}
	before, err := nodeOf(l.address)
	if err != nil {
		return err
	}
	if err := errors.Join(l.unplug(), gone(ctx, l.address), l.plug()); err != nil {
		return err
	}
	again, err := find(ctx, l.address)
	_ = c.Close()
	if err != nil {
		return err
	}
	defer again.Close()
	after, err := nodeOf(l.address)
	say(noteMark + "was " + before + ", is " + after)
	if before == after {
		return fmt.Errorf("it has the same number, %s: nothing was shown", after)
	}
	return err
}

// gone waits until a device is no longer there.
func gone(ctx context.Context, address string) error {
	for ctx.Err() == nil {
		if _, err := nodeOf(address); errors.Is(err, plug.ErrNone) {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s is still there: %w", address, ctx.Err())
}

func nodeOf(address string) (string, error) {
	a, err := port.ParseAddress(address)
	if err != nil {
		return "", err
	}
	id, _ := a.Identity()
	_, n, err := plug.Resolve(plug.Live(), id)
	return n.Path, err
}

func twins(ctx context.Context) error {
	twin := serialScanner
	twin.name, twin.function = "twin", "acm.b"
	if err := errors.Join(hidScanner.unplug(), twin.build(), twin.plug(2)); err != nil {
		return err
	}
	for ctx.Err() == nil {
		_, err := nodeOf(serialPort)
		if errors.Is(err, plug.ErrSeveral) {
			say(noteMark + err.Error())
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// manyReplugs is how often a scanner is pulled out and put back.
const manyReplugs = 20

// counterTop is a shop's scanner as posd keeps it open, and what it told of.
type counterTop struct {
	set    *drivers.Set
	scans  chan string
	online chan bool
	told   atomic.Int64 // when the kernel last told of a serial port, in ns of Unix time
}

func openCounter(ctx context.Context, address string) (*counterTop, error) {
	c := &counterTop{scans: make(chan string, 100), online: make(chan bool, 100)}
	a, err := port.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	c.set, err = drivers.Open(ctx, []drivers.Config{{Name: "front", Kind: drivers.Scanner, Driver: "line", Address: a}}, drivers.World{
		Watch: c.watch, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Scans: &scanner.Hub{
			Sensitive: func([]byte) bool { return false },
			OnScan:    func(s scanner.Scan) { c.scans <- s.Data },
		},
		OnChange: func(s drivers.DeviceStatus) { c.online <- s.Online },
	})
	return c, err
}

// watch notes when the kernel tells of a serial port.
func (c *counterTop) watch(ctx context.Context, tell func(plug.Event)) error {
	return plug.Watch(ctx, func(e plug.Event) {
		if e.Subsystem == "tty" && e.Action == "add" {
			c.told.Store(time.Now().UnixNano())
		}
		tell(e)
	})
}

// until waits for the device to be online, or offline.
func (c *counterTop) until(ctx context.Context, online bool) error {
	for {
		select {
		case is := <-c.online:
			if is == online {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for online %v: %w: %+v", online, ctx.Err(), c.set.Status())
		}
	}
}

func (l serialLine) replugs(ctx context.Context) error {
	c, err := openCounter(ctx, l.address)
	if err != nil {
		return err
	}
	defer c.set.Close()
	var took, sinceTold []time.Duration
	for i := range l.times {
		if err := c.until(ctx, true); err != nil {
			return err
		}
		code := fmt.Sprintf("69012345678%02d", i)
		if err := l.send(code); err != nil {
			return err
		}
		select {
		case got := <-c.scans:
			if got != code {
				return fmt.Errorf("replug %d: got %q, want %q", i, got, code)
			}
		case <-ctx.Done():
			return fmt.Errorf("replug %d: no scan: %w", i, ctx.Err())
		}
		if err := l.unplug(); err != nil {
			return err
		}
		if err := c.until(ctx, false); err != nil {
			return err
		}
		start := time.Now()
		if err := l.plug(); err != nil {
			return err
		}
		if err := c.until(ctx, true); err != nil {
			return err
		}
		took, sinceTold = append(took, time.Since(start)), append(sinceTold, time.Since(time.Unix(0, c.told.Load())))
		c.online <- true
	}
	sayTimes("ready after the plug", took)
	sayTimes("ready after the kernel told", sinceTold)
	if len(c.scans) > 0 {
		return fmt.Errorf("%d scans too many", len(c.scans))
	}
	return nil
}

// costs tells what finding and opening a device take when it is there.
func costs(ctx context.Context) error {
	var looks, opens []time.Duration
	for range manyReplugs {
		start := time.Now()
		_ = plug.LiveFor(plug.ID{Vendor: 0x1eab})
		looks = append(looks, time.Since(start))
		start = time.Now()
		c, err := find(ctx, serialPort)
		if err != nil {
			return err
		}
		opens = append(opens, time.Since(start))
		_ = c.Close()
	}
	sayTimes("a look for a device", looks)
	sayTimes("a look and an open", opens)
	return nil
}

func sayTimes(what string, took []time.Duration) {
	slices.Sort(took)
	say(fmt.Sprintf("%s%s: median %d ms, longest %d ms of %d", noteMark, what, took[len(took)/2].Milliseconds(),
		took[len(took)-1].Milliseconds(), len(took)))
}
