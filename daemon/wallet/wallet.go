// Package wallet is the wallet tender: codes that customers show on their phones, sent to the provider they belong to.
//
// A code is worth what card data is worth. It is routed by prefix and length, lives in memory only, and is sent once.
// An answer is believed when it is signed, and means paid when five checks hold; everything else is unknown, is asked
// for until a deadline and then undone.
//
// For wallets a void is a full refund under the void's own number: gateways know no void, and a refund under a fixed
// number can be repeated until it is answered. So Policy lists void and refund under Repeats, and Reverse is for sales.
package wallet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"posd/daemon/payment"
	"posd/drivers/scanner"
)

// Scanner hands over the next scan that accept takes. *scanner.Hub is one.
type Scanner interface {
	Claim(ctx context.Context, accept func([]byte) bool) (scanner.Code, error)
}

// Options make a Wallet. Zero durations become the defaults named beside them.
type Options struct {
	Providers   []Provider
	Terminals   map[string]Terminal // by the wallet's name: who takes codes that go another way
	Routes      []Route             // nil means DefaultRoutes
	Scanner     Scanner             // nil: codes come in requests only
	Now         func() time.Time
	Log         *slog.Logger
	CodeAge     time.Duration // an older code is not sent: 30 s
	PaidWithin  time.Duration // how far a payment's time may be from ours: 24 h
	ConfirmGap  time.Duration // between the two queries that prove a cancelled order absent: 15 s
	BelievedFor time.Duration // how long a link is believed up after it has answered: 30 s
	ProbeCall   time.Duration // 3 s
	PayCall     time.Duration // 10 s
	AskCall     time.Duration // 5 s
	ReverseCall time.Duration // 10 s

	InFlightMax  time.Duration // how long a request may be under way: 120 s
	SuspectAfter int           // so many payments in a row of unknown outcome, and a gateway gets no more: 3
	SuspectProbe time.Duration // between two queries that look whether it makes sense again: 5 s
}

// Wallet implements payment.Tender over providers. It is safe for concurrent use.
type Wallet struct {
	o         Options
	router    *Router
	providers map[string]*line // by name; constant after New
	sorted    []*line          // the same in the order of Options; constant after New
	run       string           // names this run in notes between tries
	started   time.Time        // its monotonic reading is what counts
}

var (
	_ payment.Tender    = (*Wallet)(nil)
	_ payment.Collector = (*Wallet)(nil)
)

// New refuses routes that overlap, providers of the same name, and a wallet without any provider or terminal.
func New(o Options) (*Wallet, error) {
	if o.Routes == nil {
		o.Routes = DefaultRoutes()
	}
	router, err := NewRouter(o.Routes)
	if err != nil {
		return nil, err
	}
	if len(o.Providers) == 0 && len(o.Terminals) == 0 {
		return nil, errors.New("wallet: no provider")
	}
	w := &Wallet{o: o.withDefaults(), router: router, providers: map[string]*line{}, started: time.Now()}
	w.run = fmt.Sprintf("%x", w.o.Now().UnixNano())
	for _, p := range o.Providers {
		t := p.Terms()
		if _, twice := w.providers[t.Name]; twice || t.Name == "" || o.Terminals[t.Name] != nil {
			return nil, fmt.Errorf("wallet: two providers named %q, or one without a name", t.Name)
		}
		l := &line{Provider: p, terms: t}
		w.providers[t.Name], w.sorted = l, append(w.sorted, l)
	}
	return w, nil
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.CodeAge, 30 * time.Second},
		{&o.PaidWithin, 24 * time.Hour},
		{&o.ConfirmGap, 15 * time.Second},
		{&o.BelievedFor, 30 * time.Second},
		{&o.ProbeCall, 3 * time.Second},
		{&o.PayCall, 10 * time.Second},
		{&o.AskCall, 5 * time.Second},
		{&o.ReverseCall, 10 * time.Second},
		{&o.InFlightMax, 2 * time.Minute},
		{&o.SuspectProbe, 5 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.SuspectAfter <= 0 {
		o.SuspectAfter = 3
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Policy says that wallets are asked, that one customer at a time shows a code, that refunds and voids are repeated, and
// that no terminal queues.
func (w *Wallet) Policy() payment.Policy {
	return payment.Policy{
		Asks:        true,
		OneCustomer: true,
		Repeats:     []payment.Kind{payment.KindRefund, payment.KindVoid},
		Call:        w.o.PayCall,
		AskCall:     w.o.AskCall,
		ReverseCall: w.o.ReverseCall,
		InFlightMax: w.o.InFlightMax,
	}
}

// data is Plan.Data: what a restart needs to ask, undo or repeat an attempt. It holds no secret.
type data struct {
	Wallet   string        `json:"wallet"`
	Merchant string        `json:"merchant,omitempty"` // whose the order is there; empty in the data of older versions
	Order    string        `json:"order"`              // the payment's number; for refund and void that of the original
	Refund   string        `json:"refund,omitempty"`   // refund and void: the number of the giving back
	Total    payment.Cents `json:"total,omitempty"`    // refund and void: what the original took
	Planned  *stamp        `json:"planned,omitempty"`  // sale: when it was about to be sent
}
