package walletsim

import (
	"cmp"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"
)

// PhoneOptions make a customer.
type PhoneOptions struct {
	Balance  int64  `json:"balance"`             // minor units
	Prefix   string `json:"prefix,omitempty"`    // of online codes; "90" when empty, which no real wallet uses
	Digits   int    `json:"digits,omitempty"`    // of online codes; 18 when 0
	AskAbove int64  `json:"ask_above,omitempty"` // larger payments wait for Confirm; 0 never asks
}

// handset is a phone as the server knows it: who is logged in, what it shows, and its seed. mu guards it.
type handset struct {
	g       *Gateway
	account *account
	shown   *onlineCode
	seed    *enrolment // nil where the account may have no offline codes
}

// Phone is a customer's phone within the simulator: logged in, with the wallet's app open.
type Phone struct {
	handset
	id      string
	step    int64 // of the last offline code
	counter byte  // of offline codes within a step
}

// onlineCode is one row of the server's table that links a code to an account.
type onlineCode struct {
	account *account
	expires time.Time
	order   string // that consumed it
	dead    bool   // superseded by a refresh
}

// onlineLife is how long an online code is good for.
const onlineLife = time.Minute

// NewPhone opens an account and logs a phone in to it.
func (g *Gateway) NewPhone(o PhoneOptions) (*Phone, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, err := g.newAccount(o)
	if err != nil {
		return nil, err
	}
	p := &Phone{handset: handset{g: g, account: a}, id: fmt.Sprintf("phone-%d", len(g.phones)+1)}
	if err := p.enrol(Schemes()[0]); err != nil {
		return nil, err
	}
	g.phones[p.id] = p
	return p, nil
}

// Phone finds a phone by its id.
func (g *Gateway) Phone(id string) (*Phone, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.phones[id]
	return p, ok
}

// ID names the phone at the control interface.
func (p *Phone) ID() string { return p.id }

// Balance is what the customer has.
func (p *Phone) Balance() int64 {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.account.balance
}

// Online shows the online code: the one on the screen while it is good, else a new one.
func (p *Phone) Online() (string, error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if s := p.shown; s != nil && s.order == "" && p.g.now().Before(s.expires) {
		for code, c := range p.g.codes {
			if c == s {
				return code, nil
			}
		}
	}
	return p.issue()
}

// Refresh asks the server for a new online code; the old one is dead.
func (p *Phone) Refresh() (string, error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.issue()
}

// issue supersedes the code that is shown and draws one that is in nobody's hand; mu is held. Rows that are long dead
// are forgotten.
func (h *handset) issue() (string, error) {
	if h.shown != nil {
		h.shown.dead = true
	}
	for code, c := range h.g.codes {
		if h.g.now().Sub(c.expires) > time.Hour {
			delete(h.g.codes, code)
		}
	}
	for range 10 {
		rest, err := h.g.digits(h.account.digits - len(h.account.prefix))
		if err != nil {
			return "", err
		}
		code := h.account.prefix + rest
		if _, taken := h.g.codes[code]; taken {
			continue
		}
		h.shown = &onlineCode{account: h.account, expires: h.g.now().Add(onlineLife)}
		h.g.codes[code] = h.shown
		return code, nil
	}
	return "", fmt.Errorf("phone: no free code in 10 draws")
}

// leave logs the handset out: the seed is destroyed and the code on the screen is dead; mu is held.
func (h *handset) leave() {
	if h.shown != nil {
		h.shown.dead = true
	}
	if h.seed != nil {
		clear(h.seed.seed)
		delete(h.g.seeds, h.seed.handle)
	}
	h.seed, h.shown = nil, nil
}

// Confirm is the customer typing the password: every payment that waits for it is made.
func (p *Phone) Confirm() {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	p.confirm()
}

// confirm makes the payments that wait and gives how many; mu is held.
func (h *handset) confirm() (made int) {
	for _, o := range h.waiting() {
		if h.g.capture(o) == broken {
			o.waits = 0 // the ledger took nothing: the next query books it
			continue
		}
		made++
	}
	return made
}

// refuse is the customer saying no to every payment that waits: at Alipay the order is closed, at WeChat it has failed
// and wants reversing; mu is held.
func (h *handset) refuse() (refused int) {
	for _, o := range h.waiting() {
		h.g.fail(o)
		refused++
	}
	return refused
}

// waiting are the payments that wait for the customer's password, the oldest first; mu is held.
func (h *handset) waiting() (all []*order) {
	for _, o := range h.g.orders {
		due := o.state == waiting && !o.failed && h.g.now().Sub(o.created) < autoClose[o.wallet]
		if o.account == h.account && due {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *order) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.number, b.number)) })
	return all
}

// redeem consumes a code for an order and gives its account, or nil when the code is not good; mu is held. A code is
// gone even when the payment then fails.
func (g *Gateway) redeem(code, order string) *account {
	if len(code) == codeDigits && isOffline(code) {
		return g.redeemOffline(code, order)
	}
	c := g.codes[code]
	if c == nil || c.dead || c.order != "" && c.order != order || !g.now().Before(c.expires) {
		return nil
	}
	c.order = order
	return c.account
}

// digits draws n random digits; mu is held.
func (g *Gateway) digits(n int) (string, error) {
	out := ""
	for len(out) < n {
		var b [8]byte
		if _, err := io.ReadFull(g.o.Rand, b[:]); err != nil {
			return "", fmt.Errorf("draw digits: %w", err)
		}
		out += fmt.Sprintf("%016d", binary.BigEndian.Uint64(b[:])%1e16)
	}
	return out[:n], nil
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// same compares secrets in constant time.
func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
