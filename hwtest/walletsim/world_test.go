package walletsim_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	mrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

// keys are made once: key generation is slow under the race detector.
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

// world is a gateway, and a till that speaks to it on the wire without any of posd's client.
type world struct {
	t   *testing.T
	g   *walletsim.Gateway
	now time.Time
}

func newWorld(t *testing.T, change ...func(*walletsim.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o := walletsim.Options{
		Alipay: walletsim.Alipay{
			AppID: "2021000000000001", SellerID: "2088100000000001",
			MerchantKey: &keys()[0].PublicKey, GatewayKey: keys()[1],
		},
		WeChat: walletsim.WeChat{AppID: "wx0000000000000001", MchID: "1900000001", APIKey: strings.Repeat("k", 32)},
		Now:    func() time.Time { return w.now },
		Rand:   mrand.NewChaCha8([32]byte{1}),
	}
	for _, c := range change {
		c(&o)
	}
	g, err := walletsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.g = g
	t.Cleanup(func() { _ = g.Close() })
	return w
}

func (w *world) phone(balance int64) *walletsim.Phone {
	w.t.Helper()
	p, err := w.g.NewPhone(walletsim.PhoneOptions{Balance: balance})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func must(t *testing.T) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func (w *world) online(p *walletsim.Phone) string { return must(w.t)(p.Online()) }

// send posts a body and gives the answer.
func (w *world) send(path, contentType string, body []byte) []byte {
	w.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	w.g.Handler().ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s: status %d", path, rec.Code)
	}
	return rec.Body.Bytes()
}

// params are a signed Alipay request, before anything is broken in it.
func (w *world) params(method string, biz map[string]string) map[string]string {
	w.t.Helper()
	content, err := json.Marshal(biz)
	if err != nil {
		w.t.Fatal(err)
	}
	p := map[string]string{
		"app_id": "2021000000000001", "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
		"timestamp": "2026-03-01 20:00:00", "version": "1.0", "biz_content": string(content),
	}
	p["sign"] = must(w.t)(sign.RSA2Request(keys()[0], p))
	return p
}

func (w *world) post(params map[string]string) map[string]json.RawMessage {
	w.t.Helper()
	form := url.Values{}
	for k, v := range params {
		form.Set(k, v)
	}
	nodes, err := sign.Nodes(w.send("/gateway.do", "application/x-www-form-urlencoded", []byte(form.Encode())))
	if err != nil {
		w.t.Fatal(err)
	}
	return nodes
}

// alipay makes a call, checks the answer's signature and gives its fields.
func (w *world) alipay(method string, biz map[string]string) map[string]string {
	w.t.Helper()
	nodes := w.post(w.params(method, biz))
	node := nodes[strings.ReplaceAll(method, ".", "_")+"_response"]
	var signature string
	_ = json.Unmarshal(nodes["sign"], &signature)
	if err := sign.CheckRSA2(&keys()[1].PublicKey, node, signature); err != nil {
		w.t.Fatalf("%s: %v", node, err)
	}
	var f map[string]string
	if err := json.Unmarshal(node, &f); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *world) alipayPay(order, amount, code string) map[string]string {
	w.t.Helper()
	return w.alipay("alipay.trade.pay", map[string]string{
		"out_trade_no": order, "scene": "bar_code", "auth_code": code, "subject": "Shop", "total_amount": amount,
	})
}

// wechat makes a call, checks the answer's signature and gives its fields.
func (w *world) wechat(path string, fields map[string]string) map[string]string {
	w.t.Helper()
	f := map[string]string{
		"appid": "wx0000000000000001", "mch_id": "1900000001", "nonce_str": "n", "sign_type": sign.TypeHMAC,
		"body": "Shop", "spbill_create_ip": "127.0.0.1",
	}
	maps.Copy(f, fields)
	f["sign"] = sign.HMAC(f, strings.Repeat("k", 32))
	got, err := sign.DecodeXML(w.send(path, "text/xml", sign.EncodeXML(f)))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := sign.CheckWeChat(got, strings.Repeat("k", 32), sign.TypeHMAC); err != nil {
		w.t.Fatalf("%q: %v", got, err)
	}
	return got
}

func (w *world) want(f map[string]string, key, value string) {
	w.t.Helper()
	if f[key] != value {
		w.t.Errorf("%s = %q, want %q in %v", key, f[key], value, f)
	}
}
