package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"posd/hwtest/walletsim"
)

// walletCmd is what can be said of customers' codes.
type walletCmd struct {
	Analyse walletAnalyseCmd `cmd:"" help:"Bounds for collisions and forgery of offline codes, and a measured check of them."`
	Code    walletCodeCmd    `cmd:"" help:"The offline code of a seed, a handle and a time."`
	OTP     walletOTPCmd     `cmd:"" name:"otp" help:"A one-time password of RFC 4226 or 6238, of which others make offline codes."`
}

// walletAnalyseCmd compares the simulator's offline codes with a hash that is cut short.
type walletAnalyseCmd struct {
	Codes int `default:"10000000" placeholder:"N" help:"How many codes the check makes, each of another customer. Default: 10000000 (a minute)."`
}

// Help says what is compared.
func (walletAnalyseCmd) Help() string {
	return `An offline code is made on the phone, from a seed and the time. Two customers whose codes are equal at the same time
would pay for each other. The simulator's layout cannot do that: prefix(2) and the encryption (FF1, NIST SP 800-38G) of
handle(8) and tag(8), which is a permutation, so that different handles give different codes. A hash that is cut to as
many digits, and looked up among all customers, collides by the birthday bound; so does a one-time password (RFC 6238), of
which public sketches are made. The check makes N codes of N customers each way, and the cut hash once more with 12 digits,
where its collisions show.`
}

// layout is the figures of the offline code.
const (
	bodyDigits     = 16
	handleDigits   = 8
	tagDigits      = 8
	acceptedTags   = 12 // three steps of 30 s, four codes in each
	wrongTagsALock = 5  // within ten minutes
	shortDigits    = 12
	otpDigits      = 8 // the most that apps show
)

// Run prints the bounds, then makes the codes.
func (c *walletAnalyseCmd) Run(ctx context.Context, g *globals) error {
	if c.Codes < 1 || c.Codes > 100_000_000 {
		return fmt.Errorf("--codes: want 1 to 100000000 (there are no more handles)")
	}
	bounds(g.Out)
	fmt.Fprintf(g.Out, "\nchecking %d codes of as many customers, made in the same half minute ...\n", c.Codes)
	m, err := measure(ctx, c.Codes)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "\n%-44s %12s %12s\n", "codes that two customers share", "expected", "found")
	for _, row := range m {
		fmt.Fprintf(g.Out, "%-44s %12.4g %12d\n", row.name, row.expected, row.found)
	}
	if m[0].found > 0 {
		return fmt.Errorf("%d codes of the layout are shared: it is no permutation", m[0].found)
	}
	return nil
}

// bounds prints what follows from the layout.
func bounds(w io.Writer) {
	fmt.Fprintf(w, "layout        prefix 2 | FF1 over handle %d and tag %d; %d tags of a handle are good at a time\n", handleDigits, tagDigits, acceptedTags)
	fmt.Fprintf(w, "collision     0: a permutation gives different handles different codes, however many customers there are\n\n")
	fmt.Fprintf(w, "%-14s %26s %34s\n", "customers", "cut hash: pairs that collide", "chance of a scan to hit another")
	for _, n := range []float64{1e6, 1e8, 1e9} {
		fmt.Fprintf(w, "%-14.0g %26.2g %34.2g\n", n, pairs(n*acceptedTags, bodyDigits), n*acceptedTags/pow10(bodyDigits))
	}
	guess := acceptedTags / pow10(tagDigits)
	fmt.Fprintf(w, "\nforgery       one guess for a known handle, group key known: %.2g; until the lock-out (%d wrong tags): %.2g\n", guess, wrongTagsALock, guess*wrongTagsALock)
	fmt.Fprintf(w, "              blind, group key not known, 1e+06 customers: %.2g\n", 1e6/pow10(handleDigits)*guess)
}

func pow10(n int) float64 {
	p := 1.0
	for range n {
		p *= 10
	}
	return p
}

// pairs is the birthday bound: how many pairs of n random numbers of so many digits are equal, on average.
func pairs(n float64, digits int) float64 { return n * n / (2 * pow10(digits)) }

// measured is one way of making codes, and how many two customers shared.
type measured struct {
	name     string
	expected float64
	found    int
}

// measure makes n codes of n customers in three ways.
func measure(ctx context.Context, n int) ([]measured, error) {
	master := make([]byte, 32)
	if _, err := rand.Read(master); err != nil {
		return nil, err
	}
	layout, err := inParallel(ctx, n, func() (func(i int) (uint64, error), error) { return layoutCodes(master) })
	if err != nil {
		return nil, err
	}
	cut, err := inParallel(ctx, n, func() (func(i int) (uint64, error), error) { return cutCodes(master), nil })
	if err != nil {
		return nil, err
	}
	short := slices.Clone(cut)
	for i := range short {
		short[i] %= uint64(pow10(shortDigits))
	}
	otp, err := inParallel(ctx, n, func() (func(i int) (uint64, error), error) { return otpCodes(master), nil })
	if err != nil {
		return nil, err
	}
	name := func(what string, digits int) string { return fmt.Sprintf("%s, %d digits", what, digits) }
	return []measured{
		{name("the layout: FF1 over handle and tag", bodyDigits), 0, shared(layout)},
		{name("a hash that is cut", bodyDigits), pairs(float64(n), bodyDigits), shared(cut)},
		{name("a hash that is cut", shortDigits), pairs(float64(n), shortDigits), shared(short)},
		{name("a one-time password (RFC 6238)", otpDigits), pairs(float64(n), otpDigits), shared(otp)},
	}, nil
}

// inParallel gives the codes of customers 0 to n-1, in no order. Each worker has a maker of its own.
func inParallel(ctx context.Context, n int, maker func() (func(i int) (uint64, error), error)) ([]uint64, error) {
	codes, errs := make([]uint64, n), make([]error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			code, err := maker()
			for i := w; err == nil && i < n && ctx.Err() == nil; i += len(errs) {
				codes[i], err = code(i)
			}
			errs[w] = err
		})
	}
	workers.Wait()
	for _, err := range append(errs, ctx.Err()) {
		if err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// seedOf is the seed of customer i.
func seedOf(master []byte, i int) []byte {
	mac := hmac.New(sha256.New, master)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(i)))
	return mac.Sum(nil)
}

// at is the half minute in which all codes are made.
var at = time.Unix(1_700_000_000, 0)

func layoutCodes(master []byte) (func(i int) (uint64, error), error) {
	m, err := walletsim.NewOfflineMaker(master)
	if err != nil {
		return nil, err
	}
	return func(i int) (uint64, error) {
		code, err := m.Code(seedOf(master, i), fmt.Sprintf("%0*d", handleDigits, i), at, 0)
		if err != nil {
			return 0, err
		}
		return strconv.ParseUint(code[2:], 10, 64)
	}, nil
}

// cutCodes are what blogs propose: digits of a keyed hash over the time.
func cutCodes(master []byte) func(i int) (uint64, error) {
	return func(i int) (uint64, error) {
		mac := hmac.New(sha256.New, seedOf(master, i))
		_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
		return binary.BigEndian.Uint64(mac.Sum(nil)) % uint64(pow10(bodyDigits)), nil
	}
}

// otpCodes are one-time passwords.
func otpCodes(master []byte) func(i int) (uint64, error) {
	return func(i int) (uint64, error) {
		return strconv.ParseUint(walletsim.TOTP(sha256.New, seedOf(master, i), at, otpDigits), 10, 64)
	}
}

// shared counts the pairs of equal codes; it sorts them.
func shared(codes []uint64) (n int) {
	slices.Sort(codes)
	for i := 0; i < len(codes); {
		j := i + 1
		for j < len(codes) && codes[j] == codes[i] {
			j++
		}
		n += (j - i) * (j - i - 1) / 2
		i = j
	}
	return n
}
