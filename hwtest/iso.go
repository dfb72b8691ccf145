package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"posd/iso8583"
)

// isoCmd is the verb iso.
type isoCmd struct {
	Decode   isoDecodeCmd   `cmd:"" help:"Show a message that was found in a trace."`
	Encode   isoEncodeCmd   `cmd:"" help:"Turn a message written as JSON into hex."`
	MAC      isoMACCmd      `cmd:"" name:"mac" help:"Compute a message authentication code, or say whether a message has its right one."`
	Keys     isoKeysCmd     `cmd:"" help:"Say what is in the key block of a sign-on reply, or make one."`
	Dialects isoDialectsCmd `cmd:"" help:"List the dialects that hwtest knows; any other is a TOML file."`
}

// dialectFlag names a dialect.
type dialectFlag struct {
	Dialect string `default:"unionpay" placeholder:"NAME" help:"A preset (see: hwtest iso dialects) or the path of a dialect file. Default: unionpay."`
}

func (f dialectFlag) load() (*iso8583.Dialect, error) {
	if slices.Contains(iso8583.Presets(), f.Dialect) {
		return iso8583.Preset(f.Dialect)
	}
	text, err := os.ReadFile(f.Dialect)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("dialect %q is neither a file nor one of: %s", f.Dialect, strings.Join(iso8583.Presets(), ", "))
	}
	if err != nil {
		return nil, err
	}
	return iso8583.Load(f.Dialect, text)
}

// isoDecodeCmd is the verb iso decode.
type isoDecodeCmd struct {
	dialectFlag
	JSON   bool     `name:"json" help:"Print JSON: {\"tpdu\",\"header\",\"mti\",\"fields\",\"trailing_bytes\"}."`
	Reveal bool     `help:"Show card numbers, tracks and PIN blocks. They are masked otherwise."`
	Hex    []string `arg:"" optional:"" help:"The message in hex with any spacing, a dump with offsets, or the name of a file; with or without its length prefix. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoDecodeCmd) Help() string {
	return `The message may be pasted as it is found: hex digits with any spacing, with 0x, as a C or Go list, or a dump of
xxd, hexdump, od, tcpdump -X or Wireshark, whose offsets and text are left out. A file may hold any of these, or the
bytes themselves.

Examples:

  hwtest iso decode 00 41 60 00 00 00 00 60 22 00 ...
  hwtest iso decode trace.txt
  hwtest iso decode --json --dialect my-acquirer.toml - < trace.txt`
}

// Run decodes one message.
func (c *isoDecodeCmd) Run(g *globals) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	raw, err := hexInput(g, c.Hex)
	if err != nil {
		return err
	}
	m, trailing, note, err := d.UnpackPasted(raw)
	if note != "" {
		fmt.Fprintln(g.Err, "note:", note)
	}
	if err != nil {
		return err
	}
	defer m.Wipe()
	if !c.JSON {
		printMessage(g.Out, d, m, c.Reveal)
		if trailing > 0 {
			fmt.Fprintf(g.Out, "bytes after the last field: %d\n", trailing)
		}
		return nil
	}
	text, err := d.JSON(m, trailing, c.Reveal)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s\n", text)
	return nil
}

// printMessage prints a message as a table.
func printMessage(w io.Writer, d *iso8583.Dialect, m *iso8583.Message, reveal bool) {
	fmt.Fprintf(w, "%s  %s\n", m.MTI, mtiWords(m.MTI))
	if m.TPDU != "" {
		fmt.Fprintf(w, "TPDU   %s\n", m.TPDU)
	}
	if m.Header != "" {
		fmt.Fprintf(w, "header %s\n", m.Header)
	}
	lines := d.Describe(m, reveal)
	names := cells("name")
	for _, l := range lines {
		names = max(names, cells(l.Name))
	}
	fmt.Fprintf(w, "\nfield  length  %s  value\n", padded("name", names))
	for _, l := range lines {
		fmt.Fprintf(w, "%5d  %6d  %s  %s\n", l.Field, l.Length, padded(l.Name, names), l.Value)
		if l.Note != "" {
			fmt.Fprintf(w, "%13s  %s  %s\n", "", padded("", names), l.Note)
		}
	}
}

// mtiWords says what a message type is; ISO 8583:1987, 4.1.
func mtiWords(mti string) string {
	class := map[byte]string{
		'1': "authorization", '2': "financial", '3': "file action", '4': "reversal", '5': "reconciliation",
		'6': "administrative", '8': "network management",
	}[mti[1]]
	function := map[byte]string{'0': "request", '1': "answer", '2': "advice", '3': "answer to an advice"}[mti[2]]
	return strings.TrimSpace(class + " " + function)
}

// cells is how wide text stands on a terminal: a Chinese character takes two cells.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n++
		}
	}
	return n
}

func padded(s string, to int) string { return s + strings.Repeat(" ", max(0, to-cells(s))) }

// isoDialectsCmd is the verb iso dialects.
type isoDialectsCmd struct{}

// Run lists the presets.
func (isoDialectsCmd) Run(g *globals) error {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.Out, "%-12s %s\n", name, d.Title())
	}
	return nil
}
