package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"
	"time"

	"posd/hwtest/walletsim"
)

// walletMoment is the time of a code.
type walletMoment struct {
	At int64 `placeholder:"UNIX" help:"The time, in seconds since 1970. Default: now."`
}

func (m walletMoment) time() time.Time {
	if m.At == 0 {
		return time.Now()
	}
	return time.Unix(m.At, 0)
}

// secretFile reads hex digits of a file: a secret on a command line is everybody's.
func secretFile(flag, name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("%s: want a file of hex digits", flag)
	}
	return secret, nil
}

// walletCodeCmd is the verb wallet code.
type walletCodeCmd struct {
	GroupKey string `required:"" placeholder:"FILE" help:"The version's group key: 64 hex digits."`
	Seed     string `required:"" placeholder:"FILE" help:"The enrolment's seed, in hex digits."`
	Handle   string `required:"" placeholder:"DIGITS" help:"The enrolment's handle: 8 digits."`
	Counter  uint8  `default:"0" placeholder:"N" help:"Which of the four codes of the half minute, 0 to 3."`
	Version  string `default:"91" placeholder:"PREFIX" help:"Of the algorithm: 91 or 93."`
	walletMoment
}

// Run prints the code.
func (c *walletCodeCmd) Run(g *globals) error {
	s, known := walletsim.SchemeOf(c.Version)
	switch {
	case !known:
		return fmt.Errorf("--version: there is no algorithm %q", c.Version)
	case len(c.Handle) != handleDigits || strings.Trim(c.Handle, "0123456789") != "":
		return fmt.Errorf("--handle: want %d digits", handleDigits)
	case c.Counter > 3:
		return errors.New("--counter: want 0 to 3")
	}
	key, err := secretFile("--group-key", c.GroupKey)
	if err != nil {
		return err
	}
	seed, err := secretFile("--seed", c.Seed)
	if err != nil {
		return err
	}
	m, err := s.Maker(key)
	if err != nil {
		return fmt.Errorf("--group-key: want 64 hex digits")
	}
	code, err := m.Code(seed, c.Handle, c.time(), c.Counter)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, code)
	return nil
}

// walletOTPCmd is the verb wallet otp.
type walletOTPCmd struct {
	Secret  string  `required:"" placeholder:"FILE" help:"The secret, in hex digits."`
	Counter *uint64 `placeholder:"N" help:"The counter (RFC 4226). Without: the half minute (RFC 6238)."`
	Digits  int     `default:"6" placeholder:"N" help:"How many digits, 6 to 9."`
	Hash    string  `default:"sha1" enum:"sha1,sha256,sha512" help:"sha1, sha256 or sha512."`
	walletMoment
}

// Run prints the password.
func (c *walletOTPCmd) Run(g *globals) error {
	if c.Digits < 6 || c.Digits > walletsim.OTPMaxDigits {
		return fmt.Errorf("--digits: want 6 to %d", walletsim.OTPMaxDigits)
	}
	secret, err := secretFile("--secret", c.Secret)
	if err != nil {
		return err
	}
	h := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}[c.Hash]
	if c.Counter != nil {
		fmt.Fprintln(g.Out, walletsim.HOTP(h, secret, *c.Counter, c.Digits))
		return nil
	}
	fmt.Fprintln(g.Out, walletsim.TOTP(h, secret, c.time(), c.Digits))
	return nil
}
