package wallet_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/sign"
	"posd/drivers"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
	"posd/hwtest/devicesim"
)

// firstByte tells when a gateway's connections read the first byte since they were armed.
type firstByte struct {
	mu    sync.Mutex
	armed chan time.Time // guarded by mu; nil when nobody waits
}

func (f *firstByte) arm() <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = make(chan time.Time, 1)
	return f.armed
}

func (f *firstByte) came(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed != nil {
		f.armed <- at
		f.armed = nil
	}
}

// watched is a listener whose connections tell of bytes.
type watched struct {
	net.Listener
	f *firstByte
}

// Accept watches a connection.
func (w watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return watchedConn{c, w.f}, err
}

type watchedConn struct {
	net.Conn
	f *firstByte
}

// Read tells of bytes.
func (c watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.f.came(time.Now())
	}
	return n, err
}

// lane is everything between a scanner's bytes and the gateway's socket, with a journal on disk.
type lane struct {
	*shop
	b       *testing.B
	desk    *payment.Desk
	j       *journal.Journal
	hub     *scanner.Hub
	scanner *devicesim.Scanner
	first   firstByte
	sales   int
}

func openLane(b *testing.B) *lane {
	b.Helper()
	l := &lane{shop: newShop(b, alipay.Name), b: b, hub: &scanner.Hub{}, scanner: devicesim.NewScanner()}
	l.server = httptest.NewUnstartedServer(l.g.Handler())
	l.server.Listener = watched{l.server.Listener, &l.first}
	l.server.Start()
	l.url = l.server.URL
	log := slog.New(slog.DiscardHandler)
	var err error
	l.j, err = journal.Open(b.Context(), journal.Options{
		Path: filepath.Join(b.TempDir(), "journal.db"), Now: time.Now, Owner: "bench",
		Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		b.Fatal(err)
	}
	l.plug(log)
	l.w = l.scanning(wallet.NewTransport(nil, nil))
	l.desk = payment.NewDesk(payment.Options{Book: payment.NewBook(l.j, nil, time.Now, log), Wallet: l.w, Now: time.Now, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = l.desk.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		run.Wait()
		_ = l.j.Close()
		l.close()
		l.server.Close()
	})
	return l
}

// plug connects the scanner.
func (l *lane) plug(log *slog.Logger) {
	l.b.Helper()
	counter, online := porttest.NewBench(), make(chan struct{}, 8)
	counter.Attach("scanner", l.scanner)
	set, err := drivers.Open(l.b.Context(), []drivers.Config{{
		Name: "scanner", Kind: drivers.Scanner, Driver: "line", Address: port.Address{Path: "scanner", Baud: 115200},
	}}, drivers.World{Open: counter.Open, Now: time.Now, Log: log, Scans: l.hub, OnChange: func(s drivers.DeviceStatus) {
		if s.Online {
			online <- struct{}{}
		}
	}})
	if err != nil {
		l.b.Fatal(err)
	}
	l.b.Cleanup(func() {
		set.Close()
		counter.Close()
	})
	<-online
}

// scanning is the wallet with the scanner.
func (l *lane) scanning(line http.RoundTripper) *wallet.Wallet {
	l.b.Helper()
	p, err := alipay.New(alipay.Options{
		URL: l.url + "/gateway.do", AppID: "2021000000000001", SellerID: sellerID, Key: keys()[0], GatewayKey: &keys()[1].PublicKey,
		Transport: line, Now: l.now,
	})
	if err != nil {
		l.b.Fatal(err)
	}
	routes := []wallet.Route{{Wallet: alipay.Name, Prefixes: []string{"90"}, Min: 18, Max: 18}}
	w, err := wallet.New(wallet.Options{Providers: []wallet.Provider{p}, Routes: routes, Scanner: l.hub, Now: l.now})
	if err != nil {
		l.b.Fatal(err)
	}
	return w
}

// pay begins a sale, lets the scanner read a fresh code, and gives how long its bytes took to become the request's first.
func (l *lane) pay() (took time.Duration) {
	l.b.Helper()
	l.sales++
	sale := fmt.Sprintf("S-%d", l.sales)
	if _, err := l.desk.OpenSale(l.b.Context(), payment.NewSale{Client: "till", ID: sale, Amount: 100, Currency: "CNY"}); err != nil {
		l.b.Fatal(err)
	}
	code, err := l.phone.Refresh()
	if err != nil {
		l.b.Fatal(err)
	}
	k := payment.Key{Client: "till", Sale: sale, Attempt: "a"}
	l.begin(payment.Request{Key: k, Rail: payment.RailWallet, Kind: payment.KindSale})
	for l.hub.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	arrived, scanned := l.first.arm(), time.Now()
	if err := l.scanner.Emit("", code); err != nil {
		l.b.Fatal(err)
	}
	took = (<-arrived).Sub(scanned)
	for {
		a, err := l.desk.Attempt(l.b.Context(), k)
		if err != nil || !a.State.Open() {
			if err != nil || a.State != payment.ApprovedState {
				l.b.Fatalf("the sale ends %s (%v)", a.State, err)
			}
			return took
		}
		time.Sleep(time.Millisecond)
	}
}

// begin begins an attempt as soon as the desk takes any.
func (l *lane) begin(r payment.Request) {
	l.b.Helper()
	for {
		_, err := l.desk.Pay(l.b.Context(), r)
		var p *payment.Problem
		if errors.As(err, &p) && p.Code == "not_ready" {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			l.b.Fatal(err)
		}
		return
	}
}

// floor is the least it could take: one durable commit and one signature.
func (l *lane) floor() time.Duration {
	l.b.Helper()
	request := map[string]string{"biz_content": fmt.Sprintf("%0400d", l.sales), "app_id": "2021000000000001", "method": "alipay.trade.pay"}
	began := time.Now()
	err := l.j.Update(l.b.Context(), func(tx *journal.Tx) error {
		return tx.Append(journal.Entry{Subject: "floor", Kind: "note", Body: sha256.Sum256([]byte("floor"))})
	})
	if err != nil {
		l.b.Fatal(err)
	}
	if _, err := sign.RSA2Request(keys()[0], request); err != nil {
		l.b.Fatal(err)
	}
	return time.Since(began)
}

// BenchmarkScanToGateway compares the way from a scanned code's bytes to the first byte of the gateway's request, on a
// warm connection, with its floor in the same run, by turns. The goal is the floor and a millisecond.
func BenchmarkScanToGateway(b *testing.B) {
	keys()
	l := openLane(b)
	l.pay() // dials, and finds the gateway alive
	var floor, ours time.Duration
	for b.Loop() {
		floor += l.floor()
		ours += l.pay()
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(each(ours), "us/scan-to-first-byte")
	b.ReportMetric(each(floor), "us/floor(commit+signature)")
	b.ReportMetric(each(ours-floor), "us/above-floor(goal:1000)")
}
