package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"posd/drivers"
	"posd/drivers/plug"
	"posd/drivers/port"
)

// identifyCmd is the verb identify.
type identifyCmd struct {
	Port  string `arg:"" help:"What stands as port in posd.toml, or a device file."`
	Probe bool   `help:"Open the port and ask: printers answer with maker, model and status. Scanners and readers are sent nothing but this, which they ignore."`
	Baud  int    `default:"0" help:"With --probe: speed of a serial line. Default: 9600, 19200, 38400 and 115200 are tried."`
}

// Help teaches by example.
func (identifyCmd) Help() string {
	return `Says what one port is. Without --probe nothing is opened and nothing sent.

Examples:

  hwtest identify /dev/usb/lp0
  hwtest identify --probe usb:04b8:0202
  hwtest identify --probe tcp://192.168.1.50:9100`
}

// Run identifies what is at the port.
func (c *identifyCmd) Run(ctx context.Context, g *globals) error {
	a, err := port.ParseAddress(c.Port)
	if err != nil {
		return err
	}
	if known := identifyKnown(g.Out, a, plug.Live()); known != nil || !c.Probe {
		return known
	}
	return (&prober{out: g.Out, open: port.Open}).probe(ctx, a, c.Baud)
}

// asProblem is the words of an error about a device that is named by what it is.
func asProblem(err error) (*plug.Problem, bool) { return errors.AsType[*plug.Problem](err) }

// identifyKnown tells what is known of a port without opening it.
func identifyKnown(w io.Writer, a port.Address, all []plug.Device) error {
	if what, remedy := drivers.Unstable(drivers.Root(), a); what != "" {
		fmt.Fprintf(w, "%s; %s\n", what, remedy)
	}
	file := a.Path
	if id, ok := a.Identity(); ok {
		_, n, err := plug.Resolve(all, id)
		if p, ok := asProblem(err); ok {
			return fmt.Errorf("%w; %s", err, p.Remedy)
		}
		file = n.Path
	}
	for _, s := range drivers.Suggest(all) {
		if s.Node.Path == file {
			fmt.Fprintln(w, s.Device)
			listDevice(w, s.Device)
			listNode(w, s, true)
			return nil
		}
	}
	if err := noDevice(a); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: not USB, so nothing is known of it without --probe\n", a)
	return nil
}

// noDevice says of a path that no device can be there. A COM name is none of a file.
func noDevice(a port.Address) error {
	if !filepath.IsAbs(a.Path) {
		return nil
	}
	info, err := os.Stat(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there; plug the device in: hwtest list shows what is there", a.Path)
	case err == nil && (info.Mode().IsRegular() || info.IsDir()):
		return fmt.Errorf("%s is no device; hwtest list shows what is there", a.Path)
	}
	return nil
}

// prober asks what is at a port.
type prober struct {
	out  io.Writer
	open port.Opener
}

// Questions of ESC/POS printers (Epson ESC/POS reference: DLE EOT 1, GS I n), and how long an answer may take.
const (
	askStatus   = "\x10\x04\x01"
	askIdentity = "\x1dI"
	answerWait  = 700 * time.Millisecond
	openWait    = 10 * time.Second
)

// identities are the texts that GS I tells of.
var identities = []struct {
	number byte
	name   string
}{{66, "maker"}, {67, "model"}, {65, "firmware"}, {68, "serial number"}, {69, "language"}}

// probe opens the port and asks; of a serial line at each usual speed until somebody answers.
func (p *prober) probe(ctx context.Context, a port.Address, baud int) error {
	speeds := []int{baud}
	if baud == 0 && (a.Kind == port.Serial || a.Kind == port.USB) {
		speeds = []int{9600, 19200, 38400, 115200}
	}
	for _, s := range speeds {
		a.Baud = s
		answered, err := p.once(ctx, a)
		if err != nil || answered {
			return err
		}
	}
	fmt.Fprintln(p.out, "no answer to ESC/POS: no such printer, or it is off, offline or connected one-way; scanners and readers do not answer")
	return nil
}

func (p *prober) once(ctx context.Context, a port.Address) (answered bool, err error) {
	opening, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	c, err := p.open(opening, a)
	if err != nil {
		if pr, ok := asProblem(err); ok {
			return false, fmt.Errorf("%w; %s", err, pr.Remedy)
		}
		return false, err
	}
	defer c.Close()
	if h, ok := c.(port.HID); ok {
		i := h.Info()
		fmt.Fprintf(p.out, "HID device %04x:%04x, report descriptor of %d bytes\n", i.Vendor, i.Product, len(i.Descriptor))
		return true, nil
	}
	if a.Kind == port.Keys {
		fmt.Fprintln(p.out, "a keyboard: it can be opened, and takes no questions")
		return true, nil
	}
	named := p.askPort(ctx, c)
	answered, err = p.askESCPOS(ctx, c, a.Baud)
	return answered || named, err
}

// askPort asks past the stream of bytes, where there is a way.
func (p *prober) askPort(ctx context.Context, c port.Conn) bool {
	pp, ok := c.(port.PrinterPort)
	if !ok {
		return false
	}
	if id, err := pp.DeviceID(ctx); err == nil {
		fmt.Fprintln(p.out, "IEEE 1284:", id)
	}
	s, err := pp.LineStatus(ctx)
	if err == nil {
		fmt.Fprintf(p.out, "port status: %02X, selected %v, paper out %v, error %v\n", byte(s), s.Selected(), s.PaperOut(), s.Faulty())
	}
	return err == nil
}

func (p *prober) askESCPOS(ctx context.Context, c port.Conn, baud int) (bool, error) {
	b, err := p.ask(ctx, c, askStatus)
	if err != nil || len(b) == 0 {
		return false, err
	}
	const fixedBits, fixed = 0x93, 0x12 // of every answer to DLE EOT
	if b[len(b)-1]&fixedBits != fixed {
		fmt.Fprintf(p.out, "it answers, but not as an ESC/POS printer: % X\n", b[:min(len(b), 16)])
		return false, nil
	}
	fmt.Fprintf(p.out, "an ESC/POS printer answers: status %02X", b[len(b)-1])
	if baud != 0 {
		fmt.Fprintf(p.out, ", at %d baud", baud)
	}
	fmt.Fprintln(p.out)
	for _, i := range identities {
		b, err := p.ask(ctx, c, askIdentity+string(rune(i.number)))
		if err != nil {
			return true, err
		}
		if text := identityText(b); text != "" {
			fmt.Fprintf(p.out, "%s: %s\n", i.name, text)
		}
	}
	return true, nil
}

// identityText is the text of an answer to GS I: 5F, text, NUL. What is not printable is left out.
func identityText(b []byte) string {
	const head = 0x5F
	if len(b) < 2 || b[0] != head {
		return ""
	}
	var text []byte
	for _, c := range b[1:] {
		if c >= ' ' && c < 0x7F {
			text = append(text, c)
		}
	}
	return string(text)
}

// ask sends a question and gives what comes back within a while.
func (p *prober) ask(ctx context.Context, c port.Conn, question string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	if err := c.Write(ctx, []byte(question)); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	var answer []byte
	for {
		b, err := c.Next(ctx, func(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil })
		answer = append(answer, b...)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return answer, nil
		case err != nil:
			return answer, fmt.Errorf("answer: %w", err)
		case len(answer) > 0 && (answer[0] != 0x5F || answer[len(answer)-1] == 0):
			return answer, nil
		}
	}
}
