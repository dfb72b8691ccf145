package wallet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/sign"
	"posd/daemon/wallet/wechat"
	"posd/daemon/wallet/wechatv3"
	"posd/hwtest/walletsim"
)

// keys are the merchant's and the gateway's, made once: key generation is slow under the race detector.
var keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var out [2]*rsa.PrivateKey
	for i := range out {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = key
	}
	return out
})

const (
	sellerID = "2088100000000001"
	apiKey   = "0123456789abcdef0123456789abcdef"

	merchantSerial = "5E4A6B7C8D9E0F10213243546576879809AABBCC"
	platformSerial = "PUB_KEY_ID_0119000000012026112800000000000001"
)

// wechatV3 is the kind of shop whose WeChat Pay speaks version 3.
const wechatV3 = "wechat v3"

// wechatMD5 is the kind of shop whose WeChat Pay speaks version 2 with the older signature.
const wechatMD5 = "wechat md5"

// everyKind are the kinds of shops that every test of the tender runs over: the provider's name, and its API's version.
var everyKind = []string{alipay.Name, wechat.Name, wechatMD5, wechatV3}

// shop is a till's wallet tender with one gateway behind it, and a customer. now may run apart from the virtual clock.
type shop struct {
	t      testing.TB
	kind   string
	name   string // of the provider
	url    string // of the gateway; no path
	backup string // of its second host
	pace   *pace  // figures for real time; nil: the usual ones, in virtual time
	server *httptest.Server
	g      *walletsim.Gateway
	link   *walletsim.Transport
	w      *wallet.Wallet
	phone  *walletsim.Phone
	offset time.Duration // of posd's wall clock
	orders int
	codes  []string
	seen   bytes.Buffer // everything that a journal, a log or a till would get
}

func (s *shop) now() time.Time { return time.Now().Add(s.offset) }

func gatewayOptions(seed byte) walletsim.Options {
	return walletsim.Options{
		Alipay: walletsim.Alipay{
			AppID: "2021000000000001", SellerID: sellerID, MerchantKey: &keys()[0].PublicKey, GatewayKey: keys()[1],
		},
		WeChat: walletsim.WeChat{
			AppID: "wx0000000000000001", MchID: "1900000001", APIKey: apiKey,
			V3: walletsim.WeChatV3{
				Serial: merchantSerial, MerchantKey: &keys()[0].PublicKey, PlatformSerial: platformSerial, PlatformKey: keys()[1],
			},
		},
		Now:  time.Now,
		Rand: mrand.NewChaCha8([32]byte{seed}),
	}
}

func newShop(t testing.TB, kind string, change ...func(*walletsim.Options)) *shop {
	t.Helper()
	name, _, _ := strings.Cut(kind, " ")
	s := &shop{t: t, kind: kind, name: name, url: "http://gateway.test"}
	o := gatewayOptions(7)
	for _, c := range change {
		c(&o)
	}
	var err error
	if s.g, err = walletsim.New(o); err != nil {
		t.Fatal(err)
	}
	s.link = walletsim.NewTransport(s.g.Handler())
	if s.phone, err = s.g.NewPhone(walletsim.PhoneOptions{Balance: 1_000_000}); err != nil {
		t.Fatal(err)
	}
	s.w = s.newWallet(s.link)
	return s
}

// newWallet is posd's end, over a link.
func (s *shop) newWallet(link http.RoundTripper) *wallet.Wallet {
	s.t.Helper()
	a, err := alipay.New(alipay.Options{
		URL: s.url + "/gateway.do", BackupURL: s.backup, AppID: "2021000000000001", SellerID: sellerID, Key: keys()[0],
		GatewayKey: &keys()[1].PublicKey, Transport: link, Now: s.now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	x, err := s.newWeChat(link)
	if err != nil {
		s.t.Fatal(err)
	}
	routes := append(wallet.DefaultRoutes(), wallet.Route{Wallet: s.name, Prefixes: []string{"90", "91", "92"}, Min: 18, Max: 18})
	o := wallet.Options{Providers: []wallet.Provider{a, x}, Routes: routes, Now: s.now}
	if s.pace != nil {
		o.PayCall, o.AskCall, o.ReverseCall, o.ProbeCall = s.pace.answer, s.pace.answer, s.pace.answer, answered.answer
		o.InFlightMax, o.ConfirmGap, o.SuspectAfter = s.pace.inFlight, 10*time.Millisecond, 1000
	}
	w, err := wallet.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// pace is how long a shop in real time waits for an answer, and until nothing of a request is under way any more.
type pace struct{ answer, inFlight time.Duration }

// inTime is when an answer has to be there in a shop whose gateway leaves some call unanswered.
const inTime = time.Second

var (
	answered   = &pace{time.Minute, 250 * time.Millisecond} // nobody waits in vain, so the machine may be as slow as it likes
	unanswered = &pace{inTime, inTime}
)

func (s *shop) newWeChat(link http.RoundTripper) (wallet.Provider, error) {
	least := time.Duration(0) // the provider's own
	if s.pace != nil {
		least = time.Millisecond
	}
	if s.kind != wechatV3 {
		kind := sign.TypeHMAC
		if s.kind == wechatMD5 {
			kind = sign.TypeMD5
		}
		return wechat.New(wechat.Options{
			URL: s.url, BackupURL: s.backup, AppID: "wx0000000000000001", MchID: "1900000001", APIKey: apiKey, SignType: kind,
			Transport: link, Now: s.now, ReverseNotBefore: least,
		})
	}
	return wechatv3.New(wechatv3.Options{
		URL: s.url, BackupURL: s.backup, AppID: "wx0000000000000001", MchID: "1900000001", Serial: merchantSerial, Key: keys()[0],
		PlatformKey: func(serial string) (*rsa.PublicKey, error) {
			if serial != platformSerial {
				return nil, fmt.Errorf("no key %q", serial)
			}
			return &keys()[1].PublicKey, nil
		},
		Transport: link, Now: s.now, ReverseNotBefore: least,
	})
}

// close ends the gateway and fails the test if a secret was seen anywhere.
func (s *shop) close() {
	s.t.Helper()
	_ = s.g.Close()
	s.link.Wait()
	for _, secret := range append(s.codes, apiKey, "buyer", "openid", "159****") {
		if strings.Contains(s.seen.String(), secret) {
			s.t.Errorf("a code, a key or a buyer was seen: %q", secret)
		}
	}
}

// note keeps what came out of the tender.
func (s *shop) note(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	s.seen.Write(text)
	fmt.Fprintf(&s.seen, "%+v\n", v)
}

func (s *shop) rules(rules ...walletsim.Rule) {
	s.t.Helper()
	if err := s.g.SetRules(rules...); err != nil {
		s.t.Fatal(err)
	}
}

// sale is the attempt as the desk would have it, durably sent.
func (s *shop) sale(amount payment.Cents) (payment.Attempt, payment.Input) {
	s.t.Helper()
	code, err := s.phone.Refresh()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.saleWith(amount, code)
}

func (s *shop) saleWith(amount payment.Cents, code string) (payment.Attempt, payment.Input) {
	s.t.Helper()
	s.codes = append(s.codes, code)
	r := payment.Request{Kind: payment.KindSale, Amount: amount, Currency: "CNY", Code: payment.NewSecret([]byte(code))}
	in, err := s.w.Collect(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.sent(r, in), in
}

// sent plans an attempt and makes it sent.
func (s *shop) sent(r payment.Request, in payment.Input) payment.Attempt {
	s.t.Helper()
	s.orders++
	n := payment.Numbers{Order: fmt.Sprintf("T1ORDER%05d", s.orders)}
	plan, err := s.w.Plan(r, in, n)
	if err != nil {
		s.t.Fatal(err)
	}
	s.note(plan)
	if len(plan.Messages) != 1 || len(plan.Data) == 0 {
		s.t.Errorf("plan %+v", plan)
	}
	return payment.Attempt{
		Kind: r.Kind, State: payment.Sent, Rail: payment.RailWallet, Amount: r.Amount, Currency: r.Currency, Numbers: n,
		Data: plan.Data, Instrument: plan.Instrument, SentAt: s.now(), Deadline: s.now().Add(plan.Deadline),
	}
}

func (s *shop) authorize(a payment.Attempt, in payment.Input) payment.Answer {
	ctx, cancel := context.WithTimeout(s.t.Context(), s.w.Policy().Call)
	defer cancel()
	ans := s.w.Authorize(ctx, a, in)
	s.note(ans)
	return ans
}

func (s *shop) ask(a payment.Attempt) payment.Answer {
	ctx, cancel := context.WithTimeout(s.t.Context(), s.w.Policy().AskCall)
	defer cancel()
	ans := s.w.Ask(ctx, a)
	s.note(ans)
	return ans
}

func (s *shop) reverse(a *payment.Attempt) payment.Undo {
	ctx, cancel := context.WithTimeout(s.t.Context(), s.w.Policy().ReverseCall)
	defer cancel()
	u := s.w.Reverse(ctx, *a)
	s.note(u)
	a.Undo.Tries++
	if u.Progress != nil {
		a.Undo.Progress = u.Progress
	}
	return u
}

// undo reverses as the reverser does, until it ends or tries are used up.
func (s *shop) undo(a *payment.Attempt, tries int) payment.Undo {
	var u payment.Undo
	for range tries {
		if u = s.reverse(a); u.Outcome != payment.Again {
			return u
		}
		time.Sleep(max(u.After, time.Second))
	}
	return u
}

func (s *shop) net(a payment.Attempt) int64 { return s.g.Net(a.Numbers.Order) }

// wantProblem checks that an error is a problem with this code, which holds no digits of a code.
func wantProblem(t testing.TB, err error, code string, status int) {
	t.Helper()
	var p *payment.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want problem %s", err, code)
	}
	if p.Code != code || p.Status != status || p.Detail == "" || p.Remedy == "" {
		t.Errorf("problem %+v, want %s %d", p, code, status)
	}
	if strings.ContainsAny(p.Detail+p.Remedy, "0123456789") {
		t.Errorf("the problem may hold a code: %+v", p)
	}
}
