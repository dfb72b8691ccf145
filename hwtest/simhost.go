package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"posd/hwtest/hostsim"
)

// testTMK is the master key that textbooks use. It protects nothing.
const testTMK = "0123456789ABCDEFFEDCBA9876543210"

// simHostCmd is the verb sim host.
type simHostCmd struct {
	simFlags
	dialectFlag
	Listen   string   `default:"127.0.0.1:0" placeholder:"ADDR" help:"Where terminals call, on this machine only. Default: a free port."`
	Terminal string   `default:"10000001" help:"Field 41 of the terminal that the host knows. Default: 10000001."`
	Merchant string   `default:"898000000000001" help:"Field 42 of it. Default: 898000000000001."`
	Batch    string   `default:"000001" help:"Its current batch, told in the answer to a sign-on. Default: 000001."`
	TMKFile  string   `name:"tmk-file" placeholder:"FILE" help:"The terminal's master key, 32 or 48 hex digits. Without: the textbook key 0123456789ABCDEFFEDCBA9876543210."`
	Ledger   string   `placeholder:"FILE" help:"Where the ledger is kept, one JSON line per entry, each on disk before the answer. Without: in memory."`
	Rules    string   `placeholder:"FILE" help:"Faults: [[rule]] tables in TOML, or {\"rule\":[...]} in a .json file."`
	Fault    []string `sep:"none" placeholder:"RULE" help:"One more fault, written as key=value,key=value. May be repeated."`
	NotFound string   `placeholder:"CODE" help:"Answer to the reversal of what never arrived. Default: 25; many hosts say 00."`
	Already  string   `placeholder:"CODE" help:"Answer to a second reversal. Default: 25."`
	Failed   string   `placeholder:"CODE" help:"Answer to the reversal of what was declined. Default: 01."`
}

// Help teaches by example.
func (simHostCmd) Help() string {
	return `The host is strict: it checks terminal, merchant, MAC, sign-on, batch (77) and repeated trace numbers (94), and
matches reversals by its own ledger. What it does wrong is said in rules. A rule's conditions are mti, kind (sign-on,
echo, sale, void, refund, reversal, sale-reversal, void-reversal), terminal, amount (minor units), trace, nth and times;
what it does is "do", with delay, code or value where that needs one:

  ` + actionList() + `

Examples:

  hwtest sim host --ledger host.jsonl
  hwtest sim host --fault amount=666,do=silent                   # a sale of 6.66 is never answered
  hwtest sim host --fault kind=sale,nth=3,do=commit-silent       # the third one is booked, the answer lost
  hwtest sim host --fault kind=reversal,times=2,do=reverse-code,code=96

Control:

  GET  /control/ledger          {"entries":[...]}
  PUT  /control/rules           {"rule":[{"amount":666,"do":"silent"}]}   replaces all rules
  POST /control/forget-keys     {}                                        every terminal must sign on again
  PUT  /control/batch           {"terminal":"10000001","batch":"000002"}`
}

func actionList() string {
	var names []string
	for _, a := range hostsim.Actions() {
		names = append(names, string(a))
	}
	half := len(names) / 2
	return strings.Join(names[:half], ", ") + ",\n  " + strings.Join(names[half:], ", ")
}

// Run serves until it is told to stop.
func (c *simHostCmd) Run(ctx context.Context, g *globals) (err error) {
	o, err := c.options(g)
	if err != nil {
		return err
	}
	h, err := hostsim.New(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	ln, err := listenLocal(ctx, c.Listen)
	if err != nil {
		return err
	}
	return c.run(ctx, g, simulator{
		name: "host", address: ln.Addr().String(), control: hostControl(h),
		serve: []func(context.Context) error{func(ctx context.Context) error { return h.Serve(ctx, ln) }},
	})
}

func (c *simHostCmd) options(g *globals) (hostsim.Options, error) {
	o := hostsim.Options{
		Terminals: []hostsim.Terminal{{ID: c.Terminal, Merchant: c.Merchant, Batch: c.Batch}},
		Ledger:    c.Ledger,
		Codes:     hostsim.Codes{NotFound: c.NotFound, Already: c.Already, Failed: c.Failed},
		Log:       g.log(),
	}
	var err error
	if o.Dialect, err = c.load(); err != nil {
		return o, err
	}
	if o.TMK, err = hexFile(c.TMKFile, testTMK); err != nil {
		return o, fmt.Errorf("--tmk-file: %w", err)
	}
	if c.Rules != "" {
		if o.Rules, err = hostsim.ReadRules(c.Rules); err != nil {
			return o, err
		}
	}
	text, err := ruleFlags(c.Fault)
	if err != nil {
		return o, err
	}
	more, err := hostsim.ParseRulesJSON(fmt.Appendf(nil, `{"rule":%s}`, text))
	o.Rules = append(o.Rules, more...)
	return o, err
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

func hostControl(h *hostsim.Host) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/ledger", onGet(func() map[string][]hostsim.Entry {
		return map[string][]hostsim.Entry{"entries": append([]hostsim.Entry{}, h.Ledger()...)}
	}))
	mux.HandleFunc("PUT /control/rules", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = setHostRules(h, text)
		}
		answerJSON(w, struct{}{}, err)
	})
	mux.HandleFunc("POST /control/forget-keys", onBody(func(struct{}) error {
		h.ForgetKeys()
		return nil
	}))
	mux.HandleFunc("PUT /control/batch", onBody(func(in struct{ Terminal, Batch string }) error {
		if len(in.Batch) != 6 {
			return errors.New("a batch has six digits")
		}
		h.SetBatch(in.Terminal, in.Batch)
		return nil
	}))
	return mux
}

func setHostRules(h *hostsim.Host, text json.RawMessage) error {
	rules, err := hostsim.ParseRulesJSON(text)
	if err != nil {
		return err
	}
	return h.SetRules(rules...)
}
