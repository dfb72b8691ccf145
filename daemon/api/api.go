// Package api is the HTTP interface of posd on localhost: for the till's software, for posd's own commands and for the
// technician.
//
// Every answer is JSON and every refusal is a problem+json (RFC 9457) with a code, a sentence and a remedy. It decides
// nothing about money: it checks who asks and what, hands it to the desk, and says what came of it.
package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers"
)

// Limits of the interface.
const (
	bodyLimit   = 64 << 10
	bodyTime    = 10 * time.Second // for a request's body
	answerTime  = 10 * time.Second // for writing an answer, or one event
	maxWait     = 120 * time.Second
	maxRequests = 256 // that are answered at once, event streams included
	maxQueued   = 2048
	queueTime   = 10 * time.Second // that one of those waits for its turn
	maxStreams  = 32
	listed      = 50  // sales in a list, when the till does not say
	maxListed   = 500 // when it does
)

// Options are what the interface is made of. Desk, Hosts, Tokens, Now and Log are required.
type Options struct {
	Desk    *payment.Desk
	Hosts   []string // the Host headers that are answered, exactly; see LocalHosts
	Origins []string // web pages that may ask, exactly as their Origin header; mostly none
	Tokens  []Token

	// SlipLines gives the text of an attempt's slip; nil for none.
	SlipLines func(payment.Sale, payment.Attempt) []string
	// PrintSlip prints an attempt's slip on demand, and tells whether it is a copy; nil for no printer.
	PrintSlip func(context.Context, payment.Sale, payment.Attempt) (prints.Job, bool, error)
	// Prints prints what tills want printed; nil for no printer.
	Prints *prints.Queue
	// Look is for which printer a preview is made where nothing is said.
	Look prints.Look
	// Devices says how the devices are; nil for none.
	Devices func() []drivers.DeviceStatus
	// Scanner tells a scanner something: trigger, release, beep, on-command, presentation; name "" is the first. Its errors are
	// those of drivers. Nil for none.
	Scanner func(ctx context.Context, name, command string) error
	// Concerns adds what somebody should look at to the health: slips that wait, a certificate that ends. May be nil.
	Concerns func(context.Context) []payment.Concern

	Currency string // the till's: a sale in another one could not be paid; "" takes every one
	Version  string // of posd, for the health
	Now      func() time.Time
	Log      *slog.Logger
}

// API answers requests. Its methods may be called by many goroutines.
type API struct {
	o       Options
	desk    *payment.Desk
	mux     *http.ServeMux
	slots   chan struct{} // one per request that is being answered
	queued  chan struct{} // one per request that waits for a slot
	streams chan struct{} // one per event stream
	looks   chan struct{} // one for who goes through the whole journal
	notices notices

	ending context.Context // ends event streams and waits when posd stops
	end    context.CancelFunc
}

// New makes the interface. It listens nowhere: that is for the caller of Server, and on a loopback address only.
func New(o Options) *API {
	if o.SlipLines == nil {
		o.SlipLines = func(payment.Sale, payment.Attempt) []string { return nil }
	}
	if o.PrintSlip == nil {
		o.PrintSlip = func(context.Context, payment.Sale, payment.Attempt) (prints.Job, bool, error) {
			return prints.Job{}, false, &refusal{
				status: http.StatusUnprocessableEntity, code: "no_printer", detail: "no receipt printer is configured", hint: "configure one",
			}
		}
	}
	if o.Devices == nil {
		o.Devices = func() []drivers.DeviceStatus { return nil }
	}
	if o.Scanner == nil {
		o.Scanner = func(context.Context, string, string) error { return drivers.ErrNoDevice }
	}
	if o.Concerns == nil {
		o.Concerns = func(context.Context) []payment.Concern { return nil }
	}
	a := &API{
		o: o, desk: o.Desk, slots: make(chan struct{}, maxRequests), queued: make(chan struct{}, maxQueued),
		streams: make(chan struct{}, maxStreams), looks: make(chan struct{}, 1),
	}
	a.ending, a.end = context.WithCancel(context.Background())
	a.mux = a.routes()
	return a
}

// Close ends event streams, and waits of tills with what is known then. Requests that come later are answered still.
func (a *API) Close() { a.end() }

// Handler is the interface as an http.Handler, with all its checks.
func (a *API) Handler() http.Handler { return http.HandlerFunc(a.serve) }

// Server serves the handler with the limits that this interface needs. Its Shutdown closes the API first. There is no
// limit on the whole of an answer, because a till may wait for a customer: each request sets its own.
func (a *API) Server() *http.Server {
	s := &http.Server{
		Handler:                      a.Handler(),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            5 * time.Second,
		IdleTimeout:                  60 * time.Second,
		MaxHeaderBytes:               16 << 10,
		ErrorLog:                     slog.NewLogLogger(a.o.Log.Handler(), slog.LevelWarn),
	}
	s.RegisterOnShutdown(a.Close)
	return s
}

// LocalHosts gives the Host headers under which an address like "127.0.0.1:8320" is reached from this machine.
func LocalHosts(listen string) []string {
	hosts := []string{listen}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return hosts
	}
	for _, h := range []string{"127.0.0.1", "::1", "localhost"} {
		hosts = append(hosts, net.JoinHostPort(h, port))
	}
	return hosts
}
