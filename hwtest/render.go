package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
	"posd/drivers/printer/profile"
)

// renderCmd is the verb render.
type renderCmd struct {
	File    string `arg:"" help:"Bytes as they went to the printer; - for standard input."`
	Text    bool   `xor:"format" help:"Print the slips as text. The default."`
	SVG     bool   `name:"svg" xor:"format" help:"Draw them as SVG."`
	PNG     bool   `name:"png" xor:"format" help:"Draw them as PNG, dot for dot."`
	JSON    bool   `name:"json" xor:"format" help:"Print everything: places, styles, pictures, codes, events."`
	ESCPOS  bool   `name:"escpos" xor:"format" help:"Write the bytes for the printer, of a document."`
	From    string `default:"escpos" enum:"escpos,receiptline,document" help:"What the file is: escpos (a stream), receiptline, document (posd's JSON). Default: escpos."`
	Profile string `placeholder:"MODEL" help:"The printer's model; a name that is none lists them all. Sets columns, code pages and two-byte characters."`
	Out     string `short:"o" placeholder:"FILE" help:"Write to this file instead of standard output."`
	Columns int    `help:"Characters in a line: 48 or 42 on 80 mm paper, 32 on 58 mm. Default: as the profile says, 48 without one."`
	Wide    string `default:"" enum:",gb18030,shift-jis,big5,euc-kr,off" help:"The printer's two-byte characters: gb18030, shift-jis, big5, euc-kr; off until FS &. Default: as the profile says, gb18030 without one."`
	Events  bool   `help:"List all commands that leave no mark on the paper, not only those that are unknown or wrong."`
}

// Help teaches by example.
func (renderCmd) Help() string {
	return `Shows what a receipt printer makes of a stream of ESC/POS, whoever wrote it. Commands that are unknown, wrong or cut
off are listed on standard error with their place in the stream.

Examples:

  hwtest render slip.bin
  hwtest render --png -o slip.png slip.bin
  nc -l 9100 | hwtest render --columns 32 -
  hwtest render --from receiptline --profile TM-T20III --png -o slip.png slip.txt`
}

// mostRendered is how many bytes of a stream are read.
const mostRendered = 64 << 20

// Run reads the stream and shows it.
func (c *renderCmd) Run(g *globals) error {
	if c.Columns != 0 && (c.Columns < 8 || c.Columns > 200) {
		return errors.New("--columns: want 8 to 200")
	}
	model, ok := profile.Lookup(cmp.Or(c.Profile, profile.Default))
	if !ok {
		return fmt.Errorf("--profile: unknown %q, known are: %s", c.Profile, strings.Join(profile.Names(), ", "))
	}
	in, err := c.read(g.In)
	if err != nil {
		return err
	}
	stream, err := c.stream(g.Err, in, model)
	if err != nil {
		return err
	}
	p := escpos.Read(stream, c.options(model))
	c.list(g.Err, p.Events)
	out := bytes.NewBuffer(nil)
	if c.ESCPOS {
		out.Write(stream)
	} else if err := c.show(out, p); err != nil {
		return err
	}
	if c.Out == "" {
		_, err = out.WriteTo(g.Out)
		return err
	}
	return os.WriteFile(c.Out, out.Bytes(), 0o600)
}

// stream is what goes to the printer: the file itself, or what is made of a document.
func (c *renderCmd) stream(log io.Writer, in []byte, model *profile.Profile) ([]byte, error) {
	var d printer.Document
	switch c.From {
	case "receiptline":
		d = printer.Receiptline(string(in))
	case "document":
		dec := json.NewDecoder(bytes.NewReader(in))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&d); err != nil {
			return nil, fmt.Errorf("%s is no document: %w", c.File, err)
		}
	default:
		return in, nil
	}
	p, err := printer.Show(d, model.Name, c.Columns)
	if err != nil {
		return nil, err
	}
	for _, r := range p.Missing {
		fmt.Fprintf(log, "no printer and no font here has %q (U+%04X)\n", r, r)
	}
	return p.Bytes, nil
}

// options say how the stream is to be read.
func (c *renderCmd) options(model *profile.Profile) escpos.Options {
	o := escpos.Options{Columns: cmp.Or(c.Columns, model.Columns), CodePages: model.CodePages}
	switch wide := cmp.Or(c.Wide, string(model.Wide)); wide {
	case "off", string(profile.WideNone), string(profile.WideAsk):
		o.WideOff = true
	default:
		o.Wide = escpos.Wide(wide)
	}
	return o
}

func (c *renderCmd) read(in io.Reader) ([]byte, error) {
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	stream, err := io.ReadAll(io.LimitReader(in, mostRendered+1))
	if err == nil && len(stream) > mostRendered {
		err = fmt.Errorf("%s is longer than %d bytes; cut it into jobs", c.File, mostRendered)
	}
	return stream, err
}

func (c *renderCmd) show(w io.Writer, p escpos.Print) error {
	switch {
	case c.SVG:
		return paper.SVG(w, p)
	case c.PNG:
		return paper.PNG(w, p)
	case c.JSON:
		return paper.JSON(w, p)
	}
	for _, s := range p.Slips {
		if _, err := io.WriteString(w, paper.Text(s, p.Dots)); err != nil {
			return err
		}
		if s.Cut != "" {
			fmt.Fprintf(w, "--- cut: %s ---\n", s.Cut)
		}
	}
	return nil
}

// list says what went wrong, and with --events all that happened.
func (c *renderCmd) list(w io.Writer, events []escpos.Event) {
	for _, e := range events {
		switch e.Kind {
		case escpos.Unknown, escpos.Trouble, escpos.Truncated:
		case escpos.Reset, escpos.CutPaper, escpos.Drawer, escpos.Request, escpos.Process, escpos.Known:
			if !c.Events {
				continue
			}
		}
		fmt.Fprintf(w, "byte %d: %s", e.Offset, e.Kind)
		if e.Command != "" {
			fmt.Fprintf(w, " %s", e.Command)
		}
		if len(e.Args) > 0 {
			fmt.Fprintf(w, " [% X]", e.Args)
		}
		if e.Note != "" {
			fmt.Fprintf(w, ": %s", e.Note)
		}
		fmt.Fprintln(w)
	}
}
