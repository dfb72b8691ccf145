// Package hostsim is an acquirer's host with its own ledger, and faults.
//
// It speaks whatever dialect it is given and is strict: it checks terminal and merchant, MAC, sign-on, batch number and
// trace number, and matches voids, refunds and reversals by its own ledger. What it should do wrong is said in rules.
package hostsim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"posd/iso8583"
)

// Options is what a Host is made of. Dialect, TMK and at least one terminal must be given.
type Options struct {
	Dialect   *iso8583.Dialect
	TMK       []byte // the master key of every terminal, plain
	Terminals []Terminal
	Ledger    string // file; "" keeps the ledger in memory
	Rules     []Rule
	Codes     Codes
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // makes working keys; nil: crypto/rand
	Log       *slog.Logger     // nil: none
}

// Terminal is one that the host knows.
type Terminal struct {
	ID       string `toml:"id" json:"id"`
	Merchant string `toml:"merchant" json:"merchant"`
	Batch    string `toml:"batch" json:"batch"` // current batch; "" is 000001
}

// Codes are the answers to reversals in which hosts differ. An empty one has the default that its comment names.
type Codes struct {
	NotFound string // no such original: 25. Some hosts answer 00, to stop the terminal from asking
	Already  string // reversed before: 25. Some hosts answer 00
	Failed   string // the original was declined: 01
}

// Host is a simulated acquirer. It is made by New and may serve any number of connections.
type Host struct {
	dialect *iso8583.Dialect
	shapes  []shape
	roles   roles
	tmk     []byte
	codes   Codes
	now     func() time.Time
	rand    io.Reader
	log     *slog.Logger
	ledger  *ledger

	mu        sync.Mutex
	terminals map[string]*terminal // guarded by mu, and so is what it points to
	rules     *ruleSet             // guarded by mu
}

// terminal is what the host knows of one terminal. Guarded by the host's mutex.
type terminal struct {
	Terminal
	keys *iso8583.Keys // nil until it signs on
	held [][]byte      // late answers that wait for the terminal's next one
}

// roles are the numbers of the fields that the host fills in its answers; 0 where the dialect has none.
type roles struct {
	amount, trace, time, date, rrn, approval, code, keys int
}

func rolesOf(d *iso8583.Dialect) roles {
	f := d.RoleField
	return roles{
		amount: f("amount"), trace: f("trace"), time: f("time"), date: f("date"),
		rrn: f("rrn"), approval: f("approval"), code: f("code"), keys: f("keys"),
	}
}

// New makes a host and reads its ledger file, if there is one.
func New(o Options) (*Host, error) {
	if o.Dialect == nil || len(o.TMK) == 0 || len(o.Terminals) == 0 {
		return nil, errors.New("host needs a dialect, a master key and a terminal")
	}
	shapes, err := learnShapes(o.Dialect, o.Terminals[0])
	if err != nil {
		return nil, fmt.Errorf("learn the dialect's transactions: %w", err)
	}
	rules, err := newRuleSet(o.Rules)
	if err != nil {
		return nil, err
	}
	book, err := openLedger(o.Ledger)
	if err != nil {
		return nil, err
	}
	h := &Host{
		dialect: o.Dialect, shapes: shapes, roles: rolesOf(o.Dialect), tmk: o.TMK, codes: o.Codes.orDefaults(),
		now: o.Now, rand: o.Rand, log: o.Log, ledger: book, rules: rules, terminals: map[string]*terminal{},
	}
	h.fillDoors()
	for _, t := range o.Terminals {
		if t.Batch == "" {
			t.Batch = "000001"
		}
		h.terminals[t.ID] = &terminal{Terminal: t}
	}
	return h, nil
}

func (h *Host) fillDoors() {
	if h.now == nil {
		h.now = time.Now
	}
	if h.rand == nil {
		h.rand = rand.Reader
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
}

func (c Codes) orDefaults() Codes {
	for _, d := range []struct {
		code  *string
		value string
	}{{&c.NotFound, "25"}, {&c.Already, "25"}, {&c.Failed, "01"}} {
		if *d.code == "" {
			*d.code = d.value
		}
	}
	return c
}

// SetRules replaces the rules at run time; their counts start anew.
func (h *Host) SetRules(rules ...Rule) error {
	s, err := newRuleSet(rules)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = s
	return nil
}

// SetBatch opens another batch for a terminal, as a settlement at the host does.
func (h *Host) SetBatch(id, batch string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.terminals[id]; t != nil {
		t.Batch = batch
	}
}

// ForgetKeys makes every terminal sign on again.
func (h *Host) ForgetKeys() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.terminals {
		t.keys = nil
	}
}

// Ledger gives a copy of every entry, in order, with what later entries did to it.
func (h *Host) Ledger() []Entry { return h.ledger.all() }

// Net is what is left captured over all entries that match; nil matches all.
func (h *Host) Net(match func(Entry) bool) int64 {
	var sum int64
	for _, e := range h.ledger.all() {
		if match == nil || match(e) {
			sum += e.Net()
		}
	}
	return sum
}

// Close ends the use of the ledger file. Connections must have ended before.
func (h *Host) Close() error { return h.ledger.close() }
