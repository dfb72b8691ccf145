package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"posd/daemon/payment"
)

// teller speaks to posd's API with one token, over one connection at a time, as a till's software does.
type teller struct {
	s           *shop
	name, token string
	conn        *plug
	in          *bufio.Reader
	cards       map[string]int // which card paid, by sale and attempt
}

func (s *shop) teller(name, token string) *teller {
	return &teller{s: s, name: name, token: token, cards: map[string]int{}}
}

// answer is what posd has said to one request.
type answer struct {
	said
	text []byte
}

// errHungUp is a till that has lost its patience.
var errHungUp = errors.New("the till has hung up")

// ask sends one request and waits for its answer, for so long.
func (t *teller) ask(method, path string, body any, wait string, patience time.Duration) (a answer, err error) {
	defer func() {
		if err != nil {
			t.hangUp()
		}
	}()
	if t.conn == nil {
		if t.conn, err = t.s.reach(t.name); err != nil {
			return a, err
		}
		t.in = bufio.NewReader(t.conn)
	}
	t.s.note("asks", t.name+" "+method+" "+path)
	if _, err = t.conn.Write(t.request(method, path, body, wait)); err != nil {
		return a, err
	}
	_ = t.conn.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(t.in, nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return a, errHungUp
	}
	if err != nil {
		return a, err
	}
	a.HTTP = resp.StatusCode
	if a.text, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	if resp.Close {
		t.hangUp()
	}
	return a, json.Unmarshal(a.text, &a.said)
}

func (t *teller) request(method, path string, body any, wait string) []byte {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // maps of plain values
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", method, path, apiAddress, t.token)
	if wait != "" {
		fmt.Fprintf(&b, "Prefer: wait=%s\r\n", wait)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(text))
	} else if method != http.MethodGet {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n")
	b.Write(text)
	return b.Bytes()
}

func (t *teller) hangUp() {
	if t.conn != nil {
		_ = t.conn.Close()
	}
	t.conn = nil
}

// passing are refusals that say nothing about what was asked: it is asked again.
var passing = map[string]bool{"blocked": true, "not_ready": true, "stopping": true, "busy": true, "internal": true}

// try asks until posd answers: a till repeats what was not answered, under the same ids.
func (t *teller) try(method, path string, body any, wait string) (answer, bool) {
	rng := t.s.draw("again", fmt.Sprint(t.name, path, time.Since(t.s.began)))
	for range 500 {
		a, err := t.ask(method, path, body, wait, 150*time.Second)
		if err == nil && a.Code == "internal" {
			t.s.breach("posd answers %s %s with %s", method, path, a.text)
		}
		if err == nil && !(a.HTTP >= 500 && passing[a.Code]) {
			return a, true
		}
		rest(rng, time.Second, 4*time.Second)
	}
	t.s.breach("posd does not come back for %s %s", method, path)
	return answer{}, false
}

// rest lets time pass, to an instant of its own.
func rest(rng *rand.Rand, from, to time.Duration) {
	time.Sleep(from + time.Duration(rng.Int64N(int64(to-from))))
}

// heard is what a till was told of an attempt.
type heard struct {
	at      time.Duration
	state   string
	text    string // what must not change
	order   string // likewise, once there is one
	balance string
}

// durable says which events must be on disk before a word is said (I4).
var durable = map[string][]string{
	payment.SaidApproved: {"attempt.approved"}, payment.SaidDeclined: {"attempt.declined"}, payment.SaidNotPaid: {"attempt.unsent", "attempt.cancelled"},
	payment.SaidReversing: {"attempt.reversing", "attempt.settled"}, payment.SaidReversed: {"attempt.reversed"}, payment.SaidVoided: {"attempt.voided"},
	payment.SaidRefunded: {"attempt.refunded"}, payment.SaidNeedsAttention: {"attempt.stuck"}, payment.SaidSettledPaid: {"attempt.settled"},
	payment.SaidSettledNotPaid: {"attempt.settled"}, payment.SaidInProgress: {"attempt.created"},
}

// hear keeps what was said of an attempt, and checks that it is on disk.
func (t *teller) hear(k payment.Key, a said) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.add("said to the till", a.State)
	s.noteHeld("told", fmt.Sprintf("%s %s %s", k.Client, k, a.State))
	now := s.mirror.attempts[k]
	ok := false
	for _, kind := range durable[a.State] {
		ok = ok || now != nil && now.entered(kind)
	}
	if !ok {
		s.breachHeld("I4: %s of %s is told %q, which is not on disk", k, k.Client, a.State)
	}
	if now != nil && a.State == payment.SaidApproved && a.Approved != now.said() {
		s.breachHeld("I3: the till is told that %s took %d, and the other side has said %d", k, a.Approved, now.approved)
	}
	name := k.Client + "/" + k.String()
	s.heard[name] = append(s.heard[name], heard{
		at: time.Since(s.began), state: a.State, text: fmt.Sprint(a.ShortID, a.Kind, a.Amount), order: a.Numbers.Order, balance: balanceOf(a),
	})
}

// balanceOf is what was said of a card's balance.
func balanceOf(a said) string {
	if a.Balance == nil {
		return ""
	}
	return fmt.Sprint(*a.Balance)
}

// key names an attempt of this till.
func (t *teller) key(sale, attempt string) payment.Key {
	return payment.Key{Client: t.name, Sale: sale, Attempt: attempt}
}

// outcome sends an attempt, or finds it, and gives what came of it. ok is false where it was refused or not answered.
func (t *teller) outcome(sale, attempt string, body map[string]any) (a answer, ok bool) {
	if a, ok = t.try(http.MethodPut, pathOf(sale, attempt), body, "90"); !ok {
		return a, false
	}
	if a.State == "" {
		t.s.tally.add("said to the till", a.Code)
		t.s.note("told", t.name+" "+sale+"/"+attempt+" "+a.Code)
		return a, false
	}
	t.hear(t.key(sale, attempt), a.said)
	return a, true
}
