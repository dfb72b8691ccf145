package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/devicesim"
	"posd/hwtest/walletsim"
)

// caller speaks to posd's API with one token.
type caller struct {
	s     *store
	token string
	http  *http.Client
}

// said is any answer of the API: a sale, an attempt, a list or a problem.
type said struct {
	HTTP int `json:"-"`

	Client     string   `json:"client"`
	Sale       string   `json:"sale"`
	ID         string   `json:"id"` // of a sale
	State      string   `json:"state"`
	Inner      string   `json:"inner_state"`
	Kind       string   `json:"kind"`
	Attempt    string   `json:"attempt"`
	Rail       string   `json:"rail"`
	Amount     int64    `json:"amount"`
	Approved   int64    `json:"approved"`
	Refunded   int64    `json:"refunded"`
	Original   string   `json:"original"`
	CardAgain  bool     `json:"card_again"`
	Paid       int64    `json:"paid"`
	Rest       int64    `json:"rest"`
	Instrument string   `json:"instrument"`
	ShortID    string   `json:"short_id"`
	System     bool     `json:"system"`
	Slip       []string `json:"slip"`
	Copy       bool     `json:"copy"`
	Numbers    struct {
		Batch string `json:"batch"`
		Trace string `json:"trace"`
		Order string `json:"order"`
	} `json:"numbers"`
	Balance  *payment.Balance `json:"balance"`
	AckedAt  time.Time        `json:"acked_at"`
	Reversal struct {
		Tries  int    `json:"tries"`
		Reason string `json:"reason"`
	} `json:"reversal"`

	Code    string    `json:"code"`
	Detail  string    `json:"detail"`
	Field   string    `json:"field"`
	Result  string    `json:"result"` // of a print job
	Why     string    `json:"why"`
	Again   int       `json:"reprints"`
	Remedy  string    `json:"remedy"`
	RetryAt time.Time `json:"retry_at"`

	Sales    []said            `json:"sales"`
	Batches  []said            `json:"batches"`
	Attempts []said            `json:"attempts"`
	Open     []said            `json:"open"`
	Stuck    []said            `json:"stuck"`
	Pairs    []payment.Pair    `json:"pairs"`
	Problems []payment.Concern `json:"problems"`
	Devices  []struct {
		Name   string `json:"name"`
		Online bool   `json:"online"`
	} `json:"devices"`
}

// send sends one request and gives the answer. With patience it lets posd wait for the outcome.
func (c *caller) send(method, path string, body any, patience ...string) said {
	c.s.t.Helper()
	status, text := c.raw(method, path, body, patience...)
	a := said{HTTP: status}
	if err := json.Unmarshal(text, &a); err != nil {
		c.s.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return a
}

// raw is send with the answer as it comes. body may be nil.
func (c *caller) raw(method, path string, body any, patience ...string) (status int, text []byte) {
	c.s.t.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			c.s.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(c.s.t.Context(), method, "http://"+c.s.cfg.API.Listen+path, &in)
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, p := range patience {
		req.Header.Set("Prefer", p)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.s.t.Fatalf("%s %s: %v\n%s", method, path, err, c.s.log())
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		c.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, text
}

func (c *caller) get(path string) said {
	c.s.t.Helper()
	return c.send(http.MethodGet, path, nil)
}

// health gives posd's word about itself, and why.
func (c *caller) health() (status string, problems []payment.Concern) {
	c.s.t.Helper()
	var h struct {
		Status   string            `json:"status"`
		Problems []payment.Concern `json:"problems"`
	}
	if _, text := c.raw(http.MethodGet, "/v1/health", nil); json.Unmarshal(text, &h) != nil {
		c.s.t.Fatalf("health: %s", text)
	}
	return h.Status, h.Problems
}

// open opens a sale.
func (c *caller) open(sale string, amount int64) {
	c.s.t.Helper()
	a := c.send(http.MethodPut, "/v1/sales/"+sale, map[string]any{"amount": amount, "currency": "CNY"})
	if a.HTTP != http.StatusCreated {
		c.s.t.Fatalf("open %s: %+v", sale, a)
	}
}

// begin begins an attempt and does not wait for its outcome.
func (c *caller) begin(sale, attempt string, body any) said {
	c.s.t.Helper()
	return c.send(http.MethodPut, pathOf(sale, attempt), body)
}

// pay begins an attempt, or finds it, and gives its outcome. Like a till it asks again while posd says that it goes on: an
// answer does not wait long for a reversal.
func (c *caller) pay(sale, attempt string, body any) (a said) {
	c.s.t.Helper()
	c.s.eventually("the outcome of "+sale+"/"+attempt, func() bool {
		a = c.send(http.MethodPut, pathOf(sale, attempt), body, "wait=90")
		return a.HTTP != http.StatusAccepted
	})
	return a
}

// payCard begins a card sale, lets the customer swipe and gives the outcome.
func (c *caller) payCard(sale, attempt string, card devicesim.Card) said {
	c.s.t.Helper()
	body := saleBy("card")
	if a := c.begin(sale, attempt, body); a.HTTP != http.StatusAccepted {
		return a
	}
	c.swipe(sale, attempt, card)
	return c.pay(sale, attempt, body)
}

// swipe lets the customer swipe until the terminal takes the card. Like a customer it can come before the terminal is
// ready: a swipe that nobody waits for is dropped.
func (c *caller) swipe(sale, attempt string, card devicesim.Card) {
	c.s.t.Helper()
	c.collected(sale, attempt, func() error { return c.s.reader.Swipe(card) })
}

// scan shows a code to the scanner until the terminal takes it.
func (c *caller) scan(sale, attempt, code string) {
	c.s.t.Helper()
	c.collected(sale, attempt, func() error { return c.s.scanner.Emit("", code) })
}

func (c *caller) collected(sale, attempt string, show func() error) {
	c.s.t.Helper()
	shown := time.Time{}
	c.s.eventually("card or code is taken for "+sale, func() bool {
		if c.get(pathOf(sale, attempt)).Inner != "created" {
			return true
		}
		if time.Since(shown) > 800*time.Millisecond { // longer than a scanner takes two equal codes for one
			if err := show(); err != nil {
				c.s.t.Fatal(err)
			}
			shown = time.Now()
		}
		return false
	})
}

// want fails the test unless an attempt stands as it should.
func (s *store) want(a said, state string) said {
	s.t.Helper()
	if a.State != state {
		s.t.Fatalf("state is %q, want %q: %+v\n%s", a.State, state, a, s.log())
	}
	return a
}

// refused fails the test unless the answer is a problem of that status and code, with a sentence and a remedy.
func (s *store) refused(a said, status int, code string) said {
	s.t.Helper()
	if a.HTTP != status || a.Code != code || a.Detail == "" || a.Remedy == "" {
		s.t.Fatalf("answer is %d %q (%q, %q), want %d %q with detail and remedy", a.HTTP, a.Code, a.Detail, a.Remedy, status, code)
	}
	return a
}

// holds fails the test unless the card host and the gateway hold what they should.
func (s *store) holds(cards, wallets int64) {
	s.t.Helper()
	sign := map[walletsim.EntryKind]int64{walletsim.Capture: 1, walletsim.Return: -1}
	var purse int64
	for _, e := range s.gateway.Ledger() {
		purse += sign[e.Kind] * e.Amount
	}
	if got := s.host.Net(nil); got != cards || purse != wallets {
		s.t.Fatalf("host holds %d and gateway %d, want %d and %d", got, purse, cards, wallets)
	}
}

func saleBy(rail string) map[string]any {
	return map[string]any{"rail": rail, "kind": "sale", "print": true}
}

// undo is a void or refund of an attempt.
func undo(kind, original string) map[string]any {
	return map[string]any{"rail": "any", "kind": kind, "original": original, "print": true}
}

func pathOf(sale, attempt string) string {
	return fmt.Sprintf("/v1/sales/%s/attempts/%s", sale, attempt)
}
