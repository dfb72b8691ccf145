package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"posd/hwtest/phone"
)

// phoneShowCmd is the verb phone show.
type phoneShowCmd struct {
	phoneStore
	phoneLogin
	Offline bool   `help:"Show an offline code: made of seed and time, without the wallet."`
	Once    bool   `help:"Show one code and end; without, the screen stays up."`
	Digits  bool   `help:"Only the digits, for scripts; with --once."`
	SVG     string `name:"svg" placeholder:"FILE" help:"Write each code as a picture, too."`
}

// Run shows one code, or keeps the screen up.
func (c *phoneShowCmd) Run(ctx context.Context, g *globals) error {
	p, err := c.open()
	if err != nil {
		return err
	}
	if c.Account != "" && c.Account != p.Account() {
		if err := c.login(ctx, g, p); err != nil {
			return err
		}
	}
	switch {
	case p.Account() == "":
		return errNobody
	case c.Digits && !c.Once:
		return errors.New("--digits is for one code: give --once, too")
	}
	s := &screen{p: p, out: g.Out, terminal: onScreen(g.Out), offline: c.Offline, svg: c.SVG, passwordFile: c.phonePassword}
	if !c.Once {
		return s.stay(ctx, g.In)
	}
	code, err := s.code(ctx)
	if err != nil {
		return err
	}
	if !c.Digits {
		return s.draw(code)
	}
	fmt.Fprintln(g.Out, code.Digits)
	return s.picture(code)
}

// errNobody tells a newcomer what to do.
var errNobody = fmt.Errorf("%w: hwtest phone login --wallet URL --keys DIR --account NAME, as hwtest phone --help shows", phone.ErrLoggedOut)

// screen is the wallet's payment page.
type screen struct {
	p            *phone.Phone
	out          io.Writer
	terminal     bool
	offline      bool
	svg          string
	passwordFile phonePassword
	keys         <-chan byte
	early        []byte        // keys that were pressed while the phone waited for the wallet
	patience     time.Duration // how long those wait for it
	watched      watched
}

func (s *screen) code(ctx context.Context) (phone.Code, error) {
	if s.offline {
		return s.p.Offline()
	}
	return s.p.Online(ctx)
}

func (s *screen) draw(c phone.Code) error {
	kind := "online"
	if c.Offline {
		kind = "offline"
	}
	fmt.Fprintf(s.out, "%s   %s code, good until %s\n", s.p.Account(), kind, c.Ends.Format("15:04:05"))
	if err := phone.Draw(s.out, c.Digits, s.terminal); err != nil {
		return err
	}
	return s.picture(c)
}

// picture writes the code as SVG, if it is wanted.
func (s *screen) picture(c phone.Code) error {
	if s.svg == "" {
		return nil
	}
	f, err := os.OpenFile(s.svg, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("picture of the code: %w", err)
	}
	return errors.Join(phone.SVG(f, c.Digits, "payment code of "+s.p.Account()), f.Close())
}

const (
	clearScreen = "\x1b[H\x1b[2J"
	keysOfPage  = "n new code  o online/offline  a account  p type the password  r refuse  q quit"
)

// stay shows codes until q, the end of the input, or of ctx. A code that has ended is followed by a new one.
func (s *screen) stay(ctx context.Context, in io.Reader) error {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		old, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return fmt.Errorf("keys of the terminal: %w", err)
		}
		defer func() { _ = term.Restore(int(f.Fd()), old) }()
		s.out = returning{s.out}
	} else {
		s.patience = patienceOfPipes
	}
	s.keys = pressed(ctx, in)
	for {
		end, stays := s.refresh(ctx)
		if !stays || !s.until(ctx, end) {
			return nil
		}
	}
}

// pressed gives keys one by one, until the input ends. Its goroutine ends with the input or after the next key once ctx
// has ended: nothing can interrupt the reading of a terminal.
func pressed(ctx context.Context, in io.Reader) <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		for b := make([]byte, 1); ; {
			n, err := in.Read(b)
			if err != nil {
				return
			}
			if n == 0 {
				continue
			}
			select {
			case keys <- b[0]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return keys
}

// returning is a terminal that hands every key over: it wants a carriage return for each line, too.
type returning struct{ w io.Writer }

// Write adds the carriage returns.
func (r returning) Write(b []byte) (int, error) {
	if _, err := r.w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// refresh shows a new code, or why there is none, and gives when to ask again. It is false when the customer puts the phone
// away meanwhile.
func (s *screen) refresh(ctx context.Context) (end time.Time, stays bool) {
	s.clear()
	if !s.offline {
		fmt.Fprintln(s.out, "asking the wallet for a code ...")
	}
	c, err := s.await(ctx)
	if errors.Is(err, errPutAway) {
		return time.Time{}, false
	}
	if end = c.Ends; err == nil {
		s.clear()
		err = s.draw(c)
	}
	if err != nil {
		fmt.Fprintln(s.out, err)
		end = time.Now().Add(retryAfter)
	}
	fmt.Fprintf(s.out, "%s\n", keysOfPage)
	return end, true
}

func (s *screen) clear() {
	if s.terminal {
		fmt.Fprint(s.out, clearScreen)
	}
}

// retryAfter is how soon the wallet is asked again when it gave no code.
const retryAfter = 5 * time.Second

// until does what keys say until a new code is due; it is false when the customer puts the phone away. Nobody looks after the
// account while a key is obeyed.
func (s *screen) until(ctx context.Context, end time.Time) (again bool) {
	due := time.NewTimer(time.Until(end))
	defer due.Stop()
	for {
		key, ok := s.key(ctx, due.C)
		if !ok || key == 'q' || key == interrupt {
			return false
		}
		if s.press(ctx, key) {
			return true
		}
	}
}

// key is the next key, or n when a new code is due; false when there is none any more. Meanwhile it tells what happens to the
// account.
func (s *screen) key(ctx context.Context, due <-chan time.Time) (key byte, ok bool) {
	if len(s.early) > 0 {
		return s.next(ctx)
	}
	account, stop := s.watch(ctx)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return 0, false
		case <-due:
			return 'n', true
		case a, ok := <-account:
			if ok { // else ctx has ended
				s.tell(a)
			}
		case key, ok := <-s.keys:
			return key, ok
		}
	}
}

// press does what a key asks for; it tells whether a new code is to be shown.
func (s *screen) press(ctx context.Context, key byte) (fresh bool) {
	switch key {
	case 'n':
		return true
	case 'o':
		s.offline = !s.offline
		return true
	case 'a':
		a, err := s.p.Stands(ctx)
		s.say(err, "balance %s, waiting for the password: %d, offline codes %s", yuanText(a.Balance), len(a.Waiting), a.Offline)
	case 'r':
		n, err := s.p.Refuse(ctx)
		s.say(err, "%s", counted(n, "refused"))
	case 'p':
		n, err := s.confirm(ctx)
		s.say(err, "%s", counted(n, "paid"))
	}
	return false
}

// confirm asks for the password, unless a file has it, and pays what waits.
func (s *screen) confirm(ctx context.Context) (int, error) {
	if s.passwordFile.PasswordFile != "" {
		password, err := s.passwordFile.file()
		if err != nil {
			return 0, err
		}
		return s.p.Confirm(ctx, password)
	}
	typed, ok := s.password(ctx)
	if !ok {
		return 0, errors.New("no password was typed")
	}
	return s.p.Confirm(ctx, typed)
}

func (s *screen) say(err error, format string, args ...any) {
	if err != nil {
		fmt.Fprintln(s.out, err)
		return
	}
	fmt.Fprintf(s.out, format+"\n", args...)
}
