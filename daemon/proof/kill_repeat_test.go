//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

var clients = flag.Int("proof.clients", 1000, "how many clients repeat their attempt")

const (
	atOnce    = 200 // requests, which is fewer than posd answers at a time
	saleOfOne = 5000
	keptFrom  = 20 // one client in so many is not answered before the kill
)

// bunches are how many of its equal requests a client sends at once, one bunch after the other.
var bunches = []int{3, 1, 1, 2, 1, 2}

// repeats is how many they are.
func repeats() (n int) {
	for _, b := range bunches {
		n += b
	}
	return n
}

// crowd is clients who each pay one sale by wallet and ask again and again, whatever becomes of posd.
type crowd struct {
	s       *shop
	slots   chan struct{}
	answers atomic.Int64  // whole ones, of attempts
	unequal atomic.Int64  // those of them that were not what the first one was
	served  atomic.Int64  // clients with a first one
	waiting int64         // clients without one when posd was killed
	up      chan struct{} // closed when posd is back
}

// kept are the sales whose clients have no answer until the kill: the gateway takes their money, and tells nobody.
func (c *crowd) kept(i int) bool { return i%keptFrom == 0 }

func TestClientsWhoRepeatTheirAttemptOverAKillPayOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{bare: true, noCard: true, deadline: "10s"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	began := time.Now()
	c := &crowd{s: s, slots: make(chan struct{}, atOnce), up: make(chan struct{})}
	ends := make([]string, *clients)
	errs := make([]error, *clients)
	if err := c.keep(ctx); err != nil {
		t.Fatal(err)
	}
	var paying sync.WaitGroup
	for i := range *clients {
		paying.Go(func() { ends[i], errs[i] = c.client(ctx, i) })
	}
	if err := c.killBetween(ctx); err != nil {
		t.Fatal(err)
	}
	paying.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := s.rest(ctx); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.mustAgree(t)
	once, again := c.capturedOnce(t, ends)
	t.Logf("proof | %d clients x %d repeats, up to %d of them at once, with a kill in between | %d answers, %d clients without one when posd was killed, %d of them undone and paid anew; %.0f s | one capture: %d clients; answers that differ: %d",
		*clients, repeats(), slices.Max(bunches), c.answers.Load(), c.waiting, again, time.Since(began).Seconds(), once, c.unequal.Load())
	if c.waiting <= 0 {
		t.Error("the kill came when everybody was served: it shows nothing")
	}
}

// keep has the gateway say nothing of the payments of some clients, until it is told otherwise.
func (c *crowd) keep(ctx context.Context) error {
	var rules []walletsim.Rule
	for i := range *clients {
		if amount := int64(saleOfOne + i); c.kept(i) {
			rules = append(rules,
				walletsim.Rule{Call: walletsim.CallPay, Amount: amount, Fault: walletsim.Silence, Commit: true},
				walletsim.Rule{Call: walletsim.CallQuery, Amount: amount, Fault: walletsim.Unavailable},
				walletsim.Rule{Call: walletsim.CallCancel, Amount: amount, Fault: walletsim.Unavailable})
		}
	}
	return c.s.gatewayDoes(ctx, rules...)
}

// killBetween kills posd when half of the clients have an answer, and the money of one is taken who is kept waiting; then it
// starts posd again.
func (c *crowd) killBetween(ctx context.Context) error {
	defer close(c.up)
	err := until(ctx, "half of the clients to be served, and a kept one to be charged", func(context.Context) (bool, error) {
		if c.served.Load() < int64(*clients/2) {
			return false, nil
		}
		return c.keptCharged()
	})
	if err != nil {
		return err
	}
	c.s.kill()
	c.waiting = int64(*clients) - c.served.Load()
	err = errors.Join(c.s.calm(ctx), c.s.start(ctx))
	pause(ctx, time.Second) // a slip tells seconds: what is asked for again is told in another one
	return err
}

// awaitUp waits until posd is back.
func (c *crowd) awaitUp(ctx context.Context) {
	select {
	case <-c.up:
	case <-ctx.Done():
	}
}

// keptCharged tells whether the gateway has the money of anybody who is kept waiting.
func (c *crowd) keptCharged() (bool, error) {
	entries, err := c.s.walletBook()
	return slices.ContainsFunc(entries, func(e walletsim.Entry) bool {
		return e.Kind == walletsim.Capture && c.kept(int(e.Amount-saleOfOne))
	}), err
}

// client pays a sale with equal requests, and gives the attempt by which it was paid. One that was undone, since posd was
// killed before anything reached the gateway, is followed by another.
func (c *crowd) client(ctx context.Context, i int) (paidBy string, err error) {
	sale := fmt.Sprintf("R-%d", i)
	if _, err := c.ask(ctx, func() (said, error) { return c.s.till.openSale(ctx, sale, int64(saleOfOne+i)) }); err != nil {
		return "", err
	}
	for _, id := range []string{"a", "b"} {
		last, err := c.repeated(ctx, sale, id)
		if err != nil {
			return "", err
		}
		if last.State == payment.SaidApproved {
			return id, nil
		}
	}
	return "", fmt.Errorf("%s was not paid in two attempts", sale)
}

// repeated asks for one attempt again and again, several times at once now and then, and wants equal answers.
func (c *crowd) repeated(ctx context.Context, sale, id string) (first said, err error) {
	code, err := c.s.code(ctx, walletsim.WeChatName)
	if err != nil {
		return first, err
	}
	body := payWith(code)
	body["print"] = false
	var served sync.Once
	for i, n := range bunches {
		if i == len(bunches)-1 {
			c.awaitUp(ctx) // everybody asks again after the kill
		}
		all, err := c.bunch(ctx, n, func() (said, error) {
			a, err := c.s.till.begin(ctx, sale, id, body, wait)
			if err == nil && !a.refused() && !a.undecided() {
				served.Do(func() { c.served.Add(1) })
			}
			return a, err
		})
		if err != nil {
			return first, err
		}
		if first.Raw == nil {
			first = all[0]
		}
		for _, a := range all {
			if a.refused() || a.undecided() {
				return a, fmt.Errorf("%s/%s is answered %d %s", sale, id, a.Status, a.Raw)
			}
			c.answers.Add(1)
			if string(a.Raw) != string(first.Raw) {
				c.unequal.Add(1)
				return a, fmt.Errorf("I4: %s/%s is answered %s, and then %s", sale, id, first.Raw, a.Raw)
			}
		}
	}
	return first, nil
}

// bunch asks the same so many times at once, each until it is answered.
func (c *crowd) bunch(ctx context.Context, n int, do func() (said, error)) ([]said, error) {
	all, errs := make([]said, n), make([]error, n)
	var asking sync.WaitGroup
	for i := range n {
		asking.Go(func() { all[i], errs[i] = c.ask(ctx, do) })
	}
	asking.Wait()
	return all, errors.Join(errs...)
}

// ask repeats a request until there is a whole answer that says something: posd is killed meanwhile, or still busy.
func (c *crowd) ask(ctx context.Context, do func() (said, error)) (a said, err error) {
	for ctx.Err() == nil {
		c.slots <- struct{}{}
		a, err = do()
		<-c.slots
		if err == nil && a.Status != http.StatusServiceUnavailable && !a.undecided() {
			return a, nil
		}
		if err != nil {
			c.awaitUp(ctx)
		}
		pause(ctx, 50*time.Millisecond)
	}
	return a, errors.Join(ctx.Err(), err)
}

// capturedOnce holds each client against the gateway's ledger. It counts those who have paid once, and of them those who had
// to pay anew.
func (c *crowd) capturedOnce(t *testing.T, paidBy []string) (once, again int) {
	t.Helper()
	entries, err := c.s.walletBook()
	if err != nil {
		t.Fatal(err)
	}
	net, captures := map[int64]int64{}, map[string]int{}
	for _, e := range entries {
		switch e.Kind {
		case walletsim.Capture:
			net[e.Amount] += e.Amount
			captures[e.Order]++
		case walletsim.Return:
			net[e.Amount] -= e.Amount
		case walletsim.Closed:
		}
	}
	for order, n := range captures {
		if n != 1 {
			t.Errorf("I3: order %s was captured %d times", order, n)
		}
	}
	for i, id := range paidBy {
		if amount := int64(saleOfOne + i); net[amount] != amount {
			t.Errorf("I3: client %d paid %d of %d", i, net[amount], amount)
			continue
		}
		once++
		if id != "a" {
			again++
		}
	}
	return once, again
}
