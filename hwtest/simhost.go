package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"posd/hwtest/hostsim"
)

// testTMK is the master key that textbooks use. It protects nothing.
const testTMK = "0123456789ABCDEFFEDCBA9876543210"

// simHostCmd is the verb sim host.
type simHostCmd struct {
	simFlags
	dialectFlag
	Listen    string        `default:"127.0.0.1:0" placeholder:"ADDR" help:"Where terminals call, on this machine only. Default: a free port."`
	TLSCert   string        `name:"tls-cert" placeholder:"FILE" help:"Speak TLS with this certificate (PEM). Without: plain TCP."`
	TLSKey    string        `name:"tls-key" placeholder:"FILE" help:"The certificate's private key (PEM)."`
	ClientCA  string        `name:"client-ca" placeholder:"FILE" help:"Terminals must show a certificate of this CA (PEM)."`
	Terminal  string        `default:"10000001" help:"Field 41 of the terminal that the host knows, as long as the field. Default: 10000001."`
	Merchant  string        `default:"898000000000001" help:"Field 42 of it, as long as the field. Default: 898000000000001."`
	Batch     string        `default:"000001" help:"Its current batch, told in the answer to a sign-on. Default: 000001. A batch closed in the ledger goes before it."`
	TMKFile   string        `name:"tmk-file" placeholder:"FILE" help:"The terminal's master key, 32 or 48 hex digits. Without: the textbook key 0123456789ABCDEFFEDCBA9876543210."`
	KeyBlock  int           `placeholder:"BYTES" help:"How a sign-on tells the working keys: in 24, 40, 60 or 84 bytes. Default: 40, or 84 for a long MAC key."`
	Ledger    string        `placeholder:"FILE" help:"Where the ledger is kept, one JSON line per entry, each on disk before the answer. Without: in memory."`
	Currency  string        `placeholder:"NUMBER" help:"The only currency, as its ISO 4217 number (156). Without: any."`
	Balance   int64         `default:"10000000" placeholder:"CENTS" help:"What a card has to spend, in minor units. Default: 10000000."`
	SameDay   bool          `help:"Voids and reversals of another calendar day of the host are refused (25). See --clock."`
	Clock     time.Duration `placeholder:"SPAN" help:"How far the host's clock is ahead (24h), or behind (-24h)."`
	KeepAlive time.Duration `placeholder:"SPAN" help:"Send an empty frame on every connection so often (30s). Without: never."`
	Rules     string        `placeholder:"FILE" help:"Faults: [[rule]] tables in TOML, or {\"rule\":[...]} in a .json file."`
	Fault     []string      `sep:"none" placeholder:"RULE" help:"One more fault, written as key=value,key=value. May be repeated."`
	Seed      int64         `placeholder:"NUMBER" help:"Of the luck of rules with a probability: the same seed, the same faults."`
	NotFound  string        `placeholder:"CODE" help:"Answer to the reversal of what never arrived. Default: 25; many hosts say 00."`
	Already   string        `placeholder:"CODE" help:"Answer to a second reversal. Default: 25."`
	Failed    string        `placeholder:"CODE" help:"Answer to the reversal of what was declined. Default: 01."`
	Code      []string      `placeholder:"NAME=CODE" help:"Any other answer (format=30). May be repeated. Without: as the dialect's answer table has it."`
}

// Help teaches by example.
func (simHostCmd) Help() string {
	return `The host is strict. It checks terminal, merchant, every field's presence and form, MAC, sign-on, batch (77), repeated
trace numbers (94), amounts and currency, finds the originals of voids, refunds, completions and reversals in its own
ledger, and adds up every batch itself. A refusal for the form of a message (30) is logged with the field.

What it does wrong is said in rules. A rule's conditions are mti, kind, terminal, amount (minor units), trace, nth,
times, and probability (0 to 1) with a seed. All that are given must fit; the first rule that fits decides. Kinds:

  ` + wrapped(hostsim.Kinds(), 100) + `

What it does is "do", with delay, code or value where that needs one:

` + actionList() + `
The answers that --code sets:

  ` + wrapped(hostsim.CodeNames(), 100) + `

Examples:

  hwtest sim host --ledger host.jsonl
  hwtest sim host --fault amount=666,do=silent                   # a sale of 6.66 is never answered
  hwtest sim host --fault kind=sale,nth=3,do=commit-silent       # the third one is booked, the answer lost
  hwtest sim host --fault kind=reversal,times=2,do=reverse-code,code=96
  hwtest sim host --fault probability=0.1,do=reset --seed 7      # one message in ten, the same ones each time
  hwtest sim host --not-found 00 --code batch=99 --same-day --clock 24h

Control:

  GET  /control/ledger          {"entries":[...]}   payments
  GET  /control/messages        {"entries":[...]}   sign-ons, echoes and settlements as well
  GET  /control/batches         {"batches":[...]}   totals told and own, uploaded items, what is missing
  GET  /control/bill?batch=000001           the bill of a batch, for posd reconcile: a line per message that moved money, with
                                the columns terminal, batch, trace, kind (sale, completion, qr-sale; void, refund,
                                completion-void, qr-void, qr-refund), state (booked, reversed), amount in minor units, currency,
                                reference, approval, time; the first line is "# batch bill 1", the last one "# end: N rows".
                                What is wrong in it: &missing=TRACE&amount=TRACE:100
  GET  /control/terminals       {"terminals":[...]} with their current batches
  GET  /control/accounts        {"accounts":[...]}
  PUT  /control/accounts        {"card":"622848*********0018","balance":5000}   or its number, of which no more is kept
  GET  /control/rules           {"rule":[...]}
  PUT  /control/rules           {"rule":[{"amount":666,"do":"silent"}]}   replaces all rules
  POST /control/forget-keys     {}                                        every terminal must sign on again
  PUT  /control/batch           {"terminal":"10000001","batch":"000002"}
  PUT  /control/clock           {"ahead":"24h"}`
}

func actionList() string {
	var b strings.Builder
	for _, a := range hostsim.Actions() {
		fmt.Fprintf(&b, "  %-15s %s\n", a[0], a[1])
	}
	return b.String()
}

// wrapped lists names in lines of at most so many characters.
func wrapped(names []string, width int) string {
	lines := []string{""}
	for _, n := range names {
		if last := lines[len(lines)-1]; last != "" && len(last)+2+len(n) > width {
			lines[len(lines)-1] += ","
			lines = append(lines, n)
		} else if last != "" {
			lines[len(lines)-1] += ", " + n
		} else {
			lines[0] = n
		}
	}
	return strings.Join(lines, "\n  ")
}

// Run serves until it is told to stop.
func (c *simHostCmd) Run(ctx context.Context, g *globals) (err error) {
	o, err := c.options(g.log())
	if err != nil {
		return err
	}
	secure, err := c.tls()
	if err != nil {
		return err
	}
	h, err := hostsim.New(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	h.SetAhead(c.Clock)
	ln, err := listenLocal(ctx, c.Listen)
	if err != nil {
		return err
	}
	address := ln.Addr().String()
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	return c.run(ctx, g, simulator{
		name: "host", address: address, control: hostControl(h),
		serve: []func(context.Context) error{func(ctx context.Context) error { return h.Serve(ctx, ln) }},
	})
}

// options turns the flags into what a host is made of.
func (c *simHostCmd) options(log *slog.Logger) (hostsim.Options, error) {
	o := hostsim.Options{
		Terminals: []hostsim.Terminal{{ID: c.Terminal, Merchant: c.Merchant, Batch: c.Batch}},
		Ledger:    c.Ledger, Currency: c.Currency, Balance: c.Balance, SameDay: c.SameDay,
		KeepAlive: c.KeepAlive, Seed: c.Seed, KeyBlock: c.KeyBlock,
		Codes: hostsim.Codes{NotFound: c.NotFound, Already: c.Already, Failed: c.Failed},
		Log:   log,
	}
	for _, pair := range c.Code {
		name, code, _ := strings.Cut(pair, "=")
		if err := o.Codes.Set(name, code); err != nil {
			return o, fmt.Errorf("--code: %w", err)
		}
	}
	if c.KeepAlive < 0 || c.Balance < 0 {
		return o, errors.New("--keep-alive and --balance are not negative")
	}
	var err error
	if o.Dialect, err = c.load(); err != nil {
		return o, err
	}
	for _, n := range []struct{ flag, role, text string }{{"--terminal", "terminal", c.Terminal}, {"--merchant", "merchant", c.Merchant}} {
		if want := hostsim.FieldLength(o.Dialect, n.role); want > 0 && len(n.text) != want {
			return o, fmt.Errorf("%s %q: field %d of dialect %s has %d characters; fill it with spaces where the acquirer does",
				n.flag, n.text, o.Dialect.RoleField(n.role), o.Dialect.Name(), want)
		}
	}
	if o.TMK, err = hexFile(c.TMKFile, testTMK); err != nil {
		return o, fmt.Errorf("--tmk-file: %w", err)
	}
	o.Rules, err = c.rules()
	return o, err
}

// rules are those of the file, then those of the flags.
func (c *simHostCmd) rules() (rules []hostsim.Rule, err error) {
	if c.Rules != "" {
		if rules, err = hostsim.ReadRules(c.Rules); err != nil {
			return nil, err
		}
	}
	for _, f := range c.Fault {
		text, err := ruleFlags([]string{f})
		if err != nil {
			return nil, err
		}
		more, err := hostsim.ParseRulesJSON(fmt.Sprintf("--fault %q", f), fmt.Appendf(nil, `{"rule":%s}`, text))
		if err != nil {
			return nil, err
		}
		rules = append(rules, more...)
	}
	return slices.Clip(rules), nil
}

// tls is how the host speaks TLS; nil: it does not.
func (c *simHostCmd) tls() (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" && c.ClientCA == "" {
		return nil, nil //nolint:nilnil // plain TCP is neither a configuration nor an error
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if c.ClientCA == "" {
		return conf, nil
	}
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("--client-ca: %w", err)
	}
	conf.ClientCAs, conf.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !conf.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--client-ca: %s holds no certificate in PEM", c.ClientCA)
	}
	return conf, nil
}

// hexFile reads a key written in hex; an empty name stands for orElse.
func hexFile(name, orElse string) ([]byte, error) {
	text := orElse
	if name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		text = strings.TrimSpace(string(b))
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 16 && len(key) != 24 {
		return nil, errors.New("want 32 or 48 hex digits") // and not what stands there instead
	}
	return key, nil
}
