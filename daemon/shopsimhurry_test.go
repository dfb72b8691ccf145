package main

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

// typing is the attempt of a customer who types a password for a while, and past the one that a supervisor lets pass meanwhile.
const (
	typing = "typing"
	past   = "past"
)

// hurry is a customer who types the password of a wallet, and meanwhile pays in another way, which a supervisor lets pass.
// Mostly both are paid in the end: a suspect pair.
func (t *teller) hurry(id string, rng *rand.Rand) (done, unclean bool) {
	k := t.key(id, typing)
	a, ok := t.try(http.MethodPut, pathOf(id, typing), map[string]any{"rail": "wallet", "kind": "sale", "print": true, "code": t.s.phoneOf(k).code()}, "")
	if !ok || a.State == "" {
		return false, false
	}
	t.s.tally.add("fault", "customer pays in another way while the password is typed")
	t.hear(k, a.said)
	var customer sync.WaitGroup
	customer.Go(func() { t.types(k) })
	body := t.draws(rng)
	body["override"] = map[string]any{"by": "supervisor", "reason": "the customer is in a hurry"}
	done, unclean = t.attempt(id, past, body, rng)
	customer.Wait()
	if s, ok := t.look(id); ok {
		done = done || s.Rest == 0
	}
	return done, unclean
}

// types is the customer who comes to an end with the password, and the till that sees it, or does not look.
func (t *teller) types(k payment.Key) {
	rng := t.s.draw("typing", k.Client+k.String())
	rest(rng, time.Second, 50*time.Second)
	t.s.phoneOf(k).phone.Confirm()
	if rng.IntN(2) == 0 {
		o := t.s.teller(t.name, t.token)
		rest(rng, 4*time.Second, 8*time.Second) // it is asked for every few seconds
		o.look(k.Sale)
		o.hangUp()
	}
}

// isTyped tells whether an order is of a customer who types a password.
func (s *shop) isTyped(order string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mirror.orders[order]
	return t != nil && t.Attempt == typing
}

// headline is the case that payment systems do not solve: the card's answer is lost, its reversal is refused, and the wallet
// was paid for the same sale. n is how often the message has come.
func (s *shop) headline(q hostsim.Request, n int, rng *rand.Rand) (hostsim.Rule, bool) {
	s.mu.Lock()
	t := s.mirror.traces[q.Batch+"/"+q.Trace]
	s.mu.Unlock()
	switch {
	case t == nil || t.Attempt != past || s.isCalm():
	case q.Kind == hostsim.KindSale && rng.IntN(4) == 0:
		return hostsim.Rule{Do: hostsim.CommitSilent}, true
	case strings.HasSuffix(q.Kind, "-"+hostsim.KindReversal) && n == 1 && rng.IntN(2) == 0:
		return hostsim.Rule{Do: hostsim.ReverseCode, Code: "01"}, true
	}
	return hostsim.Rule{}, false
}
