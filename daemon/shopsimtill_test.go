package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"posd/daemon/payment"
)

// trade sells until the day has had its attempts.
func (t *teller) trade(prefix string) {
	for n := 1; n < 10*t.s.attempts; n++ {
		t.s.mu.Lock()
		enough := t.s.mirror.created >= t.s.attempts
		t.s.mu.Unlock()
		if enough {
			return
		}
		t.sell(fmt.Sprintf("%s-%04d", prefix, n))
	}
}

// sell is one customer, from the goods to the slip.
func (t *teller) sell(id string) {
	rng := t.s.draw("sale", id)
	amount := int64(rng.IntN(60)+1) * 100
	if rng.IntN(3) == 0 {
		amount = int64(rng.IntN(4)+1) * 1000 // a usual price: sales look alike
	}
	if !t.openSale(id, amount, rng) {
		return
	}
	if rng.IntN(14) == 0 {
		t.pay(id, "balance", map[string]any{"rail": "card", "kind": "balance", "print": true}, rng)
	}
	unclean, done := false, false
	if rng.IntN(14) == 0 {
		done, unclean = t.hurry(id, rng)
	}
	for n := 0; n < 4 && (!done || n == 1 && rng.IntN(12) == 0); n++ { // a customer may pay twice, and a supervisor let it pass
		body := t.draws(rng)
		if done || unclean && rng.IntN(2) == 0 || rng.IntN(40) == 0 {
			body["override"] = map[string]any{"by": "supervisor", "reason": "the customer insists"}
		}
		done, unclean = t.attempt(id, fmt.Sprint("p", n), body, rng)
	}
	t.complete(id, rng)
	if s, ok := t.look(id); ok {
		for _, a := range s.Attempts {
			if a.Kind == "pre-auth" && rng.IntN(3) == 0 {
				t.greedy(id, a.Attempt, "completion", rng)
			}
		}
	}
	t.after(id, rng)
	rest(rng, time.Second, 8*time.Second)
}

// draws how a customer pays.
func (t *teller) draws(rng *rand.Rand) map[string]any {
	rail, kind := []string{"card", "card", "card", "wallet", "wallet", "wallet", "any"}[rng.IntN(7)], "sale"
	if rail == "card" && rng.IntN(6) == 0 {
		kind = "pre-auth"
	}
	return map[string]any{"rail": rail, "kind": kind, "print": rng.IntN(20) > 0, "language": []string{"en", "en", "en", "zh"}[rng.IntN(4)]}
}

// openSale opens a sale and tells whether it is open.
func (t *teller) openSale(id string, amount int64, rng *rand.Rand) bool {
	body := map[string]any{"amount": amount, "currency": "CNY"}
	for range 20 {
		full := t.s.isFull()
		a, ok := t.try(http.MethodPut, "/v1/sales/"+id, body, "")
		if ok && a.HTTP == http.StatusCreated && full && t.s.isFull() {
			t.s.breach("I11: the disk is full, and sale %s is opened", id)
		}
		switch {
		case !ok:
			return false
		case a.HTTP < 300:
			return true
		case a.Code == "unacknowledged":
			body["after"] = strings.Fields(a.Detail + " - -")[1] // "sale ID of the same amount was approved ..."
		case a.Code == "disk_full":
			if a.HTTP != http.StatusInsufficientStorage || a.Remedy == "" {
				t.s.breach("I11: a full disk is answered with %s", a.text)
			}
			t.s.tally.add("said to the till", a.Code)
			t.s.did("disk is full")
			rest(rng, 30*time.Second, time.Minute)
		default:
			t.s.breach("sale %s is refused: %s", id, a.text)
			return false
		}
	}
	return false
}

// attempt lets a customer pay once, and tells whether the sale is done with, and whether its outcome is unclean.
func (t *teller) attempt(sale, id string, body map[string]any, rng *rand.Rand) (done, unclean bool) {
	if body["rail"] != "card" && rng.IntN(2) == 0 {
		body["code"] = t.s.phoneOf(t.key(sale, id)).code()
	}
	a, ok := t.pay(sale, id, body, rng)
	if !ok {
		rest(rng, 5*time.Second, 30*time.Second)
		return a.Code == "sale_paid" || a.Code == "sale_reserved", a.Code == "sale_locked" || a.Code == "sale_needs_attention"
	}
	if a.State == payment.SaidReversing || a.State == payment.SaidNeedsAttention || a.State == payment.SaidInProgress {
		rest(rng, time.Second, 2*time.Minute)
		return rng.IntN(4) == 0, true
	}
	t.repeat(sale, id, body, a, rng)
	return a.State == payment.SaidApproved && a.Approved == a.Amount, false
}

// pay is an attempt with its customer beside it. The counter has one reader and one scanner: who needs them waits for
// the customer before.
func (t *teller) pay(sale, id string, body map[string]any, rng *rand.Rand) (answer, bool) {
	if body["code"] == nil {
		t.s.counter <- struct{}{}
		defer func() { <-t.s.counter }()
		rest(rng, time.Millisecond, 50*time.Millisecond)
	}
	t.s.asks(t.key(sale, id))
	ctx, stop := context.WithCancel(context.Background())
	var customer sync.WaitGroup
	customer.Go(func() { t.customer(ctx, t.key(sale, id), body) })
	defer customer.Wait()
	defer stop()
	who := t
	if body["override"] != nil {
		who = t.supervisor()
		defer who.hangUp()
	}
	switch rng.IntN(12) {
	case 0:
		a, err := who.ask(http.MethodPut, pathOf(sale, id), body, "90", time.Second+time.Duration(rng.Int64N(int64(20*time.Second))))
		if errors.Is(err, errHungUp) {
			t.s.did("till hangs up")
		}
		if err == nil && a.State != "" {
			t.hear(t.key(sale, id), a.said)
		}
		who.hangUp()
		rest(rng, time.Second, 9*time.Second)
	case 1:
		_, _ = who.ask(http.MethodPut, pathOf(sale, id), body, "", 10*time.Second)
		rest(rng, 500*time.Millisecond, 20*time.Second)
		if a, err := who.ask(http.MethodPost, pathOf(sale, id)+"/cancel", nil, "", 10*time.Second); err == nil && a.HTTP == http.StatusOK {
			t.s.did("till cancels")
		}
	}
	return who.outcome(sale, id, body)
}

// supervisor is somebody who stands beside the till, with a token of their own.
func (t *teller) supervisor() *teller {
	o := *t
	o.conn, o.in = nil, nil
	o.token = "the-token-of-the-supervisor"
	return &o
}

// repeat sends the same once more, and another thing under the same id (rule 9).
func (t *teller) repeat(sale, id string, body map[string]any, first answer, rng *rand.Rand) {
	if rng.IntN(8) == 0 {
		t.s.tally.add("fault", "till repeats")
		rest(rng, time.Second, 5*time.Second)
		who := t
		if body["override"] != nil {
			who = t.supervisor()
			defer who.hangUp()
		}
		again, ok := who.outcome(sale, id, body)
		if ok && (again.ShortID != first.ShortID || first.Numbers != again.Numbers && first.Numbers.Order != "") {
			t.s.breach("I4: the repeat of %s/%s is answered %s, and was %s", sale, id, again.text, first.text)
		}
	}
	if code, ok := body["code"].(string); ok && rng.IntN(6) == 0 {
		t.showAgain(sale+"-"+id, code, rng)
	}
	if rng.IntN(15) == 0 {
		t.s.tally.add("fault", "till sends another thing under the same id")
		other := map[string]any{"rail": "card", "kind": "sale"}
		if body["rail"] == "card" {
			other["rail"] = "wallet"
		}
		if a, ok := t.try(http.MethodPut, pathOf(sale, id), other, ""); ok && (a.HTTP != http.StatusUnprocessableEntity || a.Code != "attempt_differs") {
			t.s.breach("rule 9: another thing under the id of %s/%s is answered %s", sale, id, a.text)
		}
	}
}

// showAgain pays for another sale with a code that was just used for this one (P2): codeIsFor watches the gateway's line.
func (t *teller) showAgain(id, code string, rng *rand.Rand) {
	rest(rng, time.Second, time.Minute)
	id += "-again"
	if !t.openSale(id, int64(rng.IntN(60)+1)*100, rng) {
		return
	}
	t.s.tally.add("fault", "customer shows a code again")
	a, _ := t.pay(id, "p0", map[string]any{"rail": "wallet", "kind": "sale", "print": true, "code": code}, rng)
	t.s.tally.add("said to the till", "a code again: "+a.State+a.Code)
}

// complete does something with a pre-auth that stands.
func (t *teller) complete(sale string, rng *rand.Rand) {
	what := rng.IntN(6)
	for n := range 3 {
		p, ok := t.standing(sale)
		if !ok || what == 0 {
			return
		}
		body := map[string]any{"rail": "card", "kind": "completion", "original": p.Attempt, "print": true}
		switch what {
		case 1:
			body["kind"] = "void"
		case 2:
			body["amount"] = max(1, p.Approved*4/5)
		}
		t.pay(sale, fmt.Sprint("u", n), body, rng)
		what = 3 + rng.IntN(3)
	}
}

// standing finds the pre-auth of a sale that holds money.
func (t *teller) standing(sale string) (p said, ok bool) {
	s, answered := t.look(sale)
	if !answered {
		return p, false
	}
	for _, a := range s.Attempts {
		if a.Kind == "pre-auth" && (a.State == payment.SaidApproved || a.State == payment.SaidSettledPaid) {
			p, ok = a, true
		}
	}
	return p, ok && s.Paid == 0
}

// look reads a sale, and hears how its attempts stand.
func (t *teller) look(sale string) (answer, bool) {
	s, ok := t.try(http.MethodGet, "/v1/sales/"+sale, nil, "")
	for _, a := range s.Attempts {
		t.hear(t.key(sale, a.Attempt), a)
	}
	return s, ok && s.HTTP == http.StatusOK
}

// after acknowledges, voids or refunds what was paid.
func (t *teller) after(sale string, rng *rand.Rand) {
	if rng.IntN(3) > 0 {
		t.ack(sale)
	}
	what := rng.IntN(8)
	if what > 2 {
		return
	}
	s, ok := t.look(sale)
	paid := said{}
	for _, a := range s.Attempts {
		pays := a.Kind == "sale" || a.Kind == "completion"
		if pays && (a.State == payment.SaidApproved || a.State == payment.SaidSettledPaid) {
			paid = a
		}
	}
	if !ok || paid.Attempt == "" {
		return
	}
	rest(rng, time.Second, 20*time.Second)
	body := map[string]any{"rail": "any", "kind": "void", "original": paid.Attempt, "print": true}
	if what > 0 {
		body["kind"] = "refund"
	}
	if what == 2 {
		body["amount"] = max(1, paid.Amount/2)
	}
	t.pay(sale, "back", body, rng)
	if rng.IntN(3) == 0 {
		t.greedy(sale, paid.Attempt, "refund", rng)
	}
}

// ack acknowledges a sale: what posd says yes to is on disk, and what has lapsed is refused.
func (t *teller) ack(sale string) {
	a, ok := t.try(http.MethodPost, "/v1/sales/"+sale+"/ack", nil, "")
	t.s.tally.add("said to the till", fmt.Sprint("ack ", a.HTTP, " ", a.Code))
	if !ok || a.HTTP != http.StatusOK {
		return
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for k, at := range t.s.mirror.attempts {
		pays := at.kind == payment.KindSale || at.kind == payment.KindCompletion
		if k.Client == t.name && k.Sale == sale && pays && at.state == payment.ApprovedState && !at.entered("attempt.voided") && !t.s.mirror.acked[k.Client+"/"+sale] {
			t.s.breachHeld("I4: the acknowledgement of %s is taken, and is not on disk", sale)
		}
		if k.Client == t.name && k.Sale == sale && pays && at.confirm && at.reason == payment.ReasonUnwanted && at.yesAt > 0 && at.yesAt > t.s.mirror.ackedAt[k.Client+"/"+sale] && !t.s.mirror.undoing[k] && !slices.ContainsFunc(a.Attempts, func(x said) bool { return x.State == payment.SaidApproved }) {
			t.s.breachHeld("rule 12: the acknowledgement of %s is taken after %s has lapsed", sale, k)
		}
	}
}

func (s *shop) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.diskFull
}

// greedy asks for what is not there any more: a second refund of all, a second completion. It must be refused.
func (t *teller) greedy(sale, original, kind string, rng *rand.Rand) {
	k := t.key(sale, original)
	o, ok := t.s.find(k)
	gone := o.entered("attempt.voided")
	var taken int64
	t.s.mu.Lock()
	for _, a := range t.s.mirror.attempts {
		if a.Client == k.Client && a.Sale == sale && a.original == original && (a.state == payment.ApprovedState || a.state == payment.SettledPaid) && !a.entered("attempt.voided") {
			if a.kind == payment.KindRefund {
				taken += int64(a.amount)
			}
			gone = gone || a.kind == payment.KindCompletion && kind == "completion"
		}
	}
	t.s.mu.Unlock()
	if !ok || o.state != payment.ApprovedState || !gone && (kind != "refund" || taken == 0) {
		return
	}
	body := map[string]any{"rail": "any", "kind": kind, "original": original, "amount": int64(o.due())}
	if kind == "completion" {
		delete(body, "amount")
	}
	t.s.tally.add("fault", "till asks for more than there is")
	a, ok := t.try(http.MethodPut, pathOf(sale, "more-"+kind), body, "")
	if ok && a.State != "" {
		t.s.breach("I3: a %s of %s is taken, and nothing is left of that: %s", kind, k, a.text)
	}
}
