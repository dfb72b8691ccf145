// Package phone is a customer's phone with the wallet's app: it logs in at a simulated gateway, asks it for online codes
// and makes offline codes of a seed. What the app keeps is one file, as a phone's storage is; a rooted phone's file can
// be copied, and the copy makes codes until the gateway revokes the seed.
package phone

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"posd/hwtest/walletsim"
)

// The lives of codes.
const (
	onlineLife = time.Minute
	step       = 30 * time.Second // offline codes: made for one step, taken in the one before and after
	perStep    = 4                // offline codes that differ within a step
)

// What a phone can answer instead of a code.
var (
	ErrLoggedOut = errors.New("nobody is logged in on this phone: log in first")
	ErrNoSeed    = errors.New("this phone has no seed for offline codes: the account is restricted, or its app is too old; online codes work")
	ErrStolen    = errors.New("this is a copied seed without a login: it makes offline codes only")
)

// Options say which phone it is.
type Options struct {
	File string           // its storage
	Slow time.Duration    // how much later everything arrives that comes from the gateway
	Now  func() time.Time // the phone's clock; time.Now when nil
}

// Phone is the wallet's app on one phone. It is not safe for concurrent use; two programs that use one file at a time
// may show one offline code twice.
type Phone struct {
	o Options
	s storage
	c *client
}

// Open takes up the phone that a file holds. A file that is not there is a new phone: nobody is logged in.
func Open(o Options) (*Phone, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := load(o.File)
	if err != nil {
		return nil, err
	}
	p := &Phone{o: o, s: s}
	if s.Wallet != "" {
		p.c, err = newClient(s.Wallet, s.CA, o.Slow)
	}
	return p, err
}

// Gateway says where the phones' door of the gateway is, and by what authority's certificate (PEM) it is known.
type Gateway struct{ URL, CA string }

// Login is what the customer types, and what the app is.
type Login struct {
	Account, Password string
	Old               bool // an old app: it knows the first version of the offline algorithm only
	Rooted            bool // the app notices that the phone is rooted, and says so
}

// LogIn begins a login; whoever was logged in before is logged out, and that seed is destroyed on both sides.
func (p *Phone) LogIn(ctx context.Context, g Gateway, l Login) error {
	c, err := newClient(g.URL, g.CA, p.o.Slow)
	if err != nil {
		return err
	}
	in := walletsim.LoginRequest{Account: l.Account, Password: l.Password, Rooted: l.Rooted, Session: string(p.s.Session)}
	for _, s := range walletsim.Schemes() {
		in.Schemes = append(in.Schemes, s.Prefix)
	}
	if l.Old {
		in.Schemes = in.Schemes[:1]
	}
	var out walletsim.LoginAnswer
	if err := c.do(ctx, call{"POST", "login", "", in, &out}); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	s := storage{Wallet: g.URL, CA: g.CA, Account: l.Account, Session: secret(out.Session)}
	if out.Seed != nil {
		s.Seed = &seed{out.Seed.Scheme, out.Seed.Handle, secret(out.Seed.Seed), secret(out.Seed.GroupKey), 0, 0}
	}
	p.s, p.c = s, c
	return p.save()
}

// LogOut destroys the seed on both sides. When the gateway cannot be reached the phone's own is destroyed all the same.
func (p *Phone) LogOut(ctx context.Context) error {
	if p.s.Session == "" {
		return ErrLoggedOut
	}
	err := p.c.do(ctx, call{"POST", "logout", p.s.Session, nil, nil})
	p.s = storage{}
	return errors.Join(err, p.save())
}

// Account is who is logged in; "" for nobody.
func (p *Phone) Account() string { return p.s.Account }

// Code is what stands on the screen.
type Code struct {
	Digits  string // of the code: worth what card data is worth
	Offline bool
	Ends    time.Time
}

// Online asks the gateway for a new code; the one before is dead.
func (p *Phone) Online(ctx context.Context) (Code, error) {
	var out walletsim.CodeAnswer
	asked := p.o.Now()
	if err := p.ask(ctx, "POST", "code", nil, &out); err != nil {
		return Code{}, err
	}
	return Code{Digits: out.Code, Ends: asked.Add(time.Duration(out.Seconds) * time.Second)}, nil
}

// Offline makes a code of seed and time, without the gateway. Within half a minute there are four, then they repeat.
func (p *Phone) Offline() (Code, error) {
	sd := p.s.Seed
	switch {
	case sd == nil && p.s.Account == "":
		return Code{}, ErrLoggedOut
	case sd == nil:
		return Code{}, ErrNoSeed
	}
	now := p.o.Now()
	counter := sd.next(now)
	if err := p.save(); err != nil { // before it is shown: a code is shown once
		return Code{}, err
	}
	digits, err := sd.code(now, counter)
	return Code{digits, true, now.Truncate(step).Add(2 * step)}, err
}

// Stands asks how the account stands.
func (p *Phone) Stands(ctx context.Context) (out walletsim.PhoneAnswer, err error) {
	err = p.ask(ctx, "GET", "account", nil, &out)
	return out, err
}

// Confirm is the customer typing the password: what waits for it is paid. It gives how many payments did.
func (p *Phone) Confirm(ctx context.Context, password string) (int, error) {
	var out struct{ Payments int }
	err := p.ask(ctx, "POST", "confirm", map[string]string{"password": password}, &out)
	return out.Payments, err
}

// Refuse is the customer saying no to what waits. It gives how many payments did.
func (p *Phone) Refuse(ctx context.Context) (int, error) {
	var out struct{ Payments int }
	err := p.ask(ctx, "POST", "refuse", nil, &out)
	return out.Payments, err
}

// Clone is what malware on a rooted phone does: it copies the seed to another file, from which codes can be made. The
// session stays behind, since the phone's system guards that.
func (p *Phone) Clone(file string) error {
	if p.s.Seed == nil {
		return ErrNoSeed
	}
	copied := *p.s.Seed
	return storage{Account: p.s.Account, Seed: &copied}.save(file)
}

func (p *Phone) ask(ctx context.Context, method, path string, body, into any) error {
	switch {
	case p.s.Session != "":
		return p.c.do(ctx, call{method, path, p.s.Session, body, into})
	case p.s.Seed != nil:
		return ErrStolen
	}
	return ErrLoggedOut
}

func (p *Phone) save() error { return p.s.save(p.o.File) }

// next gives the counter of the next code, and remembers it.
func (s *seed) next(now time.Time) byte {
	if at := now.Unix() / int64(step/time.Second); at != s.Step {
		s.Step, s.Counter = at, 0
	} else {
		s.Counter = (s.Counter + 1) % perStep
	}
	return s.Counter
}

func (s *seed) code(now time.Time, counter byte) (string, error) {
	scheme, ok := walletsim.SchemeOf(s.Scheme)
	if !ok {
		return "", fmt.Errorf("this app does not know the offline algorithm %q", s.Scheme)
	}
	key, err := hex.DecodeString(string(s.GroupKey))
	if err != nil {
		return "", errors.New("the group key in the phone's file is damaged: log in again")
	}
	own, err := hex.DecodeString(string(s.Seed))
	if err != nil {
		return "", errors.New("the seed in the phone's file is damaged: log in again")
	}
	m, err := scheme.Maker(key)
	if err != nil {
		return "", err
	}
	return m.Code(own, s.Handle, now, counter)
}
