package phone_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/wallet/sign"
	"posd/hwtest/phone"
	"posd/hwtest/walletsim"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// city is a gateway with two customers, and a merchant who scans.
type city struct {
	t     *testing.T
	g     *walletsim.Gateway
	shop  *httptest.Server
	doors phone.Gateway
	now   time.Time
	dir   string
	sales int
}

func newCity(t *testing.T) *city {
	t.Helper()
	c := &city{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), dir: t.TempDir()}
	var err error
	c.g, err = walletsim.New(walletsim.Options{
		Alipay: walletsim.Alipay{AppID: "2021000000000001", SellerID: "2088100000000001", MerchantKey: &key().PublicKey, GatewayKey: key()},
		Now:    func() time.Time { return c.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "ben"} {
		o := walletsim.AccountOptions{Name: name, Password: "pw", PhoneOptions: walletsim.PhoneOptions{Balance: 100_00, AskAbove: 50_00}}
		if err := c.g.NewAccount(o); err != nil {
			t.Fatal(err)
		}
	}
	phones := httptest.NewTLSServer(c.g.Phones())
	c.shop = httptest.NewServer(c.g.Handler())
	t.Cleanup(func() {
		phones.Close()
		c.shop.Close()
		_ = c.g.Close()
	})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: phones.Certificate().Raw})
	c.doors = phone.Gateway{URL: phones.URL, CA: string(ca)}
	return c
}

func (c *city) phone(file string) *phone.Phone {
	c.t.Helper()
	p, err := phone.Open(phone.Options{File: filepath.Join(c.dir, file), Now: func() time.Time { return c.now }})
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *city) login(p *phone.Phone, name string) {
	c.t.Helper()
	if err := p.LogIn(c.t.Context(), c.doors, phone.Login{Account: name, Password: "pw"}); err != nil {
		c.t.Fatal(err)
	}
}

// pays lets the shop scan a code for an amount and tells the gateway's answer.
func (c *city) pays(code phone.Code, yuan string) string {
	c.t.Helper()
	c.sales++
	biz, err := json.Marshal(map[string]string{
		"out_trade_no": fmt.Sprintf("S%d", c.sales), "scene": "bar_code", "auth_code": code.Digits, "subject": "Shop", "total_amount": yuan,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	p := map[string]string{
		"app_id": "2021000000000001", "method": "alipay.trade.pay", "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
		"timestamp": "2026-03-01 20:00:00", "version": "1.0", "biz_content": string(biz),
	}
	if p["sign"], err = sign.RSA2Request(key(), p); err != nil {
		c.t.Fatal(err)
	}
	form := url.Values{}
	for k, v := range p {
		form.Set(k, v)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.shop.URL+"/gateway.do", strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Node struct{ Code string } `json:"alipay_trade_pay_response"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		c.t.Fatal(err)
	}
	return answer.Node.Code
}

func got[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAPhoneShowsOnlineAndOfflineCodesThatPayOnce(t *testing.T) {
	c := newCity(t)
	p := c.phone("a.json")
	c.login(p, "ann")
	p = c.phone("a.json") // closed and opened again: the login lasts
	code := got[phone.Code](t)
	old, fresh := code(p.Online(t.Context())), code(p.Online(t.Context()))
	if c.pays(old, "1.00") == "10000" || c.pays(fresh, "1.00") != "10000" || c.pays(fresh, "1.00") == "10000" {
		t.Error("the refreshed code pays, or the new one not exactly once")
	}
	seen := map[string]bool{}
	for range 4 {
		o := code(p.Offline())
		if seen[o.Digits] = true; c.pays(o, "1.00") != "10000" || c.pays(o, "1.00") == "10000" {
			t.Error("an offline code does not pay exactly once")
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d offline codes in half a minute, want 4", len(seen))
	}
	if s := got[walletsim.PhoneAnswer](t)(p.Stands(t.Context())); s.Balance != 95_00 || s.Offline != "ready" {
		t.Errorf("the account stands %+v", s)
	}
}

// The lives that the screen tells are those that the gateway keeps.
func TestACodePaysUntilTheTimeOnTheScreenAndNotAfter(t *testing.T) {
	for name, show := range map[string]func(*phone.Phone) (phone.Code, error){
		"online": func(p *phone.Phone) (phone.Code, error) { return p.Online(t.Context()) }, "offline": (*phone.Phone).Offline,
	} {
		c := newCity(t)
		p := c.phone("a.json")
		c.login(p, "ann")
		c.now = c.now.Add(7 * time.Second)
		early := got[phone.Code](t)(show(p))
		c.now = early.Ends.Add(-time.Second)
		if c.pays(early, "1.00") != "10000" {
			t.Errorf("%s: refused a second before its end", name)
		}
		late := got[phone.Code](t)(show(p))
		if c.now = late.Ends; c.pays(late, "1.00") == "10000" {
			t.Errorf("%s: taken at its end", name)
		}
	}
}

func TestAnotherCustomerOnThePhoneDestroysTheSeed(t *testing.T) {
	c := newCity(t)
	p := c.phone("a.json")
	c.login(p, "ann")
	anns := got[phone.Code](t)(p.Offline())
	before := got[[]byte](t)(os.ReadFile(filepath.Join(c.dir, "a.json")))
	c.login(p, "ben")
	after := got[[]byte](t)(os.ReadFile(filepath.Join(c.dir, "a.json")))
	for _, field := range []string{`"seed": "`, `"handle": "`, `"session": "`} {
		if valueOf(before, field) == "" || bytes.Contains(after, []byte(valueOf(before, field))) {
			t.Errorf("%s of the first customer is missing, or still there", field)
		}
	}
	if c.pays(anns, "1.00") == "10000" || c.pays(got[phone.Code](t)(p.Offline()), "1.00") != "10000" {
		t.Error("the first customer's code pays, or the second's does not")
	}
	if err := p.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Offline(); !errors.Is(err, phone.ErrLoggedOut) {
		t.Errorf("after the logout: %v", err)
	}
	if text := got[[]byte](t)(os.ReadFile(filepath.Join(c.dir, "a.json"))); strings.TrimSpace(string(text)) != "{}" {
		t.Error("the phone keeps something after the logout")
	}
}

// valueOf finds a text member in JSON.
func valueOf(text []byte, field string) string {
	_, rest, _ := strings.Cut(string(text), field)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestAStolenSeedMakesCodesElsewhereUntilItIsRevoked(t *testing.T) {
	c := newCity(t)
	p := c.phone("a.json")
	c.login(p, "ann")
	if err := p.Clone(filepath.Join(c.dir, "thief.json")); err != nil {
		t.Fatal(err)
	}
	thief := c.phone("thief.json")
	if c.pays(got[phone.Code](t)(thief.Offline()), "1.00") != "10000" {
		t.Error("a stolen seed makes no codes")
	}
	if _, err := thief.Online(t.Context()); !errors.Is(err, phone.ErrStolen) {
		t.Errorf("a stolen seed asks for an online code: %v", err)
	}
	c.g.Revoke("ann")
	if c.pays(got[phone.Code](t)(thief.Offline()), "1.00") == "10000" {
		t.Error("a revoked seed pays")
	}
	if _, err := p.Online(t.Context()); err == nil || !strings.Contains(err.Error(), "log in") {
		t.Errorf("the customer's own phone: %v", err)
	}
}

func TestPaymentsThatWaitAreConfirmedOrRefusedOnThePhone(t *testing.T) {
	c := newCity(t)
	p := c.phone("a.json")
	c.login(p, "ann")
	if got := c.pays(got[phone.Code](t)(p.Online(t.Context())), "60.00"); got != "10003" {
		t.Fatalf("the large payment is answered %s", got)
	}
	if _, err := p.Confirm(t.Context(), "guess"); err == nil {
		t.Error("a wrong password pays")
	}
	if n, err := p.Confirm(t.Context(), "pw"); n != 1 || err != nil || c.g.Net("S1") != 60_00 {
		t.Errorf("confirm: %d, %v, net %d", n, err, c.g.Net("S1"))
	}
	if n, err := p.Refuse(t.Context()); n != 0 || err != nil {
		t.Errorf("refuse with nothing waiting: %d, %v", n, err)
	}
}

func TestAPhoneTakesNoGatewayButItsOwn(t *testing.T) {
	c := newCity(t)
	p := c.phone("a.json")
	for name, g := range map[string]phone.Gateway{
		"plain HTTP":     {URL: strings.Replace(c.doors.URL, "https", "http", 1), CA: c.doors.CA},
		"no authority":   {URL: c.doors.URL},
		"another one's":  {URL: c.doors.URL, CA: stranger(t)},
		"nobody there":   {URL: "https://127.0.0.1:1", CA: c.doors.CA},
		"wrong password": c.doors,
	} {
		password := map[bool]string{true: "wrong", false: "pw"}[name == "wrong password"]
		if err := p.LogIn(t.Context(), g, phone.Login{Account: "ann", Password: password}); err == nil {
			t.Errorf("%s: logged in", name)
		}
	}
	if _, err := p.Online(t.Context()); !errors.Is(err, phone.ErrLoggedOut) {
		t.Errorf("nobody is logged in: %v", err)
	}
}

// stranger is the certificate of an authority that has signed nothing.
func stranger(t *testing.T) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key().PublicKey, key())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestASlowNetworkDelaysOnlineCodesOnly(t *testing.T) {
	c := newCity(t)
	c.login(c.phone("a.json"), "ann")
	p, err := phone.Open(phone.Options{File: filepath.Join(c.dir, "a.json"), Slow: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := p.Online(t.Context()); err != nil || time.Since(began) < 200*time.Millisecond {
		t.Errorf("the code is there after %s (%v)", time.Since(began), err)
	}
	if _, err := p.Offline(); err != nil {
		t.Error(err)
	}
}

func TestADamagedFileIsNotQuoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(file, []byte(`{"seed":{"seed":"5eed`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Open(phone.Options{File: file}); err == nil || strings.Contains(err.Error(), "5eed") {
		t.Errorf("got %v", err)
	}
}
