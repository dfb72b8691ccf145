//go:build proof && linux

package proof

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

var (
	speedClients = flag.Int("speed.clients", 1000, "clients at once")
	speedRounds  = flag.Int("speed.rounds", 3, "sales of each")
)

// rush are clients that pay at the same moment, each over a connection that it keeps.
type rush struct {
	s      *shop
	c      *caller
	wallet string
	took   []time.Duration // how long each payment took
	failed []string
	mu     sync.Mutex // guards both
}

func TestAThousandClientsPayByWallet(t *testing.T) {
	for _, way := range []struct {
		wallet, signature string
		goal              float64
		floor             func(*testing.T) time.Duration
	}{
		{walletsim.AlipayName, "RSA2", 300, rsaFloor},
		{walletsim.WeChatName, "HMAC", 800, func(*testing.T) time.Duration { return 0 }},
	} {
		t.Run(way.signature, func(t *testing.T) {
			s := closedShop(t, plan{bare: true, noCard: true, deadline: "60s"})
			s.quietly(t)
			if err := s.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			c := &rush{s: s, c: newCaller(s, tillToken, false), wallet: way.wallet}
			defer c.c.http.CloseIdleConnections()
			cpu := c.cpu(t)
			paying := time.Duration(0)
			for round := range *speedRounds {
				paying += c.round(t, round)
			}
			n := time.Duration(*speedClients * *speedRounds)
			each := c.cpu(t)
			for i := range each {
				each[i] = (each[i] - cpu[i]) / n
			}
			c.agree(t)
			rate := float64(n) / paying.Seconds()
			floor := way.floor(t)
			note := ""
			if floor > 0 {
				note = fmt.Sprintf("; floor: two signatures and two checks, %s of one core, at most %.0f/s", ms(floor), float64(runtime.NumCPU())/floor.Seconds())
			}
			t.Logf("proof | %d clients at once on the wallet rail (%s) | %d sales: opened, paid, told | %d failures; %.0f sales/s (median %s; processor's time of a sale: posd %s, gateway %s, tills %s, which %d cores carry %.0f times a second%s; goal %.0f/s: %s)",
				*speedClients, way.signature, n, len(c.failed), rate, ms(median(c.took)), ms(each[0]), ms(each[1]), ms(each[2]), runtime.NumCPU(),
				float64(runtime.NumCPU())/(each[0]+each[1]+each[2]).Seconds(), note, way.goal, reached(rate, way.goal))
		})
	}
}

// cpu is the processor's time that posd, the gateway and this process have used.
func (c *rush) cpu(t *testing.T) [3]time.Duration {
	return [3]time.Duration{used(t, c.s.posd.cmd.Process.Pid), used(t, c.s.gateway.process.cmd.Process.Pid), used(t, os.Getpid())}
}

// round lets every client pay once, and gives how long it took them all. Showing codes is not counted.
func (c *rush) round(t *testing.T, round int) time.Duration {
	t.Helper()
	codes := make([]string, *speedClients)
	for i := range codes {
		var err error
		if codes[i], err = c.s.code(t.Context(), c.wallet); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	var clients sync.WaitGroup
	for i, code := range codes {
		clients.Go(func() { c.pay(t.Context(), fmt.Sprintf("S-%d-%d", round, i), int64(1000+i), code) })
	}
	clients.Wait()
	return time.Since(start)
}

func (c *rush) pay(ctx context.Context, sale string, amount int64, code string) {
	start := time.Now()
	why := ""
	if a, err := c.c.openSale(ctx, sale, amount); err != nil || a.refused() {
		why = fmt.Sprintf("open %s: %v %s", sale, err, a.Raw)
	}
	body := map[string]any{"rail": "wallet", "kind": "sale", "code": code}
	if a, err := c.c.begin(ctx, sale, "a", body, patience); err != nil || a.State != payment.SaidApproved {
		why += fmt.Sprintf("pay %s: %v %s", sale, err, a.Raw)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, time.Since(start))
	if why != "" {
		c.failed = append(c.failed, why)
	}
}

// agree fails the test unless every sale was paid once, in posd's word and in the gateway's.
func (c *rush) agree(t *testing.T) {
	t.Helper()
	for _, why := range c.failed[:min(5, len(c.failed))] {
		t.Error(why)
	}
	if len(c.failed) > 0 {
		t.Fatalf("%d sales failed", len(c.failed))
	}
	if err := c.s.stop(); err != nil {
		t.Error(err)
	}
	entries, err := c.s.walletBook()
	if err != nil {
		t.Fatal(err)
	}
	var sum, want int64
	for _, e := range entries {
		sum += e.Amount
	}
	for i := range *speedClients {
		want += int64((1000 + i) * *speedRounds)
	}
	if len(entries) != *speedClients**speedRounds || sum != want {
		t.Errorf("the gateway has %d entries over %d, want %d over %d", len(entries), sum, *speedClients**speedRounds, want)
	}
}

// rsaFloor is what the signatures of one payment cost: posd's and the gateway's, each made once and checked once.
func rsaFloor(t *testing.T) time.Duration {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	text := make([]byte, 600)
	before := ownTime(t)
	for range n {
		s, err := sign.RSA2(key, text)
		if err != nil || sign.CheckRSA2(&key.PublicKey, text, s) != nil {
			t.Fatal("rsa2 does not work")
		}
	}
	return 2 * (ownTime(t) - before) / n
}
