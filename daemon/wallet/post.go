package wallet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet/sign"
)

// What an exchange can end with but an answer. Any other error means that the request may have arrived.
var (
	ErrNotSent = errors.New("nothing was sent")
	ErrAnswer  = errors.New("the gateway's answer is of no use")
)

// Dialer opens a connection: net.Dialer.DialContext, or a door of a test.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// NewTransport makes the HTTP transport for one gateway: no proxy, no HTTP/2 (which may send a request again by
// itself), idle connections that are dropped before a gateway would. conf may be nil; it holds a pinned CA or a
// client certificate.
func NewTransport(dial Dialer, conf *tls.Config) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 3 * time.Second}).DialContext
	}
	return &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     conf,
		TLSHandshakeTimeout: 3 * time.Second,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns, // else two
		IdleConnTimeout:     20 * time.Second,
	}
}

// idleConns is how many connections to a gateway are kept for the next payment: each new one is a handshake.
const idleConns = 64

// Poster sends requests to one gateway and tells "was not sent" from "may have arrived".
type Poster struct {
	client http.Client
	hosts  hosts
}

// NewPoster makes a Poster over a transport. Redirects are not followed: a payment is never sent twice. backup is the address of
// the gateway's second host, of which scheme and host count; mostly "".
func NewPoster(rt http.RoundTripper, backup string) (*Poster, error) {
	p := &Poster{client: http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if backup == "" {
		return p, nil
	}
	u, err := url.Parse(backup)
	if err != nil || u.Host == "" {
		return nil, errors.New("the backup host's address is no address")
	}
	p.hosts.backup = u
	return p, nil
}

// Letter is one HTTP request. Header may be nil.
type Letter struct {
	Method, To string
	Header     http.Header
	Body       []byte
}

// Reply is a complete answer, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Post sends body once and gives the whole answer, which has status 200. Its errors hold neither address nor body.
func (p *Poster) Post(ctx context.Context, to, contentType string, body []byte) ([]byte, error) {
	r, err := p.Exchange(ctx, Letter{http.MethodPost, to, http.Header{"Content-Type": {contentType}}, body})
	switch {
	case err != nil:
		return nil, err
	case r.Status != http.StatusOK || r.page():
		return nil, r.Useless()
	}
	return r.Body, nil
}

// page tells whether a proxy has answered, or a network that wants a log-in.
func (r Reply) page() bool { return strings.HasPrefix(http.DetectContentType(r.Body), "text/html") }

// Useless is the error of an answer that no gateway gives: ErrAnswer, in words.
func (r Reply) Useless() error {
	if r.page() {
		return pageError(r.Status)
	}
	return fmt.Errorf("%w: HTTP status %d", ErrAnswer, r.Status)
}

// pageError is an HTML page with that status.
type pageError int

func (e pageError) Error() string {
	return fmt.Sprintf("an HTML page with HTTP status %d, and no answer of the gateway: a proxy, or a network that wants a log-in", int(e))
}

func (e pageError) Unwrap() error { return ErrAnswer }

// Exchange sends a letter once and gives the whole answer. Its errors hold neither address nor body. Where nothing left it tries
// the other host, if there is one.
func (p *Poster) Exchange(ctx context.Context, l Letter) (Reply, error) {
	first := l
	first.To = p.hosts.at(l.To, false)
	reply, err := p.exchange(ctx, first)
	if err == nil && reply.Status < http.StatusInternalServerError || errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, errHeld) {
		return reply, err // neither a caller who hangs up nor a blocked journal says anything about the host
	}
	second := p.hosts.at(l.To, true)
	if p.hosts.turn(); second == first.To || !errors.Is(err, ErrNotSent) || ctx.Err() != nil {
		return reply, err
	}
	l.To = second
	return p.exchange(ctx, l)
}

func (p *Poster) exchange(ctx context.Context, l Letter) (Reply, error) {
	if ctx.Err() != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNotSent, ctx.Err())
	}
	ctx, fate := traced(ctx)
	req, err := http.NewRequestWithContext(ctx, l.Method, l.To, bytes.NewReader(l.Body))
	if err != nil {
		return Reply{}, fmt.Errorf("%w: the gateway's address is wrong", ErrNotSent)
	}
	req.GetBody = nil // the transport cannot send the body a second time
	maps.Copy(req.Header, l.Header)
	res, err := p.client.Do(req)
	if err != nil {
		return Reply{}, fate.judge(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, sign.MaxBody+1))
	switch {
	case err != nil:
		return Reply{}, fmt.Errorf("read answer: %w", err)
	case len(answer) > sign.MaxBody:
		return Reply{}, fmt.Errorf("%w: more than %d bytes", ErrAnswer, sign.MaxBody)
	}
	return Reply{res.StatusCode, res.Header, answer}, nil
}

// Probe tells whether a gateway speaks HTTP: any answer that no proxy makes for a dead one counts.
func (p *Poster) Probe(ctx context.Context, to string) Result {
	first, second := p.hosts.at(to, false), p.hosts.at(to, true)
	r := p.probe(ctx, first)
	if r.Reached || second == first || ctx.Err() != nil {
		return r
	}
	p.hosts.turn()
	return p.probe(ctx, second)
}

func (p *Poster) probe(ctx context.Context, to string) Result {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to, nil)
	if err != nil {
		return Result{NotSent: true}
	}
	res, err := p.client.Do(req)
	if err != nil {
		return Result{}
	}
	_ = res.Body.Close()
	return Result{Reached: res.StatusCode < http.StatusInternalServerError}
}

// fate is how far a request came. Its fields are set by the transport's goroutine.
type fate struct{ asked, connected atomic.Bool }

func traced(ctx context.Context) (context.Context, *fate) {
	f := &fate{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { f.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { f.connected.Store(true) },
	}), f
}

// judge says ErrNotSent only with proof: the transport looked for a connection and never had one. Once it had one,
// even a Write that returned 0 may have put bytes on the way.
func (f *fate) judge(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // without the address
	}
	if f.asked.Load() && !f.connected.Load() {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return err
}

// Unanswered is the Result of an exchange that ended with err instead of an answer.
func Unanswered(err error) Result {
	switch {
	case errors.Is(err, ErrNotSent):
		return Result{NotSent: true, Doubt: payment.ReasonNoAnswer, Text: "the gateway cannot be reached"}
	case errors.Is(err, ErrAnswer):
		return Result{Reached: errors.Is(err, pageError(http.StatusOK)), Doubt: payment.ReasonOther, Text: err.Error()}
	}
	return Result{Doubt: payment.ReasonNoAnswer, Text: "no answer"}
}

// Distrusted is the Result of a complete answer that is not to be believed.
func Distrusted(err error) Result {
	r := Result{Reached: true, Doubt: payment.ReasonOther, Text: err.Error()}
	if errors.Is(err, sign.ErrMissing) || errors.Is(err, sign.ErrWrong) {
		r.Doubt = payment.ReasonBadAnswer
	}
	return r
}
