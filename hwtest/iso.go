package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"posd/iso8583"
)

// isoCmd is the verb iso.
type isoCmd struct {
	Decode   isoDecodeCmd   `cmd:"" help:"Show a message that was found in a trace."`
	Encode   isoEncodeCmd   `cmd:"" help:"Turn a message written as JSON into hex."`
	Build    isoBuildCmd    `cmd:"" help:"Make a message by a transaction of the dialect."`
	Send     isoSendCmd     `cmd:"" help:"Send one message to a host and judge its answer."`
	Diff     isoDiffCmd     `cmd:"" help:"Tell in which fields two messages differ."`
	MAC      isoMACCmd      `cmd:"" name:"mac" help:"Compute a message authentication code, or say whether a message has its right one."`
	Keys     isoKeysCmd     `cmd:"" help:"Say what is in the key block of a sign-on reply, or make one."`
	Check    isoCheckCmd    `cmd:"" help:"Say what is wrong in a dialect file, and what it amounts to."`
	Doctor   isoDoctorCmd   `cmd:"" help:"Say which dialect a message fits, or what is wrong with it, by name."`
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
	JSON   bool     `name:"json" xor:"form" help:"Print JSON: {\"tpdu\",\"header\",\"mti\",\"fields\",\"trailing_bytes\"}; with --parts what stands inside of fields, too."`
	Ruler  bool     `xor:"form" help:"Print the bytes, each line with the field that it belongs to."`
	Parts  bool     `help:"With --json: add {\"parts\":{\"55.9F26\":...}}. The table has them anyway."`
	Reveal bool     `help:"Show card numbers, tracks and PIN blocks. They are masked otherwise."`
	Hex    []string `arg:"" optional:"" help:"The message in hex with any spacing, a dump with offsets, or the name of a file; with or without its length prefix. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoDecodeCmd) Help() string {
	return `The message may be pasted as it is found: hex digits with any spacing, with 0x, as a list of C, Go, Java or Python, or a
dump of xxd, hexdump, od, tcpdump -X or Wireshark, whose offsets and text are left out; a line of a log, or a dump in a
log, whose other text is left out. A file may hold any of these, or the bytes themselves.

Examples:

  hwtest iso decode 00 41 60 00 00 00 00 60 22 00 ...
  hwtest iso decode trace.txt
  hwtest iso decode --ruler trace.txt               # which byte belongs to which field
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
	m, trailing, err := unpack(g, d, raw)
	if err != nil {
		return err
	}
	defer m.Wipe()
	switch {
	case c.Ruler:
		return printRuler(g.Out, d, raw, m, c.Reveal)
	case c.JSON:
		return c.printJSON(g, d, m, trailing)
	}
	printMessage(g.Out, d, m, c.Reveal)
	if trailing > 0 {
		fmt.Fprintf(g.Out, "bytes after the last field: %d; hwtest iso doctor says what they may be\n", trailing)
	}
	return nil
}

// unpack reads a message that was pasted. When it is none, the error says what the doctor thinks of it.
func unpack(g *globals, d *iso8583.Dialect, raw []byte) (m *iso8583.Message, trailing int, err error) {
	m, trailing, note, err := d.UnpackPasted(raw)
	if note != "" {
		fmt.Fprintln(g.Err, "note:", note)
	}
	if err == nil {
		return m, trailing, nil
	}
	return nil, 0, diagnosed(d, raw, err)
}

// diagnosed adds to an error what the doctor thinks of the bytes.
func diagnosed(d *iso8583.Dialect, raw []byte, err error) error {
	dialects, bad := isoDoctorCmd{}.dialects()
	if bad != nil {
		return err
	}
	own := iso8583.Examine(raw, d)[0]
	switch other := iso8583.Examine(raw, dialects...)[0]; {
	case other.Fits && len(own.Faults) != 1:
		return fmt.Errorf("%w\nit is no message of dialect %s, but one of %s: --dialect %s", err, d.Name(), other.Dialect, other.Dialect)
	case len(own.Faults) > 0:
		return fmt.Errorf("%w\nprobably: %v; hwtest iso doctor says more", err, own.Faults[0])
	default:
		return fmt.Errorf("%w\nhwtest iso doctor holds it against every dialect", err)
	}
}

func (c *isoDecodeCmd) printJSON(g *globals, d *iso8583.Dialect, m *iso8583.Message, trailing int) error {
	text, err := d.JSON(m, trailing, c.Reveal)
	if err != nil {
		return err
	}
	if c.Parts {
		var parts []string
		for _, r := range messageRows(d, m) {
			if strings.Contains(r.path, ".") && !r.group {
				parts = append(parts, jsonText(r.path)+":"+jsonText(r.value(c.Reveal)))
			}
		}
		text = fmt.Appendf(text[:len(text)-1], `,"parts":{%s}}`, strings.Join(parts, ","))
	}
	fmt.Fprintf(g.Out, "%s\n", text)
	return nil
}

// jsonText is a JSON string.
func jsonText(s string) string {
	b, _ := json.Marshal(s) // of a string it cannot fail
	return string(b)
}

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
