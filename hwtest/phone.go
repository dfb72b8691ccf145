package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"posd/hwtest/phone"
)

// phoneCmd is the verb phone: a customer's phone against a running "hwtest sim wallet".
type phoneCmd struct {
	Show    phoneShowCmd    `cmd:"" default:"withargs" help:"Show the payment code, as QR and Code 128 (without a verb, too)."`
	Login   phoneLoginCmd   `cmd:"" help:"Log a customer in; whoever was logged in on this phone is logged out."`
	Logout  phoneLogoutCmd  `cmd:"" help:"Log out: the seed is destroyed."`
	Account phoneAccountCmd `cmd:"" help:"Say what the customer has, and what waits for the password."`
	Confirm phoneConfirmCmd `cmd:"" help:"Type the password: what waits for it is paid."`
	Refuse  phoneRefuseCmd  `cmd:"" help:"Say no to what waits for the password."`
	Clone   phoneCloneCmd   `cmd:"" help:"Copy the seed to another file, as malware on a rooted phone does."`
}

// Help teaches by example.
func (phoneCmd) Help() string {
	return `A phone is one file (--store): what the wallet's app keeps. Two terminals:

  hwtest sim wallet --keys keys/ --customer name=ann,password=secret,balance=100000
      ready wallet 127.0.0.1:40001 control=http://127.0.0.1:40002 phones=https://127.0.0.1:40003
  hwtest phone login --wallet https://127.0.0.1:40003 --keys keys/ --account ann
  hwtest phone                             # the code on the screen, with keys: new, offline, pay, quit
  hwtest phone show --once --offline       # one code, and done
  hwtest phone show --once --svg code.svg  # a picture of it, for a screen that a real scanner reads

The channel is TLS: the phone takes only the gateway that has a certificate of keys/wallet-ca.pem, the gateway knows the
customer by the password and afterwards by the login's token. The seed for offline codes comes once, with the login.

A rooted phone: "hwtest phone clone thief.json" copies the seed, and "hwtest phone show --once --offline --store
thief.json" makes codes of it, until POST /control/accounts/ann/revoke or .../restrict at the simulator.`
}

// phoneStore says which phone it is, and how it is off.
type phoneStore struct {
	Store string        `default:"phone.json" placeholder:"FILE" help:"What the phone keeps; only its owner can read it. Default: phone.json."`
	Slow  time.Duration `default:"0s" placeholder:"SPAN" help:"A slow network: what comes from the wallet comes so much later."`
	Clock time.Duration `default:"0s" placeholder:"OFFSET" help:"How far the phone's clock is ahead; offline codes live within 30 seconds of it."`
}

func (f phoneStore) open() (*phone.Phone, error) {
	return phone.Open(phone.Options{File: f.Store, Slow: f.Slow, Now: func() time.Time { return time.Now().Add(f.Clock) }})
}

// phonePassword is where a password comes from.
type phonePassword struct {
	PasswordFile string `placeholder:"FILE" help:"A file with the customer's password. Without: it is asked for."`
}

// file gives the password of the file.
func (f phonePassword) file() (string, error) {
	text, err := os.ReadFile(f.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// maxPassword bounds what is typed.
const maxPassword = 256

// read gives the password of a file or of the person at the terminal.
func (f phonePassword) read(g *globals) (string, error) {
	if f.PasswordFile != "" {
		return f.file()
	}
	fmt.Fprint(g.Err, "password: ")
	in, ok := g.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return readLine(g.In)
	}
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(g.Err)
	return string(text), err
}

// readLine reads up to the end of a line, byte by byte: what follows belongs to somebody else.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxPassword; {
		n, err := r.Read(b)
		if n == 1 && b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		if n == 1 || errors.Is(err, io.EOF) && len(line) > 0 {
			return strings.TrimRight(string(line), "\r"), nil
		}
		if err != nil {
			return "", fmt.Errorf("read a line: %w", err)
		}
	}
	return "", errors.New("the line is too long")
}

// phoneLogin is what a login takes.
type phoneLogin struct {
	Wallet  string `placeholder:"URL" help:"The phones' door of the wallet: https://127.0.0.1:PORT, as the simulator's ready line says."`
	Keys    string `placeholder:"DIR" help:"The simulator's --keys: the gateway is known by the authority there."`
	Account string `placeholder:"NAME" help:"Who logs in."`
	OldApp  bool   `help:"Be an app of before the last change of the offline algorithm."`
	Rooted  bool   `help:"Be a rooted phone whose app says so: the wallet may refuse it offline codes."`
	phonePassword
}

// login logs the account in.
func (f phoneLogin) login(ctx context.Context, g *globals, p *phone.Phone) error {
	if f.Wallet == "" || f.Keys == "" || f.Account == "" {
		return errors.New("a login wants --wallet, --keys and --account")
	}
	ca, err := os.ReadFile(filepath.Join(f.Keys, walletCA))
	if err != nil {
		return fmt.Errorf("the wallet's authority: %w", err)
	}
	password, err := f.read(g)
	if err != nil {
		return err
	}
	return p.LogIn(ctx, phone.Gateway{URL: f.Wallet, CA: string(ca)},
		phone.Login{Account: f.Account, Password: password, Old: f.OldApp, Rooted: f.Rooted})
}

// phoneLoginCmd is the verb phone login.
type phoneLoginCmd struct {
	phoneStore
	phoneLogin
}

// Run logs in.
func (c *phoneLoginCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	if err := c.login(ctx, g, p); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s is logged in\n", p.Account())
	return nil
}

// phoneLogoutCmd is the verb phone logout.
type phoneLogoutCmd struct{ phoneStore }

// Run logs out.
func (c *phoneLogoutCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	if err := p.LogOut(ctx); err != nil {
		return err
	}
	fmt.Fprintln(g.Out, "logged out; the seed is destroyed")
	return nil
}

// phoneAccountCmd is the verb phone account.
type phoneAccountCmd struct{ phoneStore }

// Run says how the account stands.
func (c *phoneAccountCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	a, err := p.Stands(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "account %s   balance %s   offline codes %s\n", a.Account, yuanText(a.Balance), a.Offline)
	for _, amount := range a.Waiting {
		fmt.Fprintf(g.Out, "waiting for the password: %s\n", yuanText(amount))
	}
	return nil
}

// phoneConfirmCmd is the verb phone confirm.
type phoneConfirmCmd struct {
	phoneStore
	phonePassword
}

// Run pays what waits.
func (c *phoneConfirmCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	password, err := c.read(g)
	if err != nil {
		return err
	}
	n, err := p.Confirm(ctx, password)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, counted(n, "paid"))
	return nil
}

// phoneRefuseCmd is the verb phone refuse.
type phoneRefuseCmd struct{ phoneStore }

// Run refuses what waits.
func (c *phoneRefuseCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	n, err := p.Refuse(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, counted(n, "refused"))
	return nil
}

// phoneCloneCmd is the verb phone clone.
type phoneCloneCmd struct {
	phoneStore
	To string `arg:"" name:"file" help:"Where the copy goes: the --store of the thief's phone."`
}

// Run copies the seed.
func (c *phoneCloneCmd) Run(_ context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	if err := p.Clone(c.To); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "copied; it makes codes with: hwtest phone show --once --offline --store %s\n", c.To)
	return nil
}
