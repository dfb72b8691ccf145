package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"posd/drivers/printer/escpos"
	"posd/hwtest/devicesim"
)

// simPrinterCmd is the verb sim printer.
type simPrinterCmd struct {
	deviceFlags
	Columns   int    `default:"48" help:"Characters in a line. Default: 48."`
	Slips     string `placeholder:"FILE" help:"Append every slip to this file as text."`
	Clone     bool   `help:"Be a cheap copy that does not know GS ( H."`
	Mute      bool   `help:"Answer nothing, as over a one-way cable."`
	Lacks     string `placeholder:"COMMANDS" help:"Do not know these commands either, and print their bytes: GS ( k,GS v 0."`
	Loses     int    `placeholder:"N" help:"Lose every N-th byte."`
	Buffer    int    `placeholder:"BYTES" help:"Take in so many bytes while printing. Default: 65536."`
	Speed     int    `placeholder:"BYTES" help:"Print so many bytes a second. Default: all at once."`
	Flow      string `default:"lines" enum:"lines,xon,stuck,none" help:"When the buffer is full: lines (take no more), xon (XOFF and XON), stuck (XOFF for ever), none (lose what comes). Default: lines."`
	PaperOut  bool   `help:"Begin without paper."`
	CoverOpen bool   `help:"Begin with the cover open."`
	PaperLeft int    `default:"-1" placeholder:"LINES" help:"Begin with a roll that ends after so many lines."`
}

// Help teaches by example.
func (simPrinterCmd) Help() string {
	return `Examples:

  hwtest sim printer --link /tmp/printer --slips slips.txt        # port = "/tmp/printer"
  hwtest sim printer --listen 127.0.0.1:9100                      # port = "tcp://127.0.0.1:9100"

Control:

  GET  /control/slips       {"slips":["..."],"paper":"since the last cut","drawer_pulses":0,"complaints":[]}
  POST /control/paper       {"in":false}, or {"in":true,"lines":20} for a roll that ends then
  POST /control/cover       {"open":true}
  POST /control/cutter      {"jammed":true}
  POST /control/power       {"on":false}
  POST /control/cable       {"in":false}   with --link: pulled out, and with true put back in`
}

// Run prints until it is told to stop.
func (c *simPrinterCmd) Run(ctx context.Context, g *globals) error {
	if err := c.known(); err != nil {
		return err
	}
	p := devicesim.NewPrinter(c.options())
	if c.PaperLeft >= 0 {
		p.SetPaperLeft(c.PaperLeft)
	}
	if c.PaperOut {
		p.SetPaper(false)
	}
	p.SetCover(c.CoverOpen)
	return c.stand(ctx, g, "printer", p, printerControl(p))
}

// lacks are the commands that the printer is not to know, as they begin: GS v 0 is the only one of GS v.
func (c *simPrinterCmd) lacks() (names []string) {
	if c.Lacks == "" {
		return nil
	}
	for name := range strings.SplitSeq(c.Lacks, ",") {
		names = append(names, strings.TrimSuffix(strings.TrimSpace(name), " 0"))
	}
	return names
}

// known refuses to lack what is no command: the printer would be a good one.
func (c *simPrinterCmd) known() error {
	all := escpos.Names()
	for _, name := range c.lacks() {
		if !slices.Contains(all, name) {
			return fmt.Errorf("--lacks: %q is no command; there are: %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

func (c *simPrinterCmd) options() devicesim.PrinterOptions {
	o := devicesim.PrinterOptions{
		Columns: c.Columns, SlipFile: c.Slips, Clone: c.Clone, Mute: c.Mute,
		Loses: c.Loses, Buffer: c.Buffer, Speed: c.Speed, Lacks: c.lacks(),
	}
	if c.Flow != "lines" {
		o.Flow = devicesim.Flow(c.Flow)
	}
	return o
}

// printerState is what an operator sees of a printer.
type printerState struct {
	Slips        []string `json:"slips"`
	Paper        string   `json:"paper"`
	DrawerPulses int      `json:"drawer_pulses"`
	Complaints   []string `json:"complaints"`
}

func printerControl(p *devicesim.Printer) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/slips", onGet(func() printerState {
		return printerState{
			Slips: append([]string{}, p.Slips()...), Paper: p.Paper(), DrawerPulses: p.DrawerPulses(),
			Complaints: append([]string{}, p.Complaints()...),
		}
	}))
	mux.HandleFunc("POST /control/paper", onBody(func(in struct {
		In    bool
		Lines int
	},
	) error {
		if in.Lines > 0 {
			p.SetPaperLeft(in.Lines)
			return nil
		}
		p.SetPaper(in.In)
		return nil
	}))
	for call, set := range map[string]func(bool){"cover": p.SetCover, "cutter": p.SetCutterJam, "power": p.SetPower} {
		mux.HandleFunc("POST /control/"+call, onBody(func(in struct{ Open, Jammed, On bool }) error {
			set(in.Open || in.Jammed || in.On)
			return nil
		}))
	}
	return mux
}

// simScannerCmd is the verb sim scanner.
type simScannerCmd struct {
	deviceFlags
	Suffix string `default:"cr" enum:"cr,lf,crlf,none" help:"What ends a code: cr, lf, crlf or none. Default: cr."`
	Prefix string `placeholder:"HEX" help:"Bytes before each code, such as 02."`
	AIM    bool   `name:"aim" help:"Send AIM identifiers such as ]Q1."`
}

// Help teaches by example.
func (simScannerCmd) Help() string {
	return `Examples:

  hwtest sim scanner --link /tmp/scanner
  curl -d '{"code":"6901234567892"}' http://127.0.0.1:PORT/control/scan

Control:

  POST /control/scan        {"code":"6901234567892"}, with "aim":"]E0" if it is to be sent
  POST /control/cable       {"in":false}   with --link: pulled out, and with true put back in`
}

// Run scans what it is told until it is told to stop.
func (c *simScannerCmd) Run(ctx context.Context, g *globals) error {
	prefix, err := hex.DecodeString(c.Prefix)
	if err != nil {
		return errors.New("--prefix: want hex digits")
	}
	s := devicesim.NewScanner()
	s.Suffix = map[string]string{"cr": "\r", "lf": "\n", "crlf": "\r\n", "none": ""}[c.Suffix]
	s.Prefix, s.AIM = string(prefix), c.AIM
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/scan", onBody(func(in struct{ Code, AIM string }) error {
		if in.Code == "" {
			return errors.New("there is no code to scan")
		}
		return s.Emit(in.AIM, in.Code)
	}))
	return c.stand(ctx, g, "scanner", s, mux)
}

// simReaderCmd is the verb sim reader.
type simReaderCmd struct {
	deviceFlags
	NoLRC bool `name:"no-lrc" help:"Send the tracks without their check characters."`
}

// Help teaches by example.
func (simReaderCmd) Help() string {
	return `The cards are test cards: a number of a test range with its check digit, valid to 12/2030. Give the first digits of
the range and a number; no real card belongs here.

Examples:

  hwtest sim reader --link /tmp/reader
  curl -d '{"range":"620000","card":7}' http://127.0.0.1:PORT/control/swipe

Control:

  POST /control/swipe       {"range":"620000","card":7}; "expiry":"3012" and "service":"201" may be added
  POST /control/swipe       {"tracks":[";...?"]}   tracks as they are: a torn stripe, a club card
  POST /control/cable       {"in":false}   with --link: pulled out, and with true put back in`
}

// swipe is a body of the reader's control interface.
type swipe struct {
	Range   string   `json:"range,omitempty"`
	Card    int      `json:"card,omitempty"`
	Expiry  string   `json:"expiry,omitempty"`
	Service string   `json:"service,omitempty"`
	Tracks  []string `json:"tracks,omitempty"`
}

// cardRange is the beginning of a test card's number.
var cardRange = regexp.MustCompile(`^[0-9]{1,10}$`)

// card makes the test card that is meant.
func (s swipe) card() (devicesim.Card, error) {
	if !cardRange.MatchString(s.Range) || s.Card < 0 || s.Card > 99999 {
		return devicesim.Card{}, errors.New("want range, up to 10 digits, and card, 0 to 99999")
	}
	c := devicesim.TestCard(s.Range, s.Card)
	if s.Expiry != "" {
		c.Expiry = s.Expiry
	}
	if s.Service != "" {
		c.Service = s.Service
	}
	return c, nil
}

// Run swipes what it is told until it is told to stop.
func (c *simReaderCmd) Run(ctx context.Context, g *globals) error {
	r := devicesim.NewReader()
	r.LRC = !c.NoLRC
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/swipe", onBody(func(in swipe) error {
		if slices.Contains(in.Tracks, "") {
			return errors.New("a track is empty")
		}
		if len(in.Tracks) > 0 {
			return r.Send(in.Tracks...)
		}
		card, err := in.card()
		if err != nil {
			return err
		}
		return r.Swipe(card)
	}))
	return c.stand(ctx, g, "reader", r, mux)
}
