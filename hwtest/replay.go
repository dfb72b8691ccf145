package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/scanner"
	"posd/drivers/trace"
	"posd/hwtest/devicesim"
)

// replayCmd is the verb replay.
type replayCmd struct {
	File     string            `arg:"" help:"A trace, as hwtest record writes it."`
	Driver   string            `placeholder:"NAME" help:"Read it with this driver instead of the one that it names."`
	Option   map[string]string `placeholder:"NAME=VALUE" help:"An option of the driver, besides those that it names."`
	Tolerant bool              `help:"Take what the host writes in any order, and overhear what was not recorded."`
	Speed    float64           `placeholder:"FACTOR" help:"Play the pauses: 1 as recorded, 10 ten times as fast. Default: none."`
	Link     string            `placeholder:"PATH" help:"Be the device on a pseudo-terminal to which this link points, for posd or another program."`
	Listen   string            `placeholder:"ADDR" help:"Be the device on the network, 127.0.0.1:PORT, for posd or another program."`
}

// Help teaches by example.
func (replayCmd) Help() string {
	return `Plays the device's part of a trace: to the driver, whose results are printed and held against the trace's #Expect lines;
or with --link or --listen to any program. Strict: the host must write what was recorded, in that order.

Examples:

  hwtest replay drivers/scanner/testdata/ssi.trace
  hwtest replay --driver line --option suffix=cr hr32.trace
  hwtest replay --tolerant --speed 1 --link /tmp/scanner hr32.trace      # port = "/tmp/scanner"`
}

// Run plays the trace.
func (c *replayCmd) Run(ctx context.Context, g *globals) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	t, err := trace.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	p := trace.Player{Trace: t, Tolerant: c.Tolerant, Speed: c.Speed}
	switch {
	case c.Speed < 0:
		return errors.New("--speed: want 0 or more")
	case c.Link != "" && c.Listen != "":
		return errors.New("--link and --listen: choose one")
	case c.Link != "":
		return c.onLink(ctx, g, p)
	case c.Listen != "":
		return c.onNetwork(ctx, g, p)
	default:
		return c.toDriver(ctx, g, p)
	}
}

// toDriver prints what the driver makes of the trace.
func (c *replayCmd) toDriver(ctx context.Context, g *globals, p trace.Player) error {
	name := c.Driver
	if name == "" {
		name = p.Trace.Get(trace.Driver)
	}
	if name == "" {
		return errors.New("the trace names no driver: --driver NAME, or --link to play it to a program")
	}
	options := p.Trace.Options()
	if c.Driver != "" && c.Driver != p.Trace.Get(trace.Driver) {
		options = map[string]string{} // they are another driver's
	}
	maps.Copy(options, c.Option)
	open, err := played(name, options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit(p.Trace))
	defer cancel()
	conn, ended, err := p.Open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	next, do := open(conn)
	done := make(chan error, 1)
	go func() { done <- do(ctx, p.Trace.Get(trace.Do)) }()
	got, err := c.results(ctx, g, next)
	if !errors.Is(err, port.ErrUnplugged) {
		return fmt.Errorf("the driver and the trace do not come together: %w", err)
	}
	if err := errors.Join(<-ended, <-done); err != nil {
		return err
	}
	return asExpected(p.Trace.All(trace.Expect), got)
}

// limit is how long a play to a driver may take: a driver that does not write what the trace waits for would wait for ever.
func (c *replayCmd) limit(t *trace.Trace) time.Duration {
	const grace = 10 * time.Second
	if c.Speed == 0 || len(t.Steps) == 0 {
		return grace
	}
	return grace + time.Duration(float64(t.Steps[len(t.Steps)-1].At)/c.Speed)
}

// results prints what a driver reads until the trace ends.
func (c *replayCmd) results(ctx context.Context, g *globals, next func(context.Context) (string, error)) (got []string, err error) {
	for {
		line, err := next(ctx)
		if err != nil {
			return got, err
		}
		fmt.Fprintln(g.Out, line)
		got = append(got, line)
	}
}

// played finds the driver of a trace, of whatever kind. A printer is asked how it is, again and again.
func played(name string, options map[string]string) (source, error) {
	if _, ok := scanner.Lookup(name); ok {
		return sourceOf("scanner", name, options)
	}
	if _, ok := cardreader.Lookup(name); ok {
		return sourceOf("reader", name, options)
	}
	d, ok := printer.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("no driver %q", name)
	}
	s, err := port.Settle(d.Options, options)
	return func(c port.Conn) (func(context.Context) (string, error), func(context.Context, string) error) {
		return statuses(d.Open(c, s)), func(context.Context, string) error { return nil }
	}, err
}

// statuses gives what a printer says of itself.
func statuses(p printer.Printer) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		s, err := p.Status(ctx)
		if err != nil {
			return "", err
		}
		return s.Line(), nil
	}
}

// asExpected holds results against what the trace expects, if it says.
func asExpected(want, got []string) error {
	if len(want) == 0 || strings.Join(want, "\n") == strings.Join(got, "\n") {
		return nil
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Errorf("result %d is not what the trace expects: got %q, want %q", i+1, resultAt(got, i), resultAt(want, i))
		}
	}
	return nil
}

func resultAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

// onLink is the device on a pseudo-terminal, until ctx ends.
func (c *replayCmd) onLink(ctx context.Context, g *globals, p trace.Player) error {
	link, err := filepath.Abs(c.Link)
	if err != nil {
		return err
	}
	cable, err := devicesim.PlugIn(p, link)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, "ready", link)
	<-ctx.Done()
	return cable.Close()
}

// onNetwork is the device on the network: each connection hears the trace from its start.
func (c *replayCmd) onNetwork(ctx context.Context, g *globals, p trace.Player) error {
	ln, err := listenLocal(ctx, c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, "ready", "tcp://"+ln.Addr().String())
	return devicesim.ServeTCP(ctx, ln, hangUp{p})
}

// hangUp ends the line when its player does.
type hangUp struct{ player trace.Player }

func (h hangUp) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer line.Close()
	return h.player.Serve(ctx, line)
}
