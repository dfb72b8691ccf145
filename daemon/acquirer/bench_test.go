package acquirer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"posd/daemon/acquirer"
	"posd/daemon/payment"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/hwtest/hostsim"
	"posd/iso8583"
	"posd/iso8583/link"
)

// A number that the schemes keep for tests.
const (
	testPAN    = "4111111111111111"
	testExpiry = "3012"
	testTrack2 = testPAN + "=" + testExpiry + "1010000000000"
)

var testTMK = []byte{
	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x01,
}

// setup is a dialect, and who speaks it.
type setup struct {
	dialect            *iso8583.Dialect
	terminal, merchant string
	noAnswer           string // the dialect's word for "no answer in time"
	requestDigit       int    // of an answer's header, by which the host asks for something; 0 for none
}

// dialects are the preset, and one that an acquirer might hand over in a file.
func dialects(t *testing.T) map[string]setup {
	t.Helper()
	both, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return both
}

// loaded reads the dialects once: they never change.
var loaded = sync.OnceValues(func() (map[string]setup, error) {
	unionpay, err := iso8583.Preset("unionpay")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile("testdata/harbour.toml")
	if err != nil {
		return nil, err
	}
	harbour, err := iso8583.Load("testdata/harbour.toml", text)
	return map[string]setup{
		"unionpay": {unionpay, "10000001", "898000000000001", "98", unionpayDigit},
		"harbour":  {harbour, "HARB000017", "HARBOUR MERCHANT 1", "68", 4},
	}, err
})

// each runs a test under every dialect.
func each(t *testing.T, test func(t *testing.T, s setup)) {
	for name, s := range dialects(t) {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// bench is an acquirer and a host, joined by pipes.
type bench struct {
	*acquirer.Acquirer
	setup   setup
	host    *hostsim.Host
	scribe  *scribe
	hub     *cardreader.Hub
	link    *link.Link
	keys    *iso8583.Keys
	log     *bytes.Buffer  // what both sides have logged
	journal payment.Scribe // what the acquirer writes to: scribe, unless a test has a true one
	logger  *slog.Logger
	ahead   time.Duration                   // the host's clock
	down    atomic.Bool                     // dialling fails
	serving func(context.Context, net.Conn) // the host's side of a connection
	next    *cardreader.Card                // nil: the usual one
	echo    time.Duration                   // for the next boot
	serve   sync.WaitGroup
	ctx     context.Context
}

// start makes a bench with a host that has a ledger. It ends with the test, or bubble.
func start(t *testing.T, s setup, rules ...hostsim.Rule) *bench {
	t.Helper()
	b := join(t, s)
	var err error
	b.host, err = hostsim.New(hostsim.Options{
		Dialect: s.dialect, TMK: testTMK, Rules: rules, Now: func() time.Time { return time.Now().Add(b.ahead) }, Log: b.logger,
		Rand:      rand.NewChaCha8(sha256.Sum256([]byte(t.Name()))),
		Terminals: []hostsim.Terminal{{ID: s.terminal, Merchant: s.merchant, Batch: "000007"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.serving = b.host.ServeConn
	return b
}

// join makes an acquirer and its line; who answers at the other end is the caller's choice.
func join(t *testing.T, s setup) *bench {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	b := &bench{setup: s, scribe: &scribe{batch: "000001"}, hub: &cardreader.Hub{}, log: &bytes.Buffer{}, ctx: ctx}
	b.journal = b.scribe
	b.logger = slog.New(slog.NewJSONHandler(b.log, nil))
	b.link = link.New(link.Options{Dialect: s.dialect, Dial: b.dial, Log: b.logger, Late: func(p []byte) { b.Late(p) }})
	b.boot(t)
	t.Cleanup(func() {
		_ = b.link.Close()
		cancel()
		b.serve.Wait()
		if b.host != nil {
			_ = b.host.Close()
		}
	})
	return b
}

// boot makes the acquirer, as posd does when it starts: without working keys.
func (b *bench) boot(t *testing.T) {
	t.Helper()
	var err error
	if b.keys, err = iso8583.NewKeys(testTMK); err != nil {
		t.Fatal(err)
	}
	b.Acquirer, err = acquirer.New(acquirer.Options{
		Dialect: b.setup.dialect, Link: b.link, Keys: b.keys, Scribe: b.journal, Reader: b.hub,
		Terminal: b.setup.terminal, Merchant: b.setup.merchant, Currency: "CNY",
		TimeOut: 60 * time.Second, ReverseTimeOut: 30 * time.Second, EchoEvery: b.echo, SignOff: true, Now: time.Now, Log: b.logger,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) dial(context.Context) (net.Conn, error) {
	if b.down.Load() {
		return nil, errors.New("no route to host")
	}
	here, there := net.Pipe()
	b.serve.Go(func() { b.serving(b.ctx, there) })
	return here, nil
}

func (b *bench) rules(t *testing.T, rules ...hostsim.Rule) {
	t.Helper()
	if err := b.host.SetRules(rules...); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) ready(t *testing.T) {
	t.Helper()
	if err := b.Ready(t.Context()); err != nil {
		t.Fatalf("not ready: %v", err)
	}
}

// plan does what the core does until an attempt is sent: numbers, plan, record. The card is nil for kinds without.
func (b *bench) plan(t *testing.T, kind payment.Kind, amount payment.Cents, original *payment.Attempt) (payment.Attempt, payment.Input) {
	t.Helper()
	r := payment.Request{
		Key: payment.Key{Client: "till", Sale: "s", Attempt: "a"}, Rail: payment.RailCard, Kind: kind,
		Amount: amount, Currency: "CNY", Original: original,
	}
	in := b.swipe(t, r)
	trace, _ := b.scribe.NextTrace(t.Context(), b.setup.terminal)
	n := payment.Numbers{Terminal: b.setup.terminal, Batch: b.scribe.batch, Trace: trace, Order: "0"}
	p, err := b.Plan(r, in, n)
	if err != nil {
		t.Fatalf("plan %s: %v", kind, err)
	}
	at := payment.Attempt{
		Key: r.Key, Rail: r.Rail, Kind: kind, State: payment.Sent, Amount: amount, Currency: "CNY", Numbers: n,
		Data: p.Data, Sealed: p.Sealed, Instrument: p.Instrument, SentAt: time.Now(),
	}
	b.scribe.keep(p.Messages...)
	return at, in
}

// swipe collects the customer's card, for the kinds that need one.
func (b *bench) swipe(t *testing.T, r payment.Request) payment.Input {
	t.Helper()
	got := make(chan payment.Input, 1)
	go func() {
		in, err := b.Collect(t.Context(), r)
		if err != nil {
			t.Errorf("collect: %v", err)
		}
		got <- in
	}()
	swiped := r.Kind == payment.KindSale || r.Kind == payment.KindPreAuth || r.Kind == payment.KindBalance
	for swiped && b.hub.Waiting() == 0 && len(got) == 0 {
		time.Sleep(time.Millisecond)
	}
	if c := b.next; swiped && len(got) == 0 {
		if b.next = nil; c == nil {
			c = card()
		}
		b.hub.Deliver(c)
	}
	return <-got
}

func card() *cardreader.Card {
	secret := func(s string) port.Secret { return port.NewSecret([]byte(s)) }
	return &cardreader.Card{PAN: secret(testPAN), Expiry: secret(testExpiry), Track2: secret(testTrack2), Device: "test"}
}

// pay makes an attempt and asks for the money once.
func (b *bench) pay(t *testing.T, kind payment.Kind, amount payment.Cents, original *payment.Attempt) (payment.Attempt, payment.Answer) {
	t.Helper()
	b.ready(t)
	at, in := b.plan(t, kind, amount, original)
	ctx, cancel := context.WithTimeout(t.Context(), b.Policy().Call)
	defer cancel()
	ans := b.Authorize(ctx, at, in)
	b.scribe.keep(ans.Messages...)
	if in != nil {
		in.Wipe()
	}
	at.Reason, at.Host, at.Approved = ans.Reason, ans.Host, ans.Amount
	return at, ans
}

// approved is pay where nothing goes wrong.
func (b *bench) approved(t *testing.T, kind payment.Kind, amount payment.Cents, original *payment.Attempt) payment.Attempt {
	t.Helper()
	at, ans := b.pay(t, kind, amount, original)
	if ans.Outcome != payment.Approved || ans.Amount != amount {
		t.Fatalf("%s of %d: %s", kind, amount, show(ans))
	}
	return at
}

// undo tries the reversal once.
func (b *bench) undo(t *testing.T, at payment.Attempt) payment.Undo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), b.Policy().ReverseCall)
	defer cancel()
	u := b.Reverse(ctx, at)
	b.scribe.keep(u.Messages...)
	return u
}

// undone is undo that must be confirmed.
func (b *bench) undone(t *testing.T, at payment.Attempt) {
	t.Helper()
	if u := b.undo(t, at); u.Outcome != payment.Confirmed {
		t.Errorf("reversal of %s: outcome %d, code %s, %s; want it confirmed", at.Kind, u.Outcome, u.Code, u.Text)
	}
}

func (b *bench) left(t *testing.T, want int64) {
	t.Helper()
	if got := b.host.Net(nil); got != want {
		t.Errorf("host has %d captured, want %d; ledger: %+v", got, want, b.host.Ledger())
	}
}

func show(a payment.Answer) string {
	return fmt.Sprintf("outcome %d, reason %q, amount %d, code %q, %s", a.Outcome, a.Reason, a.Amount, a.Code, a.Text)
}

// scribe is a journal of one terminal, in memory.
type scribe struct {
	mu       sync.Mutex
	trace    payment.TraceNumber
	batch    string
	messages []payment.Message
}

func (s *scribe) NextTrace(context.Context, string) (payment.TraceNumber, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace++
	return s.trace, nil
}

func (s *scribe) Batch(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batch, nil
}

func (s *scribe) AdoptBatch(_ context.Context, _, batch string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = batch
	return nil
}

func (s *scribe) Record(_ context.Context, _ string, msgs ...payment.Message) error {
	s.keep(msgs...)
	return nil
}

func (s *scribe) keep(msgs ...payment.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, msgs...)
}

// names lists directions and types of the messages kept, such as "out 0800".
func (s *scribe) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, m := range s.messages {
		list = append(list, m.Direction+" "+m.Name)
	}
	return list
}
