//go:build proof && linux

package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
)

// caller speaks to posd's API with one token.
type caller struct {
	s      *shop
	token  string
	http   *http.Client
	hearer bool // the till: what it is told must stay true
}

func newCaller(s *shop, token string, hearer bool) *caller {
	transport := &http.Transport{MaxIdleConns: 1100, MaxIdleConnsPerHost: 1100, IdleConnTimeout: 10 * time.Second}
	return &caller{s: s, token: token, hearer: hearer, http: &http.Client{Transport: transport, Timeout: patience}}
}

// ask is one request to posd.
type ask struct {
	method, path string
	body         any
	wait         time.Duration // posd may take so long to know the outcome
}

// said is any answer of the API: a sale, an attempt, a list or a problem.
type said struct {
	Status int    `json:"-"`
	Raw    []byte `json:"-"`

	ID       string `json:"id"`
	Sale     string `json:"sale"`
	Attempt  string `json:"attempt"`
	State    string `json:"state"`
	Inner    string `json:"inner_state"`
	Kind     string `json:"kind"`
	Rail     string `json:"rail"`
	Original string `json:"original"`
	Amount   int64  `json:"amount"`
	Paid     int64  `json:"paid"`
	Rest     int64  `json:"rest"`
	Reserved int64  `json:"reserved"`
	Refunded int64  `json:"refunded"`
	ShortID  string `json:"short_id"`
	System   bool   `json:"system"`
	Batch    string `json:"batch"`
	Numbers  struct {
		Terminal string `json:"terminal"`
		Batch    string `json:"batch"`
		Trace    string `json:"trace"`
		Order    string `json:"order"`
	} `json:"numbers"`
	Reversal struct {
		Tries   int  `json:"tries"`
		Alarmed bool `json:"alarmed"`
	} `json:"reversal"`

	Code   string `json:"code"`
	Detail string `json:"detail"`

	Attempts []json.RawMessage `json:"attempts"`
	Open     []said            `json:"open"`
	Stuck    []said            `json:"stuck"`
	Pairs    []payment.Pair    `json:"pairs"`
	Batches  []said            `json:"batches"`
	Sales    []said            `json:"sales"`
	Problems []payment.Concern `json:"problems"`
	Devices  []struct {
		Name   string `json:"name"`
		Online bool   `json:"online"`
	} `json:"devices"`
}

// undecided tells that posd is not done with the attempt.
func (a said) undecided() bool {
	return a.State == payment.SaidInProgress || a.State == payment.SaidReversing
}

// refused tells that posd has said no.
func (a said) refused() bool { return a.Status/100 != 2 }

// heard is an answer about an attempt that the till has got whole.
type heard struct {
	sale, attempt string
	state         string
	raw           string // the attempt as posd told it
	asked, got    time.Time
}

// ask sends one request. An error means that no whole answer came: posd may or may not have done it.
func (c *caller) ask(ctx context.Context, q ask) (a said, err error) {
	asked := time.Now()
	if a.Status, a.Raw, err = c.send(ctx, q); err != nil {
		return a, err
	}
	if err := json.Unmarshal(a.Raw, &a); err != nil {
		return a, fmt.Errorf("%s %s: %w in %s", q.method, q.path, err, a.Raw)
	}
	if c.hearer && !a.refused() {
		c.s.hear(asked, a)
	}
	return a, nil
}

func (c *caller) send(ctx context.Context, q ask) (status int, text []byte, err error) {
	var in []byte
	if q.body != nil {
		if in, err = json.Marshal(q.body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, q.method, "http://"+c.s.listen+q.path, bytes.NewReader(in))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.wait > 0 {
		req.Header.Set("Prefer", "wait="+strconv.Itoa(int(q.wait.Seconds())))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

// hear remembers what the till was told of attempts.
func (s *shop) hear(asked time.Time, a said) {
	got := time.Now()
	raws := a.Attempts
	if a.Attempt != "" {
		raws = []json.RawMessage{a.Raw}
	}
	for _, raw := range raws {
		var at said
		if json.Unmarshal(raw, &at) != nil || at.Attempt == "" || at.Sale == "" {
			continue
		}
		s.mu.Lock()
		s.told = append(s.told, heard{at.Sale, at.Attempt, at.State, string(bytes.TrimSpace(raw)), asked, got})
		s.mu.Unlock()
	}
}

// get asks how something stands.
func (c *caller) get(ctx context.Context, path string) (said, error) {
	return c.ask(ctx, ask{method: http.MethodGet, path: path})
}

// openSale opens a sale.
func (c *caller) openSale(ctx context.Context, sale string, amount int64) (said, error) {
	return c.ask(ctx, ask{method: http.MethodPut, path: salePath(sale), body: map[string]any{"amount": amount, "currency": "CNY"}})
}

// begin begins an attempt, or finds it, and waits so long for its outcome.
func (c *caller) begin(ctx context.Context, sale, attempt string, body map[string]any, wait time.Duration) (said, error) {
	return c.ask(ctx, ask{method: http.MethodPut, path: attemptPath(sale, attempt), body: body, wait: wait})
}

// ack tells posd that the till knows the outcome of a sale.
func (c *caller) ack(ctx context.Context, sale string) (said, error) {
	asked := time.Now()
	a, err := c.ask(ctx, ask{method: http.MethodPost, path: salePath(sale) + "/ack"})
	if err == nil && !a.refused() {
		c.s.acknowledge(sale, asked)
	}
	return a, err
}

// closeBatch closes the card terminal's batch.
func (c *caller) closeBatch(ctx context.Context, wait time.Duration) (said, error) {
	return c.ask(ctx, ask{method: http.MethodPost, path: "/v1/batches/close", wait: wait})
}

// settle is a person's verdict on a stuck attempt.
func (c *caller) settle(ctx context.Context, sale, attempt, as string) (said, error) {
	body := map[string]any{"as": as, "by": "supervisor", "reason": "its own ledger says so"}
	return c.ask(ctx, ask{method: http.MethodPost, path: attemptPath(sale, attempt) + "/settle", body: body})
}

func salePath(sale string) string             { return "/v1/sales/" + sale }
func attemptPath(sale, attempt string) string { return salePath(sale) + "/attempts/" + attempt }

// payBy is the body of a sale on a rail.
func payBy(rail string) map[string]any {
	return map[string]any{"rail": rail, "kind": "sale", "print": true, "language": "en"}
}

// payWith is a wallet sale with a code that the till has scanned itself.
func payWith(code string) map[string]any {
	body := payBy("wallet")
	body["code"] = code
	return body
}

// undo is a void or refund of an attempt.
func undo(kind, original string) map[string]any {
	return map[string]any{"rail": "any", "kind": kind, "original": original, "print": true, "language": "en"}
}
