package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/scanner"
	"posd/drivers/trace"
)

// recordCmd is the verb record.
type recordCmd struct {
	Port     string            `arg:"" help:"The device, as in posd.toml: a path, COM name, hid:///dev/hidraw0, tcp://host:port."`
	Kind     string            `required:"" enum:"printer,scanner,reader" placeholder:"KIND" help:"printer, scanner or reader."`
	Device   string            `required:"" placeholder:"TEXT" help:"Which device it is, in which mode: for the header."`
	Driver   string            `placeholder:"NAME" help:"Let this driver read the device meanwhile, and note what it makes of it."`
	Option   map[string]string `placeholder:"NAME=VALUE" help:"An option of the driver. May be given several times."`
	Baud     int               `default:"9600" help:"Of a serial line. Default: 9600."`
	Send     string            `placeholder:"FILE" help:"Send these bytes first."`
	Redact   string            `default:"" enum:",lengths,shape,whole" help:"What is written of content: lengths, shape, whole. Default: by the kind."`
	TestData bool              `help:"Only test cards and test codes are shown to it: everything may be written."`
	For      *time.Duration    `placeholder:"TIME" help:"Stop after this time. Default: on Ctrl-C."`
	Out      string            `short:"o" placeholder:"FILE" help:"Write to this file instead of standard output. It must not exist."`
}

// Help says what is kept.
func (recordCmd) Help() string {
	return `Writes down what goes between this machine and a device, byte for byte with its time. Content is left out while it is
recorded, not afterwards:

  printer   whole     every byte
  scanner   shape     every digit is 0, every letter x; control characters, counts and ends stay
  reader    lengths   how many bytes; such a recording cannot be replayed

With --test-data all is kept: show it test cards and made-up codes only. Without --driver it only listens.

Examples:

  hwtest record /dev/ttyACM0 --kind scanner --device "HR32, CDC" --driver line --test-data -o hr32.trace
  hwtest record hid:///dev/hidraw0 --kind reader --device "SureSwipe, HID" --driver sureswipe --test-data`
}

// Run records until ctx ends, the time is over, or the device is gone.
func (c *recordCmd) Run(ctx context.Context, g *globals) error {
	if c.For != nil && *c.For <= 0 {
		return errors.New("--for: want a time above 0, such as 30s; without it the recording ends on Ctrl-C")
	}
	redact, err := c.redaction()
	if err != nil {
		return err
	}
	read, err := c.reading(g.Err)
	if err != nil {
		return err
	}
	address, err := port.ParseAddress(c.Port)
	if err != nil {
		return err
	}
	address.Baud = c.Baud
	conn, err := port.Open(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.record(ctx, g, session{conn: conn, redact: redact, read: read})
}

// session is an open device and what is done with it.
type session struct {
	conn   port.Conn
	redact trace.Redaction
	read   func(context.Context, port.Conn) (string, error) // gives a line for #Expect, "" for none
}

// redaction is what is left out: what was asked for, as far as the kind allows it.
func (c *recordCmd) redaction() (trace.Redaction, error) {
	usual := map[string]trace.Redaction{"printer": trace.Whole, "scanner": trace.Shape, "reader": trace.Lengths}[c.Kind]
	switch r := trace.Redaction(c.Redact); {
	case r == "" && c.TestData:
		return trace.Whole, nil
	case r == "":
		return usual, nil
	case r == trace.Whole && c.Kind != "printer" && !c.TestData:
		return "", errors.New("--redact whole writes down cards and codes: it needs --test-data, and test cards or made-up codes only")
	default:
		return r, nil
	}
}

// record writes the header and then what passes.
func (c *recordCmd) record(ctx context.Context, g *globals, s session) (err error) {
	out, closeOut, err := c.open(g.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOut()) }()
	w := &lineWriter{out: out}
	c.header(w, s)
	if c.For != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *c.For)
		defer cancel()
	}
	conn := trace.Record(s.conn, trace.Recorder{Sink: w.line, Now: time.Now, Redact: s.redact})
	if err := c.sendFirst(ctx, conn); err != nil {
		return err
	}
	for {
		expect, err := s.read(ctx, conn)
		if expect != "" && s.redact == trace.Whole {
			w.line("#" + trace.Expect + ": " + expect)
		}
		if ctx.Err() != nil {
			return w.failed()
		}
		if err != nil {
			w.line(fmt.Sprintf("# ended: %v", err))
			return errors.Join(err, w.failed())
		}
	}
}

// header says what is recorded.
func (c *recordCmd) header(w *lineWriter, s session) {
	w.line(port.TraceHeader)
	w.line("#" + trace.Device + ": " + c.Device)
	w.line("#" + trace.Source + ": " + trace.SourceDevice)
	w.line("#" + trace.Redact + ": " + string(s.redact))
	if c.Driver != "" {
		w.line("#" + trace.Driver + ": " + c.Driver)
	}
	for name, value := range c.Option {
		w.line("#" + trace.Option + ": " + name + "=" + value)
	}
	if h, ok := s.conn.(port.HID); ok {
		i := h.Info()
		w.line(fmt.Sprintf("#%s: %04x:%04x %s", trace.HIDInfo, i.Vendor, i.Product, hex.EncodeToString(i.Descriptor)))
	}
}

func (c *recordCmd) open(std io.Writer) (io.Writer, func() error, error) {
	if c.Out == "" {
		return std, func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

func (c *recordCmd) sendFirst(ctx context.Context, conn port.Conn) error {
	if c.Send == "" {
		return nil
	}
	b, err := os.ReadFile(c.Send)
	if err != nil {
		return err
	}
	return conn.Write(ctx, b)
}

// reading is how the device is read: by a driver, or as bytes.
func (c *recordCmd) reading(say io.Writer) (func(context.Context, port.Conn) (string, error), error) {
	if c.Driver == "" {
		return listen, nil
	}
	open, err := sourceOf(c.Kind, c.Driver, c.Option)
	if err != nil {
		return nil, err
	}
	var next func(context.Context) (string, error)
	return func(ctx context.Context, conn port.Conn) (string, error) {
		if next == nil {
			next, _ = open(conn)
		}
		line, err := next(ctx)
		if line != "" {
			fmt.Fprintln(say, outcome(line))
		}
		return line, err
	}, nil
}

// listen takes whatever comes.
func listen(ctx context.Context, conn port.Conn) (string, error) {
	split := func(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil }
	if _, ok := conn.(port.HID); ok {
		split = port.SplitReport
	}
	b, err := conn.Next(ctx, split)
	clear(b)
	return "", err
}

// lineWriter writes lines and remembers the first error. It may be used by several goroutines.
type lineWriter struct {
	mu  sync.Mutex
	out io.Writer
	err error // guarded by mu
}

func (w *lineWriter) line(l string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		_, w.err = io.WriteString(w.out, l+"\n")
	}
}

func (w *lineWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// source is an open driver: next gives the next thing it reads as a line for #Expect, do gives it a command by name.
type source func(port.Conn) (next func(context.Context) (string, error), do func(context.Context, string) error)

// sourceOf finds a driver and gives what opens it.
func sourceOf(kind, name string, options map[string]string) (source, error) {
	switch kind {
	case "scanner":
		if d, ok := scanner.Lookup(name); ok {
			s, err := port.Settle(d.Options, options)
			return func(c port.Conn) (func(context.Context) (string, error), func(context.Context, string) error) {
				src := d.Open(c, s)
				return scans(src), func(ctx context.Context, command string) error { return tellScanner(ctx, src, command) }
			}, err
		}
	case "reader":
		if d, ok := cardreader.Lookup(name); ok {
			s, err := port.Settle(d.Options, options)
			return func(c port.Conn) (func(context.Context) (string, error), func(context.Context, string) error) {
				return cards(d.Open(c, s)), func(context.Context, string) error { return nil }
			}, err
		}
	default:
		return nil, errors.New("a printer's driver prints documents: without --driver its answers are recorded, see --send")
	}
	return nil, fmt.Errorf("no driver %q for a %s", name, kind)
}

// tellScanner gives a command by its name; "" is none.
func tellScanner(ctx context.Context, src scanner.Source, name string) error {
	if name == "" {
		return nil
	}
	cmd, known := scanner.ParseCommand(name)
	commander, takes := src.(scanner.Commander)
	if !known || !takes {
		return fmt.Errorf("command %q: the driver has none of that name", name)
	}
	return commander.Do(ctx, cmd)
}

// scans gives what a scanner reads: "code ]Q1 text", "refused", "repeated".
func scans(src scanner.Source) func(context.Context) (string, error) {
	return func(ctx context.Context) (line string, err error) {
		c, err := src.Next(ctx)
		switch {
		case errors.Is(err, scanner.ErrRefused):
			return "refused", nil
		case errors.Is(err, scanner.ErrRepeated):
			return "repeated", nil
		case err != nil:
			return "", err
		}
		aim := c.AIM
		if aim == "" {
			aim = "-"
		}
		c.Data.Reveal(func(b []byte) { line = "code " + aim + " " + string(b) })
		c.Data.Wipe()
		return line, nil
	}
}

// cards gives what a reader reads: "card 411111******1111 clear", "unreadable", "not-payment".
func cards(src cardreader.Source) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		c, err := src.Next(ctx)
		switch {
		case errors.Is(err, cardreader.ErrUnreadable):
			return "unreadable", nil
		case errors.Is(err, cardreader.ErrNotPayment):
			return "not-payment", nil
		case err != nil:
			return "", err
		}
		defer c.Wipe()
		return "card " + c.Masked() + " " + c.Encrypted.Cipher.String(), nil
	}
}

// outcome is what a person sees of a line while it is recorded: nothing of a code but its length.
func outcome(line string) string {
	var aim, data string
	if n, _ := fmt.Sscanf(line, "code %s %s", &aim, &data); n < 1 {
		return line
	}
	return fmt.Sprintf("code %s (%d bytes)", aim, len(line)-len("code  ")-len(aim))
}
