// Package acquirer is the card tender: sale, pre-auth, void ... and reversal as ISO 8583 messages of the configured dialect.
//
// Whatever one acquirer wants different from the next stands in its dialect. This package knows the roles of a few
// fields, five checks, and one rule: what is not sure is unknown, and what is unknown is reversed.
package acquirer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"posd/daemon/payment"
	"posd/drivers/cardreader"
	"posd/iso8583"
	"posd/iso8583/link"
)

// The names of the dialect's transactions that are no attempt.
const (
	signOnName  = "sign-on"
	signOffName = "sign-off"
	echoName    = "echo"
	totalsName  = "settlement"
	uploadName  = "batch-upload"
	endName     = "batch-end"
)

// inFlightDefault is how long a request may be under way where the dialect does not say.
const inFlightDefault = 120 * time.Second

// Codes of problems that callers in this package branch on.
const (
	codeOffline  = "acquirer_offline"
	codeNotReady = "acquirer_not_ready"
	codeNoAnswer = "no_answer"
)

// Reader brings the card that the customer swipes next. The card is the caller's, who wipes it.
type Reader interface {
	Claim(ctx context.Context) (*cardreader.Card, error)
}

// Options is what an Acquirer is made of. Everything but Reader, the time-outs and Log must be set.
type Options struct {
	Dialect        *iso8583.Dialect
	Link           *link.Link
	Keys           iso8583.Keyring // with the terminal's master key in it, in memory or in a PIN pad
	Scribe         payment.Scribe
	Reader         Reader
	Terminal       string        // as the acquirer calls it, field 41
	Merchant       string        // field 42
	Currency       string        // ISO 4217 letters: "CNY"
	TimeOut        time.Duration // for the answer to a request; 0 is 60 s
	ReverseTimeOut time.Duration // for the answer to a reversal or a sign-on; 0 is 30 s
	InFlightMax    time.Duration // how long a request may be under way; 0 is the dialect's
	EchoEvery      time.Duration // a line that was quiet for so long is tried with an echo by Run; 0 never
	SignOff        bool          // SignOff tells the host that the terminal leaves
	Now            func() time.Time
	Log            *slog.Logger // nil: none
}

// Acquirer is the card tender. It is made by New; its methods may be called by many goroutines, and one exchange is
// under way at a time.
type Acquirer struct {
	o        Options
	currency string        // three digits
	turn     chan struct{} // holds one token: whoever has it may talk to the host

	mu       sync.Mutex
	signedOn bool              // guarded by mu: the host has given us keys and wants no others
	trouble  *payment.Problem  // guarded by mu: why the last sign-on that was sent failed; nil since one did not
	doubts   doubts            // guarded by mu
	skew     time.Duration     // guarded by mu: the host's clock ahead of ours
	hostTime hostClock         // guarded by mu: what the last sign-on told of it
	waiting  int               // guarded by mu: how many want the turn
	yield    func()            // guarded by mu: ends the echo that has the turn; nil while there is none
	asked    map[string]bool   // guarded by mu: what answers' headers have asked for, and the log has said
	spoken   time.Time         // guarded by mu: when the last exchange ended; monotonic
	unread   error             // guarded by mu: why the last late frame cannot be read; nil: it can
	late     []payment.Message // guarded by mu: not recorded yet, at most lateMax
	dropped  int               // guarded by mu: late messages beyond lateMax
}

var (
	_ payment.Tender    = (*Acquirer)(nil)
	_ payment.Settler   = (*Acquirer)(nil)
	_ payment.Recaller  = (*Acquirer)(nil)
	_ payment.Collector = (*Acquirer)(nil)
)

// New makes the tender; nothing is sent. It fails where the options cannot work: that is a fault of the configuration.
func New(o Options) (*Acquirer, error) {
	if o.Dialect == nil || o.Link == nil || o.Keys == nil || o.Scribe == nil || o.Now == nil {
		return nil, errors.New("acquirer needs a dialect, a link, keys, a scribe and a clock")
	}
	if o.Terminal == "" || o.Merchant == "" {
		return nil, errors.New("acquirer needs a terminal and a merchant number")
	}
	number, ok := currencies[o.Currency]
	if !ok {
		return nil, fmt.Errorf("%w %q, but in %s", ErrCurrency, o.Currency, strings.Join(slices.Sorted(maps.Keys(currencies)), ", "))
	}
	for _, name := range []string{signOnName, string(payment.KindSale)} {
		if !o.Dialect.HasTransaction(name) {
			return nil, fmt.Errorf("dialect %s: %w: %s", o.Dialect.Name(), iso8583.ErrNoTransaction, name)
		}
	}
	if o.TimeOut <= 0 {
		o.TimeOut = 60 * time.Second
	}
	if o.ReverseTimeOut <= 0 {
		o.ReverseTimeOut = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &Acquirer{o: o, currency: number, turn: make(chan struct{}, 1), spoken: time.Now()}
	a.turn <- struct{}{}
	return a, nil
}

// ErrCurrency is New's of a currency that no dialect of this program meets.
var ErrCurrency = errors.New("cards are not taken in")

// currencies are ISO 4217's numbers of the currencies that the dialects of this program meet.
var currencies = map[string]string{
	"CNY": "156", "HKD": "344", "MOP": "446", "TWD": "901", "USD": "840", "EUR": "978", "GBP": "826", "JPY": "392",
	"KRW": "410", "SGD": "702", "MYR": "458", "THB": "764", "VND": "704", "AUD": "036", "CAD": "124", "CHF": "756",
}

// Policy says that one terminal takes turns and has one customer, that an unknown outcome is reversed and not asked for,
// that a refund, which nothing reverses, is repeated, and that a balance moves no money.
func (a *Acquirer) Policy() payment.Policy {
	return payment.Policy{
		Terminal:     a.o.Terminal,
		OneCustomer:  true,
		UploadSize:   a.uploadSize(),
		BatchSize:    a.batchSize(),
		SealedUpload: slices.Contains(a.o.Dialect.Needs(uploadName), "item.pan"),
		Repeats:      []payment.Kind{payment.KindRefund},
		Inquiries:    []payment.Kind{payment.KindBalance},
		InFlightMax:  cmp.Or(a.o.InFlightMax, a.o.Dialect.InFlightMax(), inFlightDefault),
		// A call may have to sign on first, which is an exchange of its own.
		Call:        a.o.TimeOut + a.o.ReverseTimeOut,
		AskCall:     a.o.ReverseTimeOut,
		ReverseCall: 2 * a.o.ReverseTimeOut,
	}
}

// Ready dials if the link is down, and signs on if the host has not given us keys or has asked for it.
func (a *Acquirer) Ready(ctx context.Context) error {
	if p := a.take(ctx); p != nil {
		return p
	}
	defer a.give(ctx)
	if err := a.o.Link.Up(ctx); err != nil {
		return offline(err)
	}
	if a.isSignedOn() {
		return nil
	}
	return a.signOn(ctx)
}

// CardAgain tells that the message wants card data which was sealed with the original and is gone with its batch.
func (a *Acquirer) CardAgain(r payment.Request) bool {
	if r.Original == nil || slices.Contains(cardKinds, r.Kind) {
		return false
	}
	s, err := recall(*r.Original, a.o.Dialect.Needs(transactionOf(r)))
	s.wipe()
	return err != nil
}

// Collect waits for the customer's card, unless the dialect has no such request. A void, refund or completion needs
// none: the original names it.
func (a *Acquirer) Collect(ctx context.Context, r payment.Request) (payment.Input, error) {
	if name := transactionOf(r); !a.o.Dialect.HasTransaction(name) {
		return nil, a.lacks(name)
	}
	if !slices.Contains(cardKinds, r.Kind) && !r.CardAgain {
		return nil, nil
	}
	if err := a.CanCollect(); err != nil {
		return nil, err
	}
	c, err := a.o.Reader.Claim(ctx)
	if err != nil {
		return nil, err
	}
	return &input{card: c}, nil
}

// CanCollect tells whether there is a reader.
func (a *Acquirer) CanCollect() error {
	if a.o.Reader != nil {
		return nil
	}
	return &payment.Problem{
		Code: "no_reader", Status: 409, Detail: "this till has no card reader",
		Remedy: `configure one ([[device]], kind = "reader"), or pay by wallet`,
	}
}

// Ask answers Unknown: a card host is not asked, it is told to reverse.
func (a *Acquirer) Ask(context.Context, payment.Attempt) payment.Answer {
	return payment.Answer{Reason: payment.ReasonNoAnswer, Hopeless: true}
}

// take waits for the turn to talk to the host. An echo under way makes room.
func (a *Acquirer) take(ctx context.Context) *payment.Problem {
	a.want(1)
	defer a.want(-1)
	select {
	case <-a.turn:
		return nil
	case <-ctx.Done():
		return &payment.Problem{
			Code: "acquirer_busy", Status: 503, Detail: "the terminal was busy with another request until the time was up",
			Remedy: "try again",
		}
	}
}

// want counts those who wait for the turn.
func (a *Acquirer) want(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting += n; a.waiting > 0 && a.yield != nil {
		a.yield()
	}
}

// give records what came in late, and hands the turn on.
func (a *Acquirer) give(ctx context.Context) {
	a.recordLate(ctx)
	a.turn <- struct{}{}
}

func (a *Acquirer) isSignedOn() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.signedOn
}

func (a *Acquirer) setSignedOn(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.signedOn = on
}

// clock is the host's time as far as we know it: its replies to sign-on tell it.
func (a *Acquirer) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.o.Now().Add(a.skew)
}

func offline(err error) *payment.Problem {
	return &payment.Problem{
		Code:   codeOffline,
		Status: 503,
		Detail: fmt.Sprintf("the card host cannot be reached: %v", err),
		Remedy: "check the network and the acquirer's address; wallet payments may still work",
	}
}
