package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
	"posd/iso8583"
)

// plan is what is special about a store.
type plan struct {
	dialect   string // file of the acquirer's own dialect; empty takes unionpay
	terminal  string
	merchant  string
	patience  string // until host or gateway have not answered; long where they do, 3s where they do not
	inFlight  string // its in_flight_max
	codes     hostsim.Codes
	alipay    walletsim.Alipay       // certificate mode: the names of certificates
	clone     bool                   // the printer is a cheap copy without process ids
	seen      func(*iso8583.Message) // what the host hears
	ownSocket bool                   // posd is to be a process of its own: devices and API are on real sockets
}

// store is a shop with everything around posd: a strict host, a strict gateway, devices on the counter. All its files
// are below dir.
type store struct {
	t    *testing.T
	dir  string
	plan plan
	cfg  *config.Config

	host    *hostsim.Host
	gateway *walletsim.Gateway
	bench   *porttest.Bench
	printer *devicesim.Printer
	scanner *devicesim.Scanner
	reader  *devicesim.Reader

	open             port.Opener // posd's door to devices
	till, supervisor *caller
	stop             func() // ends posd as a service manager would; harmless when it does not run
}

// textbookKey is the master key of textbooks. It protects nothing.
const textbookKey = "0123456789ABCDEFFEDCBA9876543210"

// newStore opens a store whose posd does not run yet. Stores share nothing and mostly wait, so their tests run beside
// each other.
func newStore(t *testing.T, p plan) *store {
	t.Helper()
	t.Parallel()
	if p.terminal == "" {
		p.terminal, p.merchant = "10000001", "898000000000001"
	}
	if p.inFlight == "" {
		p.inFlight = "0s"
	}
	if p.patience == "" {
		p.patience = "30s"
	}
	s := &store{t: t, dir: t.TempDir(), plan: p, bench: porttest.NewBench(), stop: func() {}}
	if err := os.Mkdir(s.path("out"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.open = s.bench.Open
	s.printer = devicesim.NewPrinter(devicesim.PrinterOptions{SlipFile: s.path("out/slips.txt"), Clone: p.clone})
	s.scanner, s.reader = devicesim.NewScanner(), devicesim.NewReader()
	t.Cleanup(func() {
		s.stop()
		s.bench.Close()
	})
	s.writeSecrets()
	s.configure(s.openHost(), s.openGateway())
	return s
}

// openStore opens a store with posd running in it.
func openStore(t *testing.T, p plan) *store {
	t.Helper()
	s := newStore(t, p)
	s.start()
	return s
}

// alipay and wechat are their sections of the store's configuration.
func (s *store) alipay() *alipay.Settings {
	return s.cfg.Wallet.Providers[alipay.Name].(*alipay.Settings)
}

func (s *store) wechat() *wechat.Settings {
	return s.cfg.Wallet.Providers[wechat.Name].(*wechat.Settings)
}

func (s *store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *store) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// gatewayKeys are made once: key generation is slow under the race detector.
var gatewayKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func (s *store) writeSecrets() {
	merchant, err := x509.MarshalPKCS8PrivateKey(gatewayKeys()[0])
	if err != nil {
		s.t.Fatal(err)
	}
	gateway, err := x509.MarshalPKIXPublicKey(&gatewayKeys()[1].PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	for name, text := range map[string]string{
		"sell.token":       "the-token-of-the-till",
		"supervisor.token": "the-token-of-the-supervisor",
		"seal.key":         strings.Repeat("5a", 32),
		"tmk.key":          textbookKey,
		"alipay.key":       block("PRIVATE KEY", merchant),
		"alipay.pub":       block("PUBLIC KEY", gateway),
		"wechat-api.key":   strings.Repeat("k", 32),
		// WeChat's certificate is for TLS, which a gateway on loopback does without.
		"wechat.pem":     block("CERTIFICATE", nil),
		"wechat-key.pem": block("PRIVATE KEY", nil),
	} {
		s.write(name, text)
	}
}

// openHost lets a host listen and gives its address.
func (s *store) openHost() string {
	s.t.Helper()
	dialect, err := iso8583.Preset("unionpay")
	if s.plan.dialect != "" {
		var text []byte
		if text, err = os.ReadFile(s.plan.dialect); err == nil {
			dialect, err = iso8583.Load(s.plan.dialect, text)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := hex.DecodeString(textbookKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.host, err = hostsim.New(hostsim.Options{
		Dialect: dialect, TMK: key, Ledger: s.path("out/host.jsonl"), Codes: s.plan.codes, Seen: s.plan.seen,
		Terminals: []hostsim.Terminal{{ID: s.plan.terminal, Merchant: s.plan.merchant, Batch: "000007"}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ln := listen(s.t)
	s.serve(func(ctx context.Context) error { return s.host.Serve(ctx, ln) }, s.host)
	return ln.Addr().String()
}

// openGateway lets a gateway listen and gives its address.
func (s *store) openGateway() string {
	s.t.Helper()
	var err error
	alipay := s.plan.alipay
	alipay.AppID, alipay.SellerID = "2021000000000001", "2088100000000001"
	alipay.MerchantKey, alipay.GatewayKey = &gatewayKeys()[0].PublicKey, gatewayKeys()[1]
	s.gateway, err = walletsim.New(walletsim.Options{
		Alipay: alipay,
		WeChat: walletsim.WeChat{
			AppID: "wx0000000000000001", MchID: "1900000001", APIKey: strings.Repeat("k", 32), ReverseNotBefore: 50 * time.Millisecond,
			V3: walletsim.WeChatV3{
				Serial: fmt.Sprintf("%X", v3Serial), MerchantKey: &gatewayKeys()[0].PublicKey,
				PlatformSerial: v3PlatformKey, PlatformKey: gatewayKeys()[1],
			},
		},
		Now: time.Now, Ledger: s.path("out/wallet.jsonl"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewServer(s.gateway.Handler())
	s.t.Cleanup(func() {
		s.stop()
		_ = s.gateway.Close() // first: it ends what waits because of a fault
		server.Close()
	})
	return server.URL
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serve runs something until the test ends, after posd; then it closes what that has used.
func (s *store) serve(run func(context.Context) error, used io.Closer) {
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := run(ctx); err != nil {
			s.t.Errorf("a simulator has ended: %v", err)
		}
	})
	s.t.Cleanup(func() {
		s.stop()
		cancel()
		serving.Wait()
		if used == nil {
			return
		}
		if err := used.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// longest is how long a test waits for what comes soon. A busy machine may take its time.
const longest = 2 * time.Minute

// eventually waits until a condition holds. It is for what the API has no wait for.
func (s *store) eventually(what string, holds func() bool) {
	s.t.Helper()
	limit := time.NewTimer(longest)
	defer limit.Stop()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-limit.C:
			s.t.Fatalf("waited in vain: %s\n%s", what, s.log())
		}
	}
}

// log gives the last lines of posd's log, for the messages of failures.
func (s *store) log() string {
	text, err := os.ReadFile(s.cfg.Log.File)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// slips waits until n slips were cut, and posd knows it: the printer says so only after the cut.
func (s *store) slips(n int) []string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), longest)
	defer cancel()
	slips, err := s.printer.WaitSlips(ctx, n)
	if err != nil {
		s.t.Fatalf("%v: %d slips of %d\n%s", err, len(slips), n, s.log())
	}
	s.eventually("no slip waits any more", func() bool { return s.unprinted() == 0 })
	return slips
}

// unprinted counts the slips of which posd does not know yet what became of them.
func (s *store) unprinted() int {
	s.t.Helper()
	open := map[string]bool{}
	for after := int64(0); ; {
		_, text := s.supervisor.raw(http.MethodGet, fmt.Sprintf("/v1/journal/events?limit=1000&after=%d", after), nil)
		var page struct {
			Records []payment.Record
			Next    int64
		}
		if err := json.Unmarshal(text, &page); err != nil {
			s.t.Fatalf("%v: %.300s", err, text)
		}
		for _, e := range page.Records {
			switch {
			case strings.HasPrefix(e.Subject, "print/job/"): // a till's
			case e.Kind == "print_queued":
				open[e.Subject] = true
			case e.Kind == "print_done", e.Kind == "print_held":
				delete(open, e.Subject)
			}
		}
		if len(page.Records) == 0 {
			return len(open)
		}
		after = page.Next
	}
}

// code shows a customer's code: of Alipay's kind or of WeChat's.
func (s *store) code(wallet string) string {
	s.t.Helper()
	prefix := map[string]string{walletsim.AlipayName: "90", walletsim.WeChatName: "92"}[wallet]
	phone, err := s.gateway.NewPhone(walletsim.PhoneOptions{Balance: 1_000_000, Prefix: prefix})
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := phone.Online()
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// testCard is card n of a range that no bank gives out.
func testCard(n int) devicesim.Card { return devicesim.TestCard("620000", n) }
