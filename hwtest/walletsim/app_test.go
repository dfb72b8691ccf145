package walletsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"posd/hwtest/walletsim"
)

// app is a phone's end of the phones' door.
type app struct {
	w       *world
	session string
	seed    *walletsim.Seed
}

func (w *world) account(name string) {
	w.t.Helper()
	o := walletsim.AccountOptions{Name: name, Password: "pass-" + name, PhoneOptions: walletsim.PhoneOptions{Balance: 9000, AskAbove: 5000}}
	if err := w.g.NewAccount(o); err != nil {
		w.t.Fatal(err)
	}
}

// do calls the door and gives the status.
func (a *app) do(method, path string, body, into any) int {
	a.w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		a.w.t.Fatal(err)
	}
	req := httptest.NewRequest(method, "/phone/"+path, bytes.NewReader(text))
	req.Header.Set("Authorization", "Bearer "+a.session)
	rec := httptest.NewRecorder()
	a.w.g.Phones().ServeHTTP(rec, req)
	if into != nil && rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			a.w.t.Fatal(err)
		}
	}
	return rec.Code
}

func (a *app) login(name string, schemes ...string) {
	a.w.t.Helper()
	var out walletsim.LoginAnswer
	in := walletsim.LoginRequest{Account: name, Password: "pass-" + name, Schemes: schemes, Session: a.session}
	if code := a.do("POST", "login", in, &out); code != http.StatusOK {
		a.w.t.Fatalf("login of %s: %d", name, code)
	}
	a.session, a.seed = out.Session, out.Seed
}

func (a *app) online() string {
	a.w.t.Helper()
	var out walletsim.CodeAnswer
	if code := a.do("POST", "code", nil, &out); code != http.StatusOK || out.Seconds != 60 {
		a.w.t.Fatalf("code: %d, good for %d s", code, out.Seconds)
	}
	return out.Code
}

// offline makes a code as the phone does: without the gateway.
func (a *app) offline(counter byte) string {
	a.w.t.Helper()
	s, ok := walletsim.SchemeOf(a.seed.Scheme)
	if !ok {
		a.w.t.Fatalf("scheme %q", a.seed.Scheme)
	}
	m, err := s.Maker(unhex(a.w.t, a.seed.GroupKey))
	if err != nil {
		a.w.t.Fatal(err)
	}
	return must(a.w.t)(m.Code(unhex(a.w.t, a.seed.Seed), a.seed.Handle, a.w.now, counter))
}

func (a *app) stands() (out walletsim.PhoneAnswer) {
	a.w.t.Helper()
	if code := a.do("GET", "account", nil, &out); code != http.StatusOK {
		a.w.t.Fatalf("account: %d", code)
	}
	return out
}

// paysWith tells whether the gateway takes a code.
func (w *world) paysWith(code string) bool {
	w.t.Helper()
	return w.alipayPay(fmt.Sprintf("N%d", len(w.g.Ledger())), "1.00", code)["code"] == "10000"
}

func TestAPhoneThatLogsInPaysOnlineAndOffline(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	a := &app{w: w}
	a.login("ann", "91")
	old := a.online()
	fresh := a.online()
	if w.paysWith(old) || !w.paysWith(fresh) || w.paysWith(fresh) {
		t.Error("the refreshed code pays, or the new one not exactly once")
	}
	code := a.offline(0)
	if !w.paysWith(code) || w.paysWith(code) || !w.paysWith(a.offline(1)) {
		t.Error("offline codes do not pay once each")
	}
	if s := a.stands(); s.Balance != 9000-300 || s.Offline != "ready" || len(s.Waiting) != 0 {
		t.Errorf("the account stands %+v", s)
	}
}

func TestASeedIsUniqueAndDiesWithItsLogin(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	w.account("ben")
	a, other := &app{w: w}, &app{w: w}
	a.login("ann", "91")
	other.login("ann", "91")
	if a.seed.Seed == other.seed.Seed || a.seed.Handle == other.seed.Handle || a.session == other.session {
		t.Error("two phones of one customer share a seed")
	}
	anns, stolen := a.offline(0), a.session
	a.login("ben", "91") // another customer takes the same phone
	if w.paysWith(anns) {
		t.Error("the first customer's seed outlives the switch")
	}
	if !w.paysWith(a.offline(0)) || !w.paysWith(other.offline(0)) {
		t.Error("the switch has touched somebody else's seed")
	}
	if code := (&app{w: w, session: stolen}).do("POST", "code", nil, nil); code != http.StatusUnauthorized {
		t.Errorf("the old session gives %d", code)
	}
	bens := a.offline(1)
	if code := a.do("POST", "logout", nil, nil); code != http.StatusOK || w.paysWith(bens) {
		t.Errorf("logout gives %d, or leaves the seed", code)
	}
}

func TestWhatWaitsForThePasswordIsPaidOrRefusedOnThePhone(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	a := &app{w: w}
	a.login("ann", "91")
	query := func(no string) map[string]string {
		return w.alipay("alipay.trade.query", map[string]string{"out_trade_no": no})
	}
	w.want(w.alipayPay("P1", "60.00", a.online()), "code", "10003")
	if s := a.stands(); !slices.Equal(s.Waiting, []int64{6000}) {
		t.Errorf("waiting %v", s.Waiting)
	}
	if code := a.do("POST", "confirm", map[string]string{"password": "guess"}, nil); code == http.StatusOK {
		t.Error("a wrong password pays")
	}
	w.want(query("P1"), "trade_status", "WAIT_BUYER_PAY")
	if code := a.do("POST", "confirm", map[string]string{"password": "pass-ann"}, nil); code != http.StatusOK {
		t.Errorf("confirm: %d", code)
	}
	w.want(query("P1"), "trade_status", "TRADE_SUCCESS")
	w.account("ben")
	a.login("ben", "91")
	w.want(w.alipayPay("P2", "60.00", a.online()), "code", "10003")
	a.do("POST", "refuse", nil, nil)
	w.want(query("P2"), "trade_status", "TRADE_CLOSED")
	w.want(w.wechat("/pay/micropay", map[string]string{"out_trade_no": "P3", "total_fee": "6000", "auth_code": a.online()}), "err_code", "USERPAYING")
	a.do("POST", "refuse", nil, nil)
	w.want(w.wechat("/pay/orderquery", map[string]string{"out_trade_no": "P3"}), "trade_state", "PAYERROR")
}

func TestAStolenSeedPaysUntilItIsRevokedOrTheCustomerRestricted(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	a := &app{w: w}
	a.login("ann", "91")
	thief := &app{w: w, seed: a.seed} // no session, only the seed
	if !w.paysWith(thief.offline(0)) {
		t.Error("a stolen seed makes no codes")
	}
	w.g.Restrict("ann", true)
	if w.paysWith(thief.offline(1)) || !w.paysWith(a.online()) || a.stands().Offline != "restricted" {
		t.Error("restricting does not end offline codes, or ends online ones")
	}
	w.g.Restrict("ann", false)
	if !w.paysWith(thief.offline(1)) {
		t.Error("the restriction is not lifted")
	}
	w.g.Revoke("ann")
	if w.paysWith(thief.offline(2)) || a.do("POST", "code", nil, nil) != http.StatusUnauthorized {
		t.Error("revoking leaves the seed or the login")
	}
	a.login("ann", "91")
	if !w.paysWith(a.offline(0)) || w.paysWith(thief.offline(3)) {
		t.Error("after a new login the old seed works, or the new one does not")
	}
	if w.g.Restrict("zoe", true) || w.g.Revoke("zoe") {
		t.Error("an account that is not there is restricted")
	}
}

func TestARootedPhoneGetsNoSeedWhereThatIsTheRule(t *testing.T) {
	w := newWorld(t, func(o *walletsim.Options) { o.RestrictRooted = true })
	w.account("ann")
	a := &app{w: w}
	var out walletsim.LoginAnswer
	in := walletsim.LoginRequest{Account: "ann", Password: "pass-ann", Schemes: []string{"91"}, Rooted: true}
	if code := a.do("POST", "login", in, &out); code != http.StatusOK || out.Seed != nil {
		t.Fatalf("login %d, seed %v", code, out.Seed != nil)
	}
	a.session = out.Session
	if !w.paysWith(a.online()) || a.stands().Offline != "restricted" {
		t.Error("online codes are refused, too")
	}
}

func TestOldAndNewOfflineAlgorithmsLiveSideBySide(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	older, newer := &app{w: w}, &app{w: w}
	older.login("ann", "91")
	newer.login("ann", "91", "93")
	v1, v2 := older.offline(0), newer.offline(0)
	if !strings.HasPrefix(v1, "91") || !strings.HasPrefix(v2, "93") || older.seed.GroupKey == newer.seed.GroupKey {
		t.Fatal("the versions do not tell apart")
	}
	if w.paysWith("93"+v1[2:]) || w.paysWith("91"+v2[2:]) {
		t.Error("a code is good under the other version's prefix")
	}
	if !w.paysWith(v1) || !w.paysWith(v2) {
		t.Error("one of the two versions is refused")
	}
	if err := w.g.Retire("91"); err != nil {
		t.Fatal(err)
	}
	if w.paysWith(older.offline(1)) || !w.paysWith(newer.offline(1)) || older.stands().Offline != "retired" {
		t.Error("the retired version is taken, or the new one refused")
	}
	older.login("ann", "91")
	if older.seed != nil || !w.paysWith(older.online()) {
		t.Error("an old app gets a seed that is good for nothing, or no online code")
	}
	if w.g.Retire("90") == nil {
		t.Error("a prefix that no version has is retired")
	}
}

func TestGuessingAPasswordEndsAfterFiveTries(t *testing.T) {
	w := newWorld(t)
	w.account("ann")
	a := &app{w: w}
	try := func(password string) int {
		return a.do("POST", "login", walletsim.LoginRequest{Account: "ann", Password: password}, nil)
	}
	for range 5 {
		if got := try("guess"); got != http.StatusUnauthorized {
			t.Errorf("a wrong password gives %d", got)
		}
	}
	if got := try("pass-ann"); got != http.StatusUnauthorized {
		t.Errorf("the sixth try gives %d", got)
	}
	w.now = w.now.Add(10 * time.Minute)
	if got := try("pass-ann"); got != http.StatusOK {
		t.Errorf("ten minutes later: %d", got)
	}
	if got := a.do("POST", "login", walletsim.LoginRequest{Account: "zoe", Password: "x"}, nil); got != http.StatusUnauthorized {
		t.Errorf("an unknown account gives %d", got)
	}
}

func TestNothingSecretOfAPhoneIsLogged(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *walletsim.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.account("ann")
	a := &app{w: w}
	a.login("ann", "91")
	online, offline := a.online(), a.offline(0)
	if !w.paysWith(online) || !w.paysWith(offline) || w.paysWith(offline) {
		t.Error("the codes do not pay once each")
	}
	for _, secret := range []string{online, offline, a.session, a.seed.Seed, a.seed.GroupKey, "pass-ann"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("a secret is in the log:\n%s", &log)
		}
	}
	if !strings.Contains(log.String(), "ann") {
		t.Error("the log does not say who logged in")
	}
}

func TestControlOpensRestrictsAndRevokesAccounts(t *testing.T) {
	w := newWorld(t, func(o *walletsim.Options) { o.Token = "t0ken" })
	do := func(method, path, body string) (int, string) {
		req := httptest.NewRequest(method, "/control/"+path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer t0ken")
		rec := httptest.NewRecorder()
		w.g.Handler().ServeHTTP(rec, req)
		return rec.Code, rec.Body.String()
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "accounts", `{"name":"ann","password":"p","balance":500}`, 200},
		{"POST", "accounts", `{"name":"ann","password":"p"}`, 400},
		{"POST", "accounts", `{"name":"a/b","password":"p"}`, 400},
		{"POST", "accounts", `{"name":"cal","password":"p","prefix":"91"}`, 400},
		{"POST", "accounts/ann/restrict", `{"restricted":true}`, 200},
		{"POST", "accounts/ann/revoke", ``, 200},
		{"POST", "accounts/zoe/revoke", ``, 404},
		{"POST", "accounts/zoe/restrict", `{}`, 404},
		{"PUT", "offline", `{"retired":["91"]}`, 200},
		{"PUT", "offline", `{"retired":["17"]}`, 400},
		{"GET", "accounts/zoe", ``, 404},
	} {
		if got, text := do(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, got, text, c.want)
		}
	}
	if _, text := do("GET", "accounts/ann", ""); strings.TrimSpace(text) != `{"name":"ann","balance":500,"restricted":true,"phones":0}` {
		t.Errorf("ann is %s", text)
	}
}
