package main

import (
	"context"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
	"posd/iso8583"
)

// shop is one simulated day of a whole shop: posd as it is shipped, and everything around it. Every decision is drawn
// from (seed, what, which), so that a seed is one story.
type shop struct {
	t        *testing.T
	seed     uint64
	attempts int
	tally    *shopTally
	dir      string
	cfg      *config.Config
	keepsLog bool // the day is searched for secrets
	logLevel slog.Level
	crashes  int // lives that may end by a plan
	rsa      bool
	dialect  *iso8583.Dialect

	host       *hostsim.Host
	gate       *walletsim.Gateway
	gatewayEar *ear
	bench      *porttest.Bench
	printer    *devicesim.Printer
	scanner    *devicesim.Scanner
	reader     *devicesim.Reader
	strange    *stranger
	top        counterTop
	phones     []*walletsim.Phone
	open       context.Context // ends when the world does
	close      context.CancelFunc
	beside     sync.WaitGroup // of the world: the gateway's server
	counter    chan struct{}  // takes one token: who has it uses reader and scanner
	fell       chan struct{}  // holds one token: posd has crashed
	upgrade    chan string    // holds one: why posd is to be stopped, and another one started
	began      time.Time
	outages    []outage

	mu        sync.Mutex // guards what follows, and what is in life and mirror
	life      *life
	lives     int
	rarest    crashPlan // the day's, beside that of each life
	calm      bool
	skew      time.Duration
	diskFails bool
	diskFull  bool
	mark      []byte            // what the journal's mark said then
	image     map[string][]byte // the journal's files at a crash
	older     *older            // the first of the day
	mirror    *mirror
	heard     map[string][]heard     // what tills were told, by attempt
	askedAt   map[payment.Key]asking // when a till first asked for an attempt
	stopping  time.Duration          // guarded by mu; since when this posd has been told to stop; 0 when it was not
	counts    map[string]int
	slips     []slipped
	usedCodes map[string]codeUse // by code
	last      map[string]said    // how the sales stand when nothing is owed, as tills are told
	broken    []string
	timeline  []line // nil unless somebody wants it
	secrets   search

	logMu  sync.Mutex
	logged []byte // guarded by logMu
}

// line is one line of a day's timeline.
type line struct {
	at   time.Duration
	what string
	text string
}

func (s *shop) draw(what, which string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(what + "\x00" + which))
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

func (s *shop) isCalm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calm
}

// now is posd's wall clock.
func (s *shop) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.skew)
}

func (s *shop) breach(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breachHeld(format, args...)
}

// breachHeld is breach for who holds mu.
func (s *shop) breachHeld(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.broken = append(s.broken, fmt.Sprintf("at %v: %s", time.Since(s.began), text))
	s.noteHeld("BREACH", text)
}

func (s *shop) note(what, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteHeld(what, text)
}

func (s *shop) noteHeld(what, text string) {
	if s.timeline != nil {
		s.timeline = append(s.timeline, line{time.Since(s.began), what, text})
	}
}

// openShop builds the world of a day.
func openShop(t *testing.T, seed uint64, o dayOptions) *shop {
	s := &shop{
		t: t, seed: seed, attempts: o.attempts, tally: o.tally, dir: o.dir, fell: make(chan struct{}, 1), upgrade: make(chan string, 1), counter: make(chan struct{}, 1), began: time.Now(), mirror: newMirror(),
		heard: map[string][]heard{}, askedAt: map[payment.Key]asking{}, counts: map[string]int{}, usedCodes: map[string]codeUse{}, logLevel: slog.LevelInfo,
	}
	if o.timeline {
		s.timeline = []line{}
	}
	rng := s.draw("day", "")
	s.rsa = rng.IntN(10) == 0
	s.crashes = min(1+rng.IntN(12), 1+s.attempts/12)
	s.rarest = s.planRarest()
	if rng.IntN(16) == 0 {
		s.keepsLog, s.logLevel = true, slog.LevelDebug
	}
	s.open, s.close = context.WithCancel(context.Background())
	s.writeFiles(rng)
	s.openHost(rng)
	s.openGateway()
	s.openDevices(rng)
	s.drawOutages()
	return s
}

// writeFiles writes the configuration as a technician would.
func (s *shop) writeFiles(rng *rand.Rand) {
	files := &store{t: s.t, dir: s.dir}
	files.writeSecrets()
	files.write("till-2.token", "the-token-of-the-second-till")
	text := strings.NewReplacer(
		"{alipay}", fmt.Sprint(s.rsa),
		"{partial}", fmt.Sprint(rng.IntN(2) == 0),
		"{confirm}", fmt.Sprint(rng.IntN(6) == 0),
		"{close_at}", []string{"", "00:25", "23:50"}[rng.IntN(3)],
		"{printer}", []string{"", "options = { status = \"no\" }"}[min(rng.IntN(4)/3, 1)],
		"{connection}", []string{"keep", "keep", "each"}[rng.IntN(3)],
	).Replace(shopConfiguration)
	files.write("posd.toml", text)
	files.reload()
	s.cfg = files.cfg
}

// shopConfiguration is that of a whole shop with the figures of real ones.
const shopConfiguration = `
[api]
listen = "` + apiAddress + `"
[[api.client]]
name = "till-2"
token_file = "till-2.token"
[till]
id = "till-1"
shop_name_zh = "测试商店"
shop_name_en = "Test Shop"
language = "en"
[journal]
path = "data/journal.db"
ballast_mib = 1
[acquirer]
enabled = true
address = "` + hostAddress + `"
terminal = "10000001"
merchant = "898000000000001"
tmk_file = "tmk.key"
connection = "{connection}"
[wallet.alipay]
enabled = {alipay}
url = "http://` + alipayAddress + `/gateway.do"
app_id = "2021000000000001"
seller_id = "2088100000000001"
private_key_file = "alipay.key"
gateway_public_key_file = "alipay.pub"
[wallet.wechat]
enabled = true
url = "http://` + wechatAddress + `"
appid = "wx0000000000000001"
mch_id = "1900000001"
api_key_file = "wechat-api.key"
cert_file = "wechat.pem"
key_file = "wechat-key.pem"
[[wallet.route]]
provider = "alipay"
prefixes = ["90", "91"]
lengths = [18]
[[wallet.route]]
provider = "wechat"
prefixes = ["92"]
lengths = [18]
[payment]
accept_partial = {partial}
confirm_mode = {confirm}
batch_close_at = "{close_at}"
confirm_within = "61.3s"
batch_wait = "58.7s"
[[device]]
name = "printer"
kind = "printer"
port = "serial://0416:5011:PRN1"
{printer}
[[device]]
name = "scanner"
kind = "scanner"
port = "serial://0c2e:0901:SCN1"
[[device]]
name = "reader"
kind = "reader"
port = "serial://0801:0002:CRD1"
[log]
file = ""
`

func (s *shop) openHost(rng *rand.Rand) {
	var err error
	if s.dialect, err = dialectOf(s.cfg.Acquirer); err != nil {
		s.t.Fatal(err)
	}
	key, err := hex.DecodeString(textbookKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.host, err = hostsim.New(hostsim.Options{
		Dialect: s.dialect, TMK: key, Rand: rand.NewChaCha8([32]byte{1, byte(s.seed), byte(s.seed >> 8)}), Fault: s.hostFault, Balance: 1 << 40,
		Terminals: []hostsim.Terminal{{ID: shopTerminal, Merchant: "898000000000001", Batch: fmt.Sprintf("%06d", 1+rng.IntN(900))}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

const shopTerminal = "10000001"

// shopKeys are those of merchant and gateway, made outside of any day.
func shopKeys() (merchant, gateway *rsa.PrivateKey) { return gatewayKeys()[0], gatewayKeys()[1] }

func (s *shop) openGateway() {
	merchant, gateway := shopKeys()
	var err error
	s.gate, err = walletsim.New(walletsim.Options{
		Alipay: walletsim.Alipay{AppID: "2021000000000001", SellerID: "2088100000000001", MerchantKey: &merchant.PublicKey, GatewayKey: gateway},
		WeChat: walletsim.WeChat{AppID: "wx0000000000000001", MchID: "1900000001", APIKey: strings.Repeat("k", 32)},
		Now:    time.Now, Rand: rand.NewChaCha8([32]byte{2, byte(s.seed), byte(s.seed >> 8)}), Fault: s.gatewayFault,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.gatewayEar = listenAt(wechatAddress)
	server := &http.Server{Handler: s.gate.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	s.beside.Go(func() { _ = server.Serve(s.gatewayEar) })
	context.AfterFunc(s.open, func() {
		_ = s.gate.Close()
		_ = server.Close()
	})
	prefix := "92"
	if s.rsa {
		prefix = "90"
	}
	for n := range 24 {
		o := walletsim.PhoneOptions{Balance: 1 << 40, Prefix: prefix}
		if n%6 == 5 {
			o.AskAbove = 3000 // this customer types a password for more
		}
		if n%12 == 4 {
			o.Balance = 1500 // and this one is poor
		}
		phone, err := s.gate.NewPhone(o)
		if err != nil {
			s.t.Fatal(err)
		}
		s.phones = append(s.phones, phone)
	}
}

func (s *shop) openDevices(rng *rand.Rand) {
	s.bench = porttest.NewBench()
	s.printer = devicesim.NewPrinter(devicesim.PrinterOptions{Clone: rng.IntN(4) == 0})
	s.scanner, s.reader = devicesim.NewScanner(), devicesim.NewReader()
	s.strange = &stranger{}
	s.top = counterTop{at: map[string]gadget{}, tries: map[string]int{}}
	for name, d := range map[string]porttest.Device{"printer": s.printer, "scanner": s.scanner, "reader": s.reader} {
		s.put(name, gadget{d, shopDevices[name]})
	}
}

// shut ends the world. posd has ended before.
func (s *shop) shut() {
	s.bench.Close()
	s.close()
	s.beside.Wait()
}

// shopFolder is a folder for a day's files: in memory where there is such a place.
func shopFolder(t *testing.T) string {
	t.Helper()
	root := "/dev/shm"
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(root, "posd-shop-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Clean(dir)
}
