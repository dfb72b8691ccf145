//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

var clients = flag.Int("proof.clients", 1000, "how many clients repeat their attempt")

const (
	repeats   = 10
	atOnce    = 200 // requests, which is fewer than posd answers at a time
	saleOfOne = 5000
)

// crowd is clients who each pay one sale by wallet and ask again and again, whatever becomes of posd.
type crowd struct {
	s       *shop
	slots   chan struct{}
	answers atomic.Int64  // whole ones, of attempts
	served  atomic.Int64  // clients with a first one
	waiting int64         // clients without one when posd was killed
	up      chan struct{} // closed when posd is back
}

func TestClientsWhoRepeatTheirAttemptOverAKillPayOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{bare: true, noCard: true, deadline: "10s"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	began := time.Now()
	c := &crowd{s: s, slots: make(chan struct{}, atOnce), up: make(chan struct{})}
	ends := make([]string, *clients)
	errs := make([]error, *clients)
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
	again := c.capturedOnce(t, ends)
	t.Logf("proof | %d clients x %d repeats, with a kill in between | %d answers, %d clients without one when posd was killed, %d of them undone and paid anew; %.0f s | one capture each, equal answers",
		*clients, repeats, c.answers.Load(), c.waiting, again, time.Since(began).Seconds())
	if c.waiting <= 0 {
		t.Error("the kill came when everybody was served: it shows nothing")
	}
}

// killBetween kills posd when a good part of the answers is out, and starts it again.
func (c *crowd) killBetween(ctx context.Context) error {
	defer close(c.up)
	half := int64(*clients / 2)
	if err := until(ctx, "half of the clients to be served", func(context.Context) (bool, error) { return c.served.Load() >= half, nil }); err != nil {
		return err
	}
	c.s.kill()
	c.waiting = int64(*clients) - c.served.Load()
	return c.s.start(ctx)
}

// client pays a sale with ten equal requests, and gives the attempt by which it was paid. One that was undone, since posd
// was killed before anything reached the gateway, is followed by another.
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

// repeated asks for one attempt ten times, twice at once now and then, and wants equal answers.
func (c *crowd) repeated(ctx context.Context, sale, id string) (first said, err error) {
	code, err := c.s.code(ctx, walletsim.WeChatName)
	if err != nil {
		return first, err
	}
	body := payWith(code)
	body["print"] = false
	for n := range repeats {
		a, err := c.ask(ctx, func() (said, error) { return c.s.till.begin(ctx, sale, id, body, wait) })
		switch {
		case err != nil:
			return a, err
		case a.refused() || a.undecided():
			return a, fmt.Errorf("%s/%s is answered %d %s", sale, id, a.Status, a.Raw)
		case n == 0:
			first = a
			c.served.Add(1)
		case string(a.Raw) != string(first.Raw):
			return a, fmt.Errorf("I4: %s/%s is answered %s, and then %s", sale, id, first.Raw, a.Raw)
		}
		c.answers.Add(1)
	}
	return first, nil
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
			select {
			case <-c.up:
			case <-ctx.Done():
			}
		}
		pause(ctx, 50*time.Millisecond)
	}
	return a, errors.Join(ctx.Err(), err)
}

// capturedOnce holds each client against the gateway's ledger, and counts those who had to pay anew.
func (c *crowd) capturedOnce(t *testing.T, paidBy []string) (again int) {
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
		}
		if id != "a" {
			again++
		}
	}
	return again
}
