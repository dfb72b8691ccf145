// Package walletsim is a wallet gateway and its customers' phones, with its own ledger, and faults.
//
// It speaks the Alipay open API, WeChat Pay v2 and v3 on the wire and is as strict as they are: it verifies every
// signature, takes a code once, refuses order numbers that come again with other content, keeps the windows of
// cancelling and never gives back more than was paid. Phones show online codes (issued here, 60 s, single use) and
// offline codes (made on the phone from a seed). What it did stands in its ledger, which knows nothing of posd; faults
// are rules that say which call goes wrong in which way.
package walletsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"
)

// Alipay is the merchant at the Alipay end. A zero value leaves that end out.
type Alipay struct {
	AppID       string
	SellerID    string
	MerchantKey *rsa.PublicKey  // verifies requests
	GatewayKey  *rsa.PrivateKey // signs answers

	// Certificate mode: what requests must name, and what answers name. Empty leaves it out.
	AppCertSN, RootCertSN, GatewayCertSN string
	GatewayCert                          string // what is given to who asks for the certificate GatewayCertSN: a PEM text; empty: nothing

	SameDay bool // the older overseas product: what was paid is cancelled on the same day in Beijing, and 15 minutes longer
}

// WeChat is the merchant at the WeChat Pay end. A zero value leaves that end out.
type WeChat struct {
	AppID       string
	MchID       string
	APIKey      string
	RequireCert bool // reverse and refund want a verified client certificate

	ReverseNotBefore time.Duration // 15 s when zero: an earlier reverse is answered recall=Y

	V3 WeChatV3
}

// WeChatV3 is the same merchant at WeChat Pay v3. A zero value leaves v3 out.
type WeChatV3 struct {
	Serial         string          // of the merchant's certificate
	MerchantKey    *rsa.PublicKey  // verifies requests
	PlatformSerial string          // a certificate's serial number, or a PUB_KEY_ID
	PlatformKey    *rsa.PrivateKey // signs answers
}

// Options make a Gateway.
type Options struct {
	Alipay   Alipay
	WeChat   WeChat
	Now      func() time.Time
	Rand     io.Reader                  // of codes and seeds; crypto/rand when nil
	Seed     uint64                     // of what rules leave to chance
	Ledger   string                     // file; empty keeps it in memory only
	Token    string                     // of the control interface; empty leaves that out
	GroupKey []byte                     // hides handles in offline codes; 32 bytes, a fixed one when empty
	Fault    func(Request) (Rule, bool) // asked when no rule fits; it runs with the gateway locked

	RestrictRooted bool // a phone that says it is rooted gets no seed, and its account no offline codes

	Log *slog.Logger
}

// Gateway is safe for concurrent use.
type Gateway struct {
	o    Options
	done chan struct{} // closed by Close: ends what waits
	once sync.Once

	mu     sync.Mutex // guards everything below
	offset time.Duration
	rules  []*armed
	orders map[string]*order // by wallet and number
	codes  map[string]*onlineCode
	phones map[string]*Phone
	seeds  map[string]*enrolment // by handle

	accounts map[string]*account // by name
	sessions map[string]*handset // phones that are programs of their own, by a hash of the session's token
	retired  []string            // prefixes of offline codes that are taken no more

	ledger []Entry
	file   *os.File
	trades int
	bills  map[string]billTicket  // by the token of their address
	odd    Bill                   // what is wrong in every bill
	paid   map[string]*sealed     // the last signed answer that said paid, by wallet and call
	luck   *mrand.Rand            // what rules leave to chance
	oldKey func() *rsa.PrivateKey // a key that signs no more; made when it is first asked for
}

// New opens the ledger, and takes up what an earlier run has written there.
func New(o Options) (*Gateway, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	o.Rand = &locked{r: o.Rand}
	if o.WeChat.ReverseNotBefore == 0 {
		o.WeChat.ReverseNotBefore = reverseNotBefore
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Alipay.AppID != "" && (o.Alipay.MerchantKey == nil || o.Alipay.GatewayKey == nil) {
		return nil, errors.New("walletsim: alipay needs the merchant's public key and the gateway's private key")
	}
	if o.WeChat.MchID != "" && o.WeChat.APIKey == "" {
		return nil, errors.New("walletsim: wechat needs the API key")
	}
	if v := o.WeChat.V3; v.Serial != "" && (v.MerchantKey == nil || v.PlatformKey == nil || v.PlatformSerial == "") {
		return nil, errors.New("walletsim: wechat v3 needs the merchant's public key, the platform's private key and its serial number")
	}
	g := &Gateway{
		o: o, done: make(chan struct{}), orders: map[string]*order{}, codes: map[string]*onlineCode{},
		phones: map[string]*Phone{}, seeds: map[string]*enrolment{}, paid: map[string]*sealed{}, bills: map[string]billTicket{},
		luck: mrand.New(mrand.NewPCG(o.Seed, o.Seed)), oldKey: sync.OnceValue(newKey),
		accounts: map[string]*account{}, sessions: map[string]*handset{},
	}
	if len(o.GroupKey) == 0 {
		sum := sha256.Sum256([]byte("walletsim group key"))
		g.o.GroupKey = sum[:]
	}
	if o.Ledger == "" {
		return g, nil
	}
	return g, g.openLedger()
}

// Handler is the gateway over HTTP: /gateway.do (Alipay), /pay/... and /secapi/pay/... (WeChat Pay v2), /v3/... (v3) and, with a
// token, /control/....
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	if g.o.Alipay.AppID != "" {
		mux.Handle("POST /gateway.do", g.serve(alipay{g}))
		mux.HandleFunc("GET "+alipayBills+"{token}", g.giveAlipayBill)
	}
	if g.o.WeChat.MchID != "" {
		for path := range wechatCalls {
			mux.Handle("POST "+path, g.serve(wechat{g}))
			mux.Handle("POST "+sandboxPath+path, g.serve(wechat{g}))
		}
	}
	if g.o.WeChat.V3.Serial != "" {
		for pattern := range wechatV3Calls {
			mux.Handle(pattern, g.serve(wechatV3{g}))
		}
		mux.HandleFunc("GET "+wechatBills, wechatV3{g}.giveBill)
	}
	if g.o.Token != "" {
		mux.Handle("/control/", g.control())
	}
	return mux
}

// newKey makes a key that nobody trusts.
func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return key
}

// Close ends whatever still waits because of a fault, and closes the ledger.
func (g *Gateway) Close() error {
	g.once.Do(func() { close(g.done) })
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		return nil
	}
	err := g.file.Close()
	g.file = nil
	if err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// SetClock moves the gateway's clock against the real one: codes grow old, windows end.
func (g *Gateway) SetClock(offset time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.offset = offset
}

// now is the gateway's time; mu is held.
func (g *Gateway) now() time.Time { return g.o.Now().Add(g.offset) }

// sleep waits, even when the caller has hung up: a request that is on its way arrives. It is false when closed.
func (g *Gateway) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.done:
		return false
	}
}

// locked makes a source of random bytes safe for concurrent use.
type locked struct {
	mu sync.Mutex
	r  io.Reader
}

// Read reads under the lock.
func (l *locked) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
}
