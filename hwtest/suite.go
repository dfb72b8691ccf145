package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/hwtest/suite"
)

// suiteCmd is the verb suite.
type suiteCmd struct {
	Printer suitePrinterCmd `cmd:"" help:"Numbered checks of a receipt printer, with a report."`
}

// suitePrinterCmd is the verb suite printer.
type suitePrinterCmd struct {
	Port   string            `arg:"" help:"The printer, as port in posd.toml: a path, COM name, usb:VID:PID, tcp://host:9100."`
	Report string            `placeholder:"DIR" help:"Write report.html and junit.xml into this folder, which is made if it is not there."`
	Ask    bool              `help:"A person is there: ask what is on paper, and have covers opened, paper taken out and the cable pulled."`
	Only   []int             `placeholder:"N" help:"Only these checks, and what they need."`
	Device string            `placeholder:"TEXT" help:"Which printer it is, for the report: maker, model, firmware, how it is connected."`
	Option map[string]string `placeholder:"NAME=VALUE" help:"An option of posd's driver, as in posd.toml: profile, columns, cut. May be given several times."`
	Baud   int               `default:"9600" help:"Of a serial line. Default: 9600."`
}

// Help teaches by example.
func (suitePrinterCmd) Help() string {
	var names strings.Builder
	for i, name := range suite.Names() {
		fmt.Fprintf(&names, "\n%4d  %s", i+1, name.EN)
	}
	return `Holds a printer against what posd needs of it. For makers, before they call a printer fit, and for technicians who
doubt one. It prints about half a metre of paper. Each check has a number, which stays, and ends as

  ok        it was shown
  failed    with what was found, and what to do
  skipped   another check that it needs is not ok, the model has no such thing, or it needs a person (--ask)

Nobody need look at the paper: a question that is hidden in a command's data is answered only by a printer that does not
know the command, and a picture that lacks a byte swallows the next question. With --ask a person says besides what the
paper looks like, and works cover, paper and cable.

The report is one HTML file in English and Chinese, with pictures of what should be on paper, and JUnit XML for CI.
Exit code: 0 nothing failed, 1 something failed, it was interrupted, or the printer could not be reached, 2 wrong usage.

Examples:

  hwtest suite printer /dev/usb/lp0 --report out --device "maker X80, firmware 1.4, USB"
  hwtest suite printer COM3 --baud 115200 --option profile=chinese-58 --report out
  hwtest suite printer tcp://192.168.1.50:9100 --ask --report out
  hwtest suite printer /dev/usb/lp0 --only 7,19        # lost bytes and flow control
  hwtest sim printer --link /tmp/printer --clone --loses 3000     # a bad one to try it on

The checks:
` + names.String()
}

// Run checks the printer.
func (c *suitePrinterCmd) Run(ctx context.Context, g *globals) error {
	a, err := port.ParseAddress(c.Port)
	if err != nil {
		return err
	}
	a.Baud = c.Baud
	o, err := c.options(g, a, port.Open)
	if err != nil {
		return err
	}
	if c.Report != "" {
		if err := os.MkdirAll(c.Report, 0o755); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	return c.check(ctx, g, o)
}

func (c *suitePrinterCmd) options(g *globals, a port.Address, open port.Opener) (suite.Options, error) {
	for _, n := range c.Only {
		if most := len(suite.Names()); n < 1 || n > most {
			return suite.Options{}, fmt.Errorf("--only %d: the checks are 1 to %d", n, most)
		}
	}
	d, _ := printer.Lookup("escpos")
	settings, err := port.Settle(d.Options, c.Option)
	if err != nil {
		return suite.Options{}, fmt.Errorf("--option: %w", err)
	}
	o := suite.Options{
		Open:     func(ctx context.Context) (port.Conn, error) { return open(ctx, a) },
		Settings: settings, Only: c.Only, Now: time.Now,
		Tell: func(r suite.Result) { tellResult(g.Out, r) },
	}
	if a.Kind == port.Serial {
		o.Baud = a.Baud
	}
	if c.Ask {
		person := newPerson(g)
		o.Ask, o.Please = person.ask, person.please
	}
	return o, nil
}

// check runs the checks and writes the report.
func (c *suitePrinterCmd) check(ctx context.Context, g *globals, o suite.Options) error {
	s, ended := suite.Run(ctx, o)
	if err := c.write(s); err != nil {
		return err
	}
	if ended != nil {
		return errors.New("interrupted" + c.where())
	}
	if n := s.Failed(); n > 0 {
		return fmt.Errorf("%d of %d checks failed%s", n, len(s.Results), c.where())
	}
	fmt.Fprintf(g.Out, "nothing failed of %d checks%s\n", len(s.Results), c.where())
	return nil
}

func (c *suitePrinterCmd) where() string {
	if c.Report == "" {
		return ""
	}
	return "; see " + filepath.Join(c.Report, "report.html")
}

// write writes both reports.
func (c *suitePrinterCmd) write(s suite.Suite) error {
	if c.Report == "" {
		return nil
	}
	about := suite.About{Device: c.Device, Port: c.Port, Driver: "escpos", Posd: commit()}
	for _, name := range slices.Sorted(maps.Keys(c.Option)) {
		about.Driver += fmt.Sprintf(" %s=%s", name, c.Option[name])
	}
	for name, how := range map[string]func(io.Writer, suite.Suite, suite.About) error{"report.html": suite.HTML, "junit.xml": suite.JUnit} {
		if err := writeReport(filepath.Join(c.Report, name), func(w io.Writer) error { return how(w, s, about) }); err != nil {
			return err
		}
	}
	return nil
}

// commit is the version of this program, as far as it knows it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}

func writeReport(path string, how func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	return errors.Join(how(out), out.Flush(), f.Close())
}

// tellResult prints a check's line, and what to do about it.
func tellResult(w io.Writer, r suite.Result) {
	fmt.Fprintf(w, "%2d  %-7s  %s  %s\n", r.Number, r.Verdict, r.Name.EN, r.Name.ZH)
	if r.Verdict == suite.OK && r.Why.EN == "" {
		return
	}
	fmt.Fprintf(w, "             %s\n", r.Why.EN)
	if r.Remedy.EN != "" {
		fmt.Fprintf(w, "             -> %s\n             -> %s\n", r.Remedy.EN, r.Remedy.ZH)
	}
}

// person is whoever sits at the terminal.
type person struct {
	out   io.Writer
	lines chan string // closed at the end of input
}

// newPerson begins to read what is typed. The reading ends with the program.
func newPerson(g *globals) *person {
	p := &person{out: g.Out, lines: make(chan string)}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(g.In); in.Scan(); {
			p.lines <- strings.ToLower(strings.TrimSpace(in.Text()))
		}
	}()
	return p
}

func (p *person) please(w suite.Words) { fmt.Fprintf(p.out, "    >>  %s  %s\n", w.EN, w.ZH) }

// ask waits for y or n.
func (p *person) ask(ctx context.Context, w suite.Words) (bool, error) {
	for {
		fmt.Fprintf(p.out, "    ??  %s  %s  [y/n] ", w.EN, w.ZH)
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case line, ok := <-p.lines:
			switch {
			case !ok:
				return false, io.ErrUnexpectedEOF
			case line == "y" || line == "yes" || line == "是":
				return true, nil
			case line == "n" || line == "no" || line == "否":
				return false, nil
			}
		}
	}
}
