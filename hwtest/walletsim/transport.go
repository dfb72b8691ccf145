package walletsim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// ErrDown is what dialling a Transport ends with that is down.
var ErrDown = errors.New("no route to the gateway")

var errReset = errors.New("connection reset by the gateway")

// Transport is an http.RoundTripper that hands requests to a handler in memory, so that whole exchanges run in a
// testing/synctest bubble. It tells httptrace about connections as a real transport does.
type Transport struct {
	handler http.Handler

	mu   sync.Mutex
	down bool           // guarded by mu
	wg   sync.WaitGroup // handlers that run on after their caller has hung up
}

// NewTransport makes one that is up.
func NewTransport(h http.Handler) *Transport { return &Transport{handler: h} }

// SetDown takes the link away, or brings it back.
func (t *Transport) SetDown(down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down = down
}

// Wait returns when no handler is running any more.
func (t *Transport) Wait() { t.wg.Wait() }

// RoundTrip runs the handler and answers as soon as it or the request's context ends. The handler may run on.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.dial(req); err != nil {
		return nil, err
	}
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	server := req.Clone(req.Context())
	server.Body = io.NopCloser(bytes.NewReader(body))
	server.RequestURI, server.RemoteAddr = req.URL.RequestURI(), "memory"
	rec := &recorder{header: http.Header{}, done: make(chan struct{})}
	t.wg.Go(func() { rec.run(t.handler, server) })
	select {
	case <-rec.done:
		return rec.response(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

func (t *Transport) dial(req *http.Request) error {
	trace := httptrace.ContextClientTrace(req.Context())
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	t.mu.Lock()
	down := t.down
	t.mu.Unlock()
	if down {
		return ErrDown
	}
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return nil
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }()
	return io.ReadAll(req.Body)
}

// recorder is a ResponseWriter; its fields belong to the handler until done is closed.
type recorder struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	aborted bool
	done    chan struct{}
}

func (r *recorder) run(h http.Handler, req *http.Request) {
	defer close(r.done)
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			r.aborted = true
		}
	}()
	h.ServeHTTP(r, req)
}

// Header is the answer's header.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader keeps the first status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write appends to the body.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func (r *recorder) response(req *http.Request) (*http.Response, error) {
	if r.aborted && r.status == 0 {
		return nil, errReset
	}
	r.WriteHeader(http.StatusOK)
	var body io.Reader = bytes.NewReader(r.body.Bytes())
	if r.aborted {
		body = io.MultiReader(body, torn{})
	}
	return &http.Response{
		Status: http.StatusText(r.status), StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(body), ContentLength: -1, Request: req,
	}, nil
}

// torn is where an answer breaks off.
type torn struct{}

// Read never gives a byte.
func (torn) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
