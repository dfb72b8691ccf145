package walletsim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"posd/hwtest/walletsim"
)

// TestControlPlaysACustomer: everything a demo needs can be done over HTTP, and nothing without the token.
func TestControlPlaysACustomer(t *testing.T) {
	w := newWorld(t, func(o *walletsim.Options) { o.Token = "t0ken" })
	do := func(method, path, token, body string) (int, map[string]any) {
		req := httptest.NewRequest(method, path, bytes.NewBufferString(body))
		req.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		w.g.Handler().ServeHTTP(rec, req)
		var out map[string]any
		_ = json.Unmarshal(rec.Body.Bytes(), &out)
		return rec.Code, out
	}
	if code, _ := do("POST", "/control/phones", "wrong", `{"balance":5000}`); code != http.StatusUnauthorized {
		t.Errorf("a wrong token gives %d", code)
	}
	_, phone := do("POST", "/control/phones", "t0ken", `{"balance":5000}`)
	id, _ := phone["phone"].(string)
	_, shown := do("GET", "/control/phones/"+id+"/online", "t0ken", "")
	_, fresh := do("POST", "/control/phones/"+id+"/refresh", "t0ken", "")
	_, offline := do("POST", "/control/phones/"+id+"/offline", "t0ken", "")
	for name, c := range map[string]map[string]any{"online": shown, "refresh": fresh, "offline": offline} {
		if code, _ := c["code"].(string); len(code) != 18 {
			t.Errorf("%s: %v", name, c)
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"PUT", "/control/clock", `{"offset":"61s"}`},
		{"PUT", "/control/rules", `[{"call":"query","fault":"silence"}]`},
		{"PUT", "/control/rules", `[]`},
		{"POST", "/control/phones/" + id + "/confirm", ""},
		{"POST", "/control/phones/" + id + "/login", ""},
	} {
		if code, _ := do(c.method, c.path, "t0ken", c.body); code != http.StatusOK {
			t.Errorf("%s %s: %d", c.method, c.path, code)
		}
	}
	old, _ := fresh["code"].(string)
	w.want(w.alipayPay("A1", "1.00", old), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	w.want(w.alipayPay("A2", "1.00", w.online(phoneOf(t, w, id))), "code", "10000")
	if _, net := do("GET", "/control/net/A2", "t0ken", ""); net["net"] != 100.0 {
		t.Errorf("net %v", net)
	}
	if _, l := do("GET", "/control/ledger", "t0ken", ""); len(l["entries"].([]any)) != 1 {
		t.Errorf("ledger %v", l)
	}
	for _, bad := range []string{"/control/clock", "/control/rules"} {
		if code, _ := do("PUT", bad, "t0ken", `nonsense`); code != http.StatusBadRequest {
			t.Errorf("%s takes nonsense: %d", bad, code)
		}
	}
	if code, _ := do("GET", "/control/phones/phone-99", "t0ken", ""); code != http.StatusNotFound {
		t.Errorf("an unknown phone gives %d", code)
	}
}

func phoneOf(t *testing.T, w *world, id string) *walletsim.Phone {
	t.Helper()
	p, ok := w.g.Phone(id)
	if !ok {
		t.Fatalf("no phone %s", id)
	}
	return p
}
