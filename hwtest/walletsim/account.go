package walletsim

import (
	"fmt"
	"strings"
	"time"
)

// account is a customer's money at the gateway. Its fields are guarded by the gateway's mu.
type account struct {
	id         string
	balance    int64
	askAbove   int64
	prefix     string // of online codes
	digits     int    // of online codes
	name       string // of the login; "" for the customers of tests, who have no password either
	password   string
	wrong      strikes // wrong passwords
	restricted bool    // no offline codes
}

// masked shows the last two digits of an account's id.
func (a *account) masked() string {
	if a == nil {
		return ""
	}
	return "**************" + a.id[len(a.id)-2:]
}

// AccountOptions make a customer who logs in by name and password.
type AccountOptions struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	PhoneOptions
}

// NewAccount opens an account that phones log in to. It fails for a name that is taken.
func (g *Gateway) NewAccount(o AccountOptions) error {
	if o.Name == "" || len(o.Name) > 64 || strings.ContainsAny(o.Name, "/ \n\t") || o.Password == "" {
		return fmt.Errorf("account %q: want a name without spaces or slashes, and a password", o.Name)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.accounts[o.Name] != nil {
		return fmt.Errorf("account %q: there is one already", o.Name)
	}
	a, err := g.newAccount(o.PhoneOptions)
	if err != nil {
		return err
	}
	a.name, a.password = o.Name, o.Password
	g.accounts[o.Name] = a
	return nil
}

// newAccount opens an account without a name; mu is held.
func (g *Gateway) newAccount(o PhoneOptions) (*account, error) {
	if o.Prefix == "" {
		o.Prefix = "90"
	}
	if o.Digits == 0 {
		o.Digits = codeDigits
	}
	if o.Digits < 16 || o.Digits > 24 || !allDigits(o.Prefix) || len(o.Prefix) < prefixDigits || len(o.Prefix) > 4 || isOffline(o.Prefix) {
		return nil, fmt.Errorf("phone: prefix %q with %d digits makes no online code", o.Prefix, o.Digits)
	}
	number, err := g.digits(12)
	if err != nil {
		return nil, err
	}
	return &account{id: "2088" + number, balance: o.Balance, askAbove: o.AskAbove, prefix: o.Prefix, digits: o.Digits}, nil
}

// Account is what the control interface shows of an account.
type Account struct {
	Name       string `json:"name"`
	Balance    int64  `json:"balance"`    // minor units
	Restricted bool   `json:"restricted"` // no offline codes
	Phones     int    `json:"phones"`     // that are logged in
}

// Account tells how an account stands.
func (g *Gateway) Account(name string) (Account, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.accounts[name]
	if a == nil {
		return Account{}, false
	}
	phones := 0
	for _, h := range g.sessions {
		if h.account == a {
			phones++
		}
	}
	return Account{Name: name, Balance: a.balance, Restricted: a.restricted, Phones: phones}, true
}

// Restrict takes offline codes from an account, whoever makes them, or gives them back. Online codes go on.
func (g *Gateway) Restrict(name string, restricted bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.accounts[name]
	if a != nil {
		a.restricted = restricted
	}
	return a != nil
}

// Revoke ends every login of an account: its seeds are destroyed, and what was made of them is worth nothing.
func (g *Gateway) Revoke(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.accounts[name]
	if a == nil {
		return false
	}
	for token, h := range g.sessions {
		if h.account == a {
			h.leave()
			delete(g.sessions, token)
		}
	}
	return true
}

// Retire says which versions of the offline algorithm are taken no more, by their prefixes; it replaces the list.
func (g *Gateway) Retire(prefixes ...string) error {
	for _, p := range prefixes {
		if _, known := SchemeOf(p); !known {
			return fmt.Errorf("no offline codes begin with %q", p)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retired = prefixes
	return nil
}

// strikes are the times of what was done wrong of late.
type strikes []time.Time

// out adds nothing: it tells whether five or more fell within ten minutes, and forgets the older ones.
func (s *strikes) out(now time.Time) bool {
	kept := (*s)[:0]
	for _, at := range *s {
		if now.Sub(at) < lockTime {
			kept = append(kept, at)
		}
	}
	*s = kept
	return len(kept) >= wrongTags
}
