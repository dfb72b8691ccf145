package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/api"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers"
	"posd/drivers/printer"
)

const (
	host       = "127.0.0.1:8320"
	tillToken  = "till-token-0123456789"
	otherToken = "other-token-0123456789"
	superToken = "super-token-0123456789"
)

// tender is a small way to pay whose host does as the test says.
type tender struct {
	rail  payment.Rail
	shown chan struct{} // the customer shows card or code

	mu     sync.Mutex
	answer func(context.Context, payment.Attempt) payment.Answer // guarded by mu
	undo   func(payment.Attempt) payment.Undo                    // guarded by mu
	asked  int                                                   // guarded by mu
	settle func(payment.Settling) payment.Settled                // guarded by mu; nil: a host that agrees
	ready  error                                                 // set before the desk asks
}

func newTender(rail payment.Rail) *tender {
	return &tender{
		rail: rail, shown: make(chan struct{}, 8),
		answer: func(_ context.Context, a payment.Attempt) payment.Answer {
			return payment.Answer{Outcome: payment.Approved, Amount: a.Amount, Code: "00", Host: payment.HostNumbers{Reference: "000000000042"}}
		},
		undo: func(payment.Attempt) payment.Undo {
			return payment.Undo{Outcome: payment.Confirmed, Code: "00"}
		},
	}
}

type input struct{ text []byte }

func (i *input) Wipe() { clear(i.text) }

func (i *input) Hash(key []byte) (sum [32]byte, ok bool) {
	h := hmac.New(sha256.New, key)
	h.Write(i.text)
	return [32]byte(h.Sum(nil)), len(i.text) > 0
}

func (t *tender) Policy() payment.Policy {
	p := payment.Policy{Call: time.Minute, AskCall: 10 * time.Second, ReverseCall: time.Minute, InFlightMax: 2 * time.Minute, Repeats: []payment.Kind{payment.KindRefund}}
	if t.rail == payment.RailCard {
		p.Terminal, p.UploadSize = "00000001", 8
	}
	return p
}

func (t *tender) Settle(_ context.Context, m payment.Settling) payment.Settled {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.settle != nil {
		return t.settle(m)
	}
	return payment.Settled{Outcome: payment.Balanced, Code: "00", Text: "approved", NextBatch: "000008"}
}

func (t *tender) Ready(context.Context) error { return t.ready }

func (t *tender) Collect(ctx context.Context, r payment.Request) (payment.Input, error) {
	if r.Kind == payment.KindVoid || r.Kind == payment.KindRefund || r.Kind == payment.KindCompletion {
		return nil, nil
	}
	if !r.Code.Empty() {
		in := &input{}
		r.Code.Reveal(func(b []byte) { in.text = bytes.Clone(b) })
		r.Code.Wipe()
		return in, nil
	}
	select {
	case <-t.shown:
		return &input{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *tender) Plan(payment.Request, payment.Input, payment.Numbers) (payment.Plan, error) {
	note := []payment.Message{{Direction: "out", Name: "test", Fields: json.RawMessage(`{"inner":"for technicians only"}`)}}
	if t.rail == payment.RailCard {
		return payment.Plan{Instrument: "411111******1111", Messages: note}, nil
	}
	return payment.Plan{Instrument: "alipay", Deadline: time.Minute, FirstAsk: 3 * time.Second, Messages: note}, nil
}

func (t *tender) Authorize(ctx context.Context, a payment.Attempt, _ payment.Input) payment.Answer {
	t.mu.Lock()
	t.asked++
	answer := t.answer
	t.mu.Unlock()
	return answer(ctx, a)
}

func (t *tender) Ask(context.Context, payment.Attempt) payment.Answer { return payment.Answer{} }

func (t *tender) Reverse(_ context.Context, a payment.Attempt) payment.Undo {
	t.mu.Lock()
	undo := t.undo
	t.mu.Unlock()
	return undo(a)
}

// says makes the host answer so from now on.
func (t *tender) says(answer payment.Answer, undo payment.UndoOutcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answer = func(_ context.Context, a payment.Attempt) payment.Answer {
		if answer.Outcome == payment.Approved {
			answer.Amount = a.Amount
		}
		return answer
	}
	t.undo = func(payment.Attempt) payment.Undo {
		return payment.Undo{Outcome: undo, Code: "64"}
	}
}

func (t *tender) calls() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}

// shop is posd from the journal to the interface.
type shop struct {
	t            *testing.T
	card, wallet *tender
	journal      *journal.Journal
	desk         *payment.Desk
	api          *api.API
	http         http.Handler
	log          *safeBuffer
	devices      []drivers.DeviceStatus
	queue        *prints.Queue // which nobody runs
	printer      struct{ printer.Printer }
	tell         func(name, command string) error // a scanner; nil: there is none
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func token(t *testing.T, client string, scope api.Scope, text string) api.Token {
	t.Helper()
	tok, err := api.NewToken(client, scope, []byte(text+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func now() time.Time { return time.Now() }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openShop(t *testing.T, beforeCommit func() error) *shop {
	t.Helper()
	s := &shop{t: t, card: newTender(payment.RailCard), wallet: newTender(payment.RailWallet), log: &safeBuffer{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: now, Projections: []journal.Projection{payment.Projection(), prints.Projection()}, BeforeCommit: beforeCommit,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.journal = j
	s.desk = payment.NewDesk(payment.Options{
		Book: payment.NewBook(j, nil, now, log), Card: s.card, Wallet: s.wallet, Now: now, Log: log, StopGrace: time.Millisecond,
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.desk.Run(ctx) }()
	s.printer.Printer = awayPrinter{}
	s.queue = prints.New(prints.Options{Journal: j, Printer: &s.printer, Now: now, Log: log})
	s.api = api.New(api.Options{
		Desk: s.desk, Hosts: api.LocalHosts(host), Origins: []string{"https://till.example"}, Currency: "CNY", Version: "test", Now: now, Log: log,
		Tokens: []api.Token{
			token(t, "till", api.Sell, tillToken), token(t, "other", api.Sell, otherToken), token(t, "supervisor", api.Supervisor, superToken),
		},
		Prints:    s.queue,
		Look:      prints.Look{Profile: "chinese-80"},
		SlipLines: func(s payment.Sale, a payment.Attempt) []string { return []string{"SLIP " + s.ID + " " + a.Said()} },
		Devices:   func() []drivers.DeviceStatus { return s.devices },
		Scanner: func(_ context.Context, name, command string) error {
			if s.tell == nil {
				return drivers.ErrNoDevice
			}
			return s.tell(name, command)
		},
	})
	s.http = s.api.Handler()
	t.Cleanup(func() {
		s.api.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// inShop runs a test in a bubble of virtual time.
func inShop(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Helper()
	inBrokenShop(t, nil, test)
}

// inBrokenShop is inShop with a disk that may fail.
func inBrokenShop(t *testing.T, beforeCommit func() error, test func(t *testing.T, s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, beforeCommit)
		synctest.Wait() // recovery
		test(t, s)
	})
}

// ask makes a request as the till would, with changes.
func (s *shop) ask(method, path, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, request(method, path, body, changes...))
	return w
}

func request(method, path, body string, changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, http.NoBody)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+tillToken)
	for _, change := range changes {
		change(r)
	}
	return r
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func as(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }

var waiting = header("Prefer", "wait=90")

// answer is any answer of the interface: a sale, an attempt or a problem.
type answer struct {
	Type, Title, Detail, Code, Remedy, Field string
	Status                                   any
	RetryAt                                  time.Time `json:"retry_at"`
	Clients                                  []string

	ID, Attempt, State, Instrument, Rail string
	Client, Sale                         string
	InnerState                           string `json:"inner_state"`
	ShortID                              string `json:"short_id"`
	Amount, Paid, Rest, Approved         int64
	Slip                                 []string
	Host                                 payment.HostNumbers
	Problem                              *struct{ Code, Detail, Remedy string }
	Reversal                             *struct{ Tries int }
	Attempts                             []answer
	AckedAt                              time.Time `json:"acked_at"`
}

// want checks the status and reads the answer.
func (s *shop) want(status int, w *httptest.ResponseRecorder) (a answer) {
	s.t.Helper()
	if w.Code != status {
		s.t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		s.t.Fatalf("answer is no JSON: %v: %s", err, w.Body)
	}
	return a
}

// refused checks that an answer is a whole problem of that status and code.
func (s *shop) refused(status int, code string, w *httptest.ResponseRecorder) answer {
	s.t.Helper()
	a := s.want(status, w)
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		s.t.Errorf("Content-Type %q, want application/problem+json", got)
	}
	if a.Code != code || a.Type != "about:blank" || a.Title == "" || a.Detail == "" || a.Remedy == "" || a.Status != float64(status) {
		s.t.Errorf("problem %s, want code %s with type, title, status, detail and remedy", w.Body, code)
	}
	return a
}

// opened opens a sale of the till.
func (s *shop) opened(id string) {
	s.t.Helper()
	s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/"+id, `{"amount":1999,"currency":"CNY","reference":"till 3 / 0042"}`))
}

const cardSale = `{"rail":"card","kind":"sale","language":"zh","print":true}`

func walletSale(code string) string { return `{"rail":"wallet","kind":"sale","code":"` + code + `"}` }
