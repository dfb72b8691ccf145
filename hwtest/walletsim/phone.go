package walletsim

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// account is a customer's money at the gateway. Its fields are guarded by the gateway's mu.
type account struct {
	id       string
	balance  int64
	askAbove int64
}

// masked shows the last two digits of an account's id.
func (a *account) masked() string {
	if a == nil {
		return ""
	}
	return "**************" + a.id[len(a.id)-2:]
}

// PhoneOptions make a customer.
type PhoneOptions struct {
	Balance  int64  `json:"balance"`             // minor units
	Prefix   string `json:"prefix,omitempty"`    // of online codes; "90" when empty, which no real wallet uses
	Digits   int    `json:"digits,omitempty"`    // of online codes; 18 when 0
	AskAbove int64  `json:"ask_above,omitempty"` // larger payments wait for Confirm; 0 never asks
}

// Phone is a customer's phone: logged in, with the wallet's app open.
type Phone struct {
	g       *Gateway
	id      string
	o       PhoneOptions
	account *account
	shown   *onlineCode
	seed    *enrolment // what the app keeps since the last login
	step    int64      // of the last offline code
	counter byte       // of offline codes within a step
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
	if o.Prefix == "" {
		o.Prefix = "90"
	}
	if o.Digits == 0 {
		o.Digits = codeDigits
	}
	if o.Digits < 16 || o.Digits > 24 || !allDigits(o.Prefix) || len(o.Prefix) > 4 || strings.HasPrefix(o.Prefix, offlinePrefix) {
		return nil, fmt.Errorf("phone: prefix %q with %d digits makes no online code", o.Prefix, o.Digits)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &Phone{g: g, id: fmt.Sprintf("phone-%d", len(g.phones)+1), o: o}
	number, err := g.digits(12)
	if err != nil {
		return nil, err
	}
	p.account = &account{id: "2088" + number, balance: o.Balance, askAbove: o.AskAbove}
	if err := p.login(); err != nil {
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
func (p *Phone) Online() (string, error) { return p.show(false) }

// Refresh asks the server for a new online code; the old one is dead.
func (p *Phone) Refresh() (string, error) { return p.show(true) }

func (p *Phone) show(fresh bool) (string, error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if s := p.shown; s != nil && !fresh && s.order == "" && p.g.now().Before(s.expires) {
		for code, c := range p.g.codes {
			if c == s {
				return code, nil
			}
		}
	}
	if p.shown != nil {
		p.shown.dead = true
	}
	return p.issue()
}

// issue draws a code that is in nobody's hand; mu is held. The other rows that are long dead are forgotten.
func (p *Phone) issue() (string, error) {
	for code, c := range p.g.codes {
		if p.g.now().Sub(c.expires) > time.Hour {
			delete(p.g.codes, code)
		}
	}
	for range 10 {
		rest, err := p.g.digits(p.o.Digits - len(p.o.Prefix))
		if err != nil {
			return "", err
		}
		code := p.o.Prefix + rest
		if _, taken := p.g.codes[code]; taken {
			continue
		}
		p.shown = &onlineCode{account: p.account, expires: p.g.now().Add(onlineLife)}
		p.g.codes[code] = p.shown
		return code, nil
	}
	return "", fmt.Errorf("phone: no free code in 10 draws")
}

// Confirm is the customer typing the password: every payment that waits for it is made.
func (p *Phone) Confirm() {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	for _, o := range p.g.orders {
		waits := o.state == waiting && !o.failed && p.g.now().Sub(o.created) < autoClose[o.wallet]
		if o.account == p.account && waits && p.g.capture(o) == broken {
			o.waits = 0 // the ledger took nothing: the next query books it
		}
	}
}

// redeem consumes a code for an order and gives its account, or nil when the code is not good; mu is held. A code is
// gone even when the payment then fails.
func (g *Gateway) redeem(code, order string) *account {
	if len(code) == codeDigits && code[:2] == offlinePrefix {
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
