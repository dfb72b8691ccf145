//go:build proof && linux

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var soakHours = flag.Int("soak.hours", 72, "virtual hours that a shop runs")

const (
	soakWarm   = 12      // hours until the first look
	soakGrowth = 2 << 20 // bytes by which the memory may grow from then on
	soakEvery  = 5 * time.Minute
	soakSeed   = 1
)

// soak is a shop that runs for days, with the whole posd and simulators around it, in virtual time. What the test itself
// remembers is a few counters, so that what grows is posd's or the simulators'.
type soak struct {
	*shop
	till *teller

	paid, refused, cuts, replugs, closes int

	lines sync.Mutex
	out   map[string]bool // guarded by lines: what cannot be reached
	open  []*plug         // guarded by lines: posd's ends, of late
}

// TestAShopThatRunsForDaysDoesNotGrow looks at goroutines, files and memory at noon of the first day, and at the end.
func TestAShopThatRunsForDaysDoesNotGrow(t *testing.T) {
	if *soakHours <= soakWarm {
		t.Fatalf("%d hours are no more than it takes to get warm, %d", *soakHours, soakWarm)
	}
	shopKeys()
	dir := shopFolder(t)
	synctest.Test(t, func(t *testing.T) {
		s := &soak{shop: openShop(t, soakSeed, dayOptions{attempts: 1, tally: newShopTally(), dir: dir}), out: map[string]bool{}}
		s.calm = true
		s.till = s.teller("till", "the-token-of-the-till")
		end := s.run()
		s.trade(soakWarm)
		first := s.look()
		s.trade(*soakHours - soakWarm)
		last := s.look()
		end()
		s.shut()
		s.judge(first, last)
	})
}

// run starts posd. Its end is to be waited for by what is given.
func (s *soak) run() (end func()) {
	l := &life{shop: s.shop, n: 1, flying: map[string]*flight{}}
	s.life = l
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	w := world{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Open: l.openPort, Dial: s.dial, Listen: l.listen,
		Luck: rand.NewPCG(soakSeed, 0),
	}
	go func() { over <- run(ctx, s.cfg, w) }()
	time.Sleep(time.Minute)
	return func() {
		stop()
		if err := <-over; err != nil {
			s.t.Errorf("posd ends with %v", err)
		}
	}
}

// dial is posd's door to host and gateway: as the network is now, without any other fault.
func (s *soak) dial(_ context.Context, _, target string) (net.Conn, error) {
	s.lines.Lock()
	defer s.lines.Unlock()
	if s.out[target] {
		return nil, syscall.ECONNREFUSED
	}
	mine, theirs := pair(target, 10*time.Millisecond)
	s.open = append(s.open[max(0, len(s.open)-16):], mine)
	if target == hostAddress {
		go s.host.ServeConn(s.shop.open, theirs)
		return mine, nil
	}
	return mine, s.gatewayEar.call(theirs)
}

// cut takes a side away for some time, and what is connected with it.
func (s *soak) cut(target string, so time.Duration) {
	s.cuts++
	s.lines.Lock()
	s.out[target] = true
	for _, p := range s.open {
		if p.name == target {
			p.die()
		}
	}
	s.lines.Unlock()
	time.Sleep(so)
	s.lines.Lock()
	defer s.lines.Unlock()
	delete(s.out, target)
}

// replug pulls a device and plugs it in again.
func (s *soak) replug(path string) {
	s.replugs++
	s.bench.Unplug(path)
	time.Sleep(time.Minute)
	s.bench.Plug(path)
}

// trade is a shop's day for so many hours: a sale every few minutes, by card and by wallet in turn, with slips; now and then
// a line is down, a device is pulled or the paper is out; every hour somebody looks what is owed, and every day the batch
// is closed.
func (s *soak) trade(hours int) {
	began := time.Now()
	for n := 0; time.Since(began) < time.Duration(hours)*time.Hour; n++ {
		next := time.Now().Add(soakEvery)
		var mishap sync.WaitGroup
		mishap.Go(func() { s.mishap(n) })
		time.Sleep(time.Second) // the sale falls into it
		s.pay(n)
		mishap.Wait()
		if n%12 == 0 {
			s.ask(http.MethodGet, "/v1/owed", nil)
			s.ask(http.MethodGet, "/v1/health", nil)
		}
		if n%288 == 287 {
			s.ask(http.MethodPost, "/v1/batches/close", nil)
			s.closes++
		}
		s.till.hangUp() // the till calls anew for each sale
		time.Sleep(time.Until(next))
	}
	time.Sleep(10 * time.Minute) // until everything rests
}

// mishap is what goes wrong beside the n-th sale.
func (s *soak) mishap(n int) {
	switch n % 24 {
	case 5: // a card's
		s.cut(hostAddress, 3*time.Minute)
	case 10: // a wallet's
		s.cut(s.gatewayAt(), 3*time.Minute)
	case 17:
		s.replug([]string{"printer", "scanner", "reader"}[n/24%3])
	case 23:
		s.printer.SetPaper(false)
		defer s.printer.SetPaper(true)
		time.Sleep(time.Minute)
	}
}

// gatewayAt is where the wallet is reached that the customers have.
func (s *soak) gatewayAt() string {
	if s.rsa {
		return alipayAddress
	}
	return wechatAddress
}

// pay sells something.
func (s *soak) pay(n int) {
	sale := fmt.Sprintf("S-%05d-%d", n, s.paid+s.refused)
	s.ask(http.MethodPut, "/v1/sales/"+sale, map[string]any{"amount": 1000 + n%500, "currency": "CNY"})
	body := map[string]any{"rail": "card", "kind": "sale", "print": true}
	if n%2 == 0 {
		code, err := s.phones[n/2%4].Online()
		if err != nil {
			s.t.Fatal(err)
		}
		body["rail"], body["code"] = "wallet", code
	}
	var customer sync.WaitGroup
	customer.Go(func() {
		time.Sleep(5 * time.Second)
		if n%2 != 0 {
			_ = s.reader.Swipe(testCard(n % 50)) // unplugged: the next time, then
		}
	})
	a := s.ask(http.MethodPut, pathOf(sale, "a"), body)
	customer.Wait()
	if a.State != "approved" {
		s.refused++
		return
	}
	s.paid++
	s.ask(http.MethodPost, "/v1/sales/"+sale+"/ack", nil)
}

func (s *soak) ask(method, path string, body any) answer {
	a, err := s.till.ask(method, path, body, "60", 3*time.Minute)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
	}
	return a
}

// stock is what a process has at one moment.
type stock struct {
	goroutines, files int
	heap, resident    int
	stacks            []byte // for the message of a failure
}

// look takes stock when everything rests.
func (s *soak) look() stock {
	synctest.Wait()
	runtime.GC()
	debug.FreeOSMemory() // a second collection: what has finalizers is gone, too
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm") // proc(5): sizes in pages, the second is what is resident
	if err != nil {
		s.t.Fatal(err)
	}
	pages, err := strconv.Atoi(string(bytes.Fields(statm)[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	stacks := make([]byte, 1<<20)
	return stock{
		goroutines: runtime.NumGoroutine(), files: len(names), heap: int(m.HeapAlloc), resident: pages * os.Getpagesize(),
		stacks: bytes.Clone(stacks[:runtime.Stack(stacks, true)]),
	}
}

// judge holds the end against the noon of the first day. What the simulators have written down is counted with it.
func (s *soak) judge(first, last stock) {
	t := s.t
	if last.goroutines != first.goroutines {
		t.Errorf("%d goroutines, and %d at the end:\n%s\nat the end:\n%s", first.goroutines, last.goroutines, first.stacks, last.stacks)
	}
	if last.files != first.files {
		t.Errorf("%d files are open, and %d at the end", first.files, last.files)
	}
	grown := last.heap - first.heap
	if grown >= soakGrowth {
		t.Errorf("the memory has grown by %d bytes, from %d; want less than %d", grown, first.heap, soakGrowth)
	}
	if s.paid < 9*s.refused || s.cuts == 0 || s.replugs == 0 || s.closes == 0 {
		t.Errorf("%d sales were paid and %d not, %d lines cut, %d devices pulled, %d batches closed: no normal shop",
			s.paid, s.refused, s.cuts, s.replugs, s.closes)
	}
	kib := func(bytes int) int { return bytes >> 10 }
	t.Logf("proof | a shop that runs for days, from hour %d on | %d virtual hours: %d sales, %d of them paid, %d lines down, %d devices pulled, %d batches closed | goroutines %d, then %d; open files %d, then %d; memory %+d KiB with what the simulators write down (limit 2048), resident %+d KiB",
		soakWarm, *soakHours, s.paid+s.refused, s.paid, s.cuts, s.replugs, s.closes, first.goroutines, last.goroutines, first.files, last.files,
		kib(grown), kib(last.resident-first.resident))
}
