// Package hostsim is an acquirer's host with its own ledger, and faults.
//
// It speaks whatever dialect it is given and is strict: it checks terminal and merchant, the form of a message, MAC,
// sign-on, batch number and trace number, matches voids, refunds, completions and reversals by its own ledger, and adds
// up every batch itself. What it should do wrong is said in rules.
package hostsim

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
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
	Fault     func(Request) (Rule, bool) // asked when no rule fits; it runs with the host locked
	Seed      int64                      // of the rules that have a probability and no seed of their own
	Codes     Codes
	Currency  string           // ISO 4217 number of the only currency; "": any
	Balance   int64            // what a card has, in minor units, where nobody has said; 0: 100000.00
	KeyBlock  int              // bytes of the working keys that a sign-on tells: 24, 40, 60 or 84; 0: 40, or 84 for a long MAC key
	SameDay   bool             // voids and reversals of another calendar day are refused
	KeepAlive time.Duration    // the host sends an empty frame on a connection so often; 0: never
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // makes working keys; nil: crypto/rand
	Log       *slog.Logger     // nil: none

	Seen func(*iso8583.Message) // nil, or shown every request that can be read, before it is answered, with the host locked; it keeps none
}

// usualBalance is what a card has in minor units: 100000.00.
const usualBalance = 10_000_000

// Terminal is one that the host knows.
type Terminal struct {
	ID       string `toml:"id" json:"id"`
	Merchant string `toml:"merchant" json:"merchant"`
	Batch    string `toml:"batch" json:"batch"` // current batch, six digits; "" is 000001. A batch closed in the ledger goes before it
}

// Host is a simulated acquirer. It is made by New and may serve any number of connections.
type Host struct {
	dialect   *iso8583.Dialect
	shapes    []shape
	roles     roles
	reasons   []string
	asks      headerDigit
	item      itemShape
	result    result
	secret    []byte // of hash
	tmk       []byte
	block     keyBlock
	codes     Codes
	seed      int64
	currency  string
	balance   int64
	sameDay   bool
	keepAlive time.Duration
	clock     func() time.Time
	seen      func(*iso8583.Message)
	rand      io.Reader
	log       *slog.Logger
	fault     func(Request) (Rule, bool)
	ledger    *ledger

	mu        sync.Mutex
	ahead     time.Duration        // guarded by mu; how far the host's clock is ahead
	terminals map[string]*terminal // guarded by mu, and so is what it points to
	rules     *ruleSet             // guarded by mu
	usedCodes map[string]bool      // guarded by mu; keyed hashes of wallets' codes
}

// terminal is what the host knows of one terminal. Guarded by the host's mutex.
type terminal struct {
	Terminal
	keys *iso8583.Keys
	on   bool     // it has signed on
	held [][]byte // late answers that wait for the terminal's next one
}

// New makes a host and reads its ledger file, if there is one. A rule that is wrong is a *RuleError.
func New(o Options) (*Host, error) {
	if o.Dialect == nil || len(o.TMK) == 0 || len(o.Terminals) == 0 {
		return nil, errors.New("host needs a dialect, a master key and a terminal")
	}
	if err := o.Codes.complete(o.Dialect); err != nil {
		return nil, err
	}
	h := &Host{
		dialect: o.Dialect, secret: make([]byte, sha256.Size),
		tmk: o.TMK, codes: o.Codes, seed: o.Seed, currency: o.Currency, balance: o.Balance, sameDay: o.SameDay, keepAlive: o.KeepAlive, seen: o.Seen,
		clock: o.Now, rand: o.Rand, log: o.Log, fault: o.Fault, terminals: map[string]*terminal{}, usedCodes: map[string]bool{},
	}
	h.fillDoors()
	var err error
	if h.block, err = blockFor(o.Dialect.MACRule(), o.KeyBlock); err != nil {
		return nil, err
	}
	if _, err := rand.Read(h.secret); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	if err := h.learn(o.Terminals[0]); err != nil {
		return nil, fmt.Errorf("learn the dialect's transactions: %w", err)
	}
	for _, t := range o.Terminals {
		if err := h.admit(t); err != nil {
			return nil, err
		}
	}
	if h.rules, err = newRuleSet(o.Rules, h.grounds()); err != nil {
		return nil, err
	}
	if h.ledger, err = openLedger(o.Ledger); err != nil {
		return nil, err
	}
	h.resumeBatches()
	return h, nil
}

func (h *Host) fillDoors() {
	if h.clock == nil {
		h.clock = time.Now
	}
	if h.rand == nil {
		h.rand = rand.Reader
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.balance == 0 {
		h.balance = usualBalance
	}
}

// admit adds a terminal, if the dialect can say its numbers.
func (h *Host) admit(t Terminal) error {
	t.ID, t.Merchant, t.Batch = strings.TrimRight(t.ID, " "), strings.TrimRight(t.Merchant, " "), orElse(t.Batch, "000001")
	if len(t.Batch) != 6 || !allDigits(t.Batch) {
		return fmt.Errorf("batch %q of terminal %s: want six digits", t.Batch, t.ID)
	}
	if err := h.canSay(t); err != nil {
		return err
	}
	keys, err := iso8583.NewKeys(h.tmk)
	if err != nil {
		return err
	}
	h.terminals[t.ID] = &terminal{Terminal: t, keys: keys, on: !h.dialect.HasTransaction(KindSignOn)}
	return nil
}

// canSay tells why a message of the dialect cannot hold a terminal's numbers.
func (h *Host) canSay(t Terminal) error {
	m := &iso8583.Message{MTI: "0200"}
	for role, text := range map[string]string{"terminal": t.ID, "merchant": t.Merchant} {
		if text == "" {
			return fmt.Errorf("terminal %q, merchant %q: want both", t.ID, t.Merchant)
		}
		h.write(m, pathOf(h.dialect, role), text)
	}
	if _, err := h.dialect.Pack(nil, m); err != nil {
		return fmt.Errorf("terminal %q, merchant %q: %w", t.ID, t.Merchant, err)
	}
	return nil
}

func (h *Host) grounds() grounds {
	return grounds{dialect: h.dialect, terminals: h.terminals, codes: h.codes, asks: h.asks, seed: h.seed}
}

// now is the host's time. The caller holds mu, or nobody else has the host yet.
func (h *Host) now() time.Time { return h.clock().Add(h.ahead) }

// Close ends the use of the ledger file. Connections must have ended before.
func (h *Host) Close() error { return h.ledger.close() }
