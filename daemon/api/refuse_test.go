package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/api"
	"posd/daemon/payment"
	"posd/drivers"
)

const goodSale = `{"amount":1999,"currency":"CNY"}`

// brokenRequests are requests that are refused before the desk hears of them, one fault each.
var brokenRequests = []struct {
	name, method, path, body string
	change                   func(*http.Request)
	status                   int
	code, says               string // says stands in detail, remedy or field
}{
	{"another Host", "PUT", "/v1/sales/1", goodSale, func(r *http.Request) { r.Host = "evil.example:8320" }, 421, "wrong_host", "api.hosts"},
	{"another port", "GET", "/v1/health", "", func(r *http.Request) { r.Host = "127.0.0.1:80" }, 421, "wrong_host", "Host"},
	{"no Host", "GET", "/v1/health", "", func(r *http.Request) { r.Host = "" }, 421, "wrong_host", "Host"},
	{"page of the web", "PUT", "/v1/sales/1", goodSale, header("Origin", "https://evil.example"), 403, "wrong_origin", "browser"},
	{"page of no origin", "PUT", "/v1/sales/1", goodSale, header("Origin", "null"), 403, "wrong_origin", "browser"},
	{"no token", "PUT", "/v1/sales/1", goodSale, header("Authorization", ""), 401, "unauthorized", "Bearer"},
	{"wrong token", "PUT", "/v1/sales/1", goodSale, header("Authorization", "Bearer "+tillToken+"x"), 401, "unauthorized", "Bearer"},
	{"token of another scheme", "PUT", "/v1/sales/1", goodSale, header("Authorization", "Basic "+tillToken), 401, "unauthorized", "Bearer"},
	{"wrong token for the health", "GET", "/v1/health", "", as("nobody"), 401, "unauthorized", "Bearer"},
	{"unknown path", "GET", "/v1/sale/1", "", nil, 404, "no_such_path", "/v1/"},
	{"path with an empty part", "GET", "/v1//sales", "", nil, 404, "no_such_path", "/v1/"},
	{"path with dots", "GET", "/v1/sales/%2e%2e/devices", "", nil, 404, "no_such_path", "/v1/"},
	{"wrong method", "DELETE", "/v1/sales/1", "", nil, 405, "wrong_method", "PUT"},
	{"HEAD", "HEAD", "/v1/events", "", nil, 405, "wrong_method", "GET"},
	{"unknown parameter", "GET", "/v1/sales?limt=3", "", nil, 400, "unknown_parameter", "limit"},
	{"limit of nothing", "GET", "/v1/sales?limit=0", "", nil, 400, "bad_parameter", "1 to"},
	{"odd event number", "GET", "/v1/events", "", header("Last-Event-ID", "-1"), 400, "bad_header", "0"},
	{"no content type", "PUT", "/v1/sales/1", goodSale, header("Content-Type", ""), 415, "not_json", "application/json"},
	{"a form", "PUT", "/v1/sales/1", "amount=1999", header("Content-Type", "application/x-www-form-urlencoded"), 415, "not_json", "application/json"},
	{"text that is JSON", "PUT", "/v1/sales/1", goodSale, header("Content-Type", "text/plain"), 415, "not_json", "application/json"},
	{"GBK", "PUT", "/v1/sales/1", goodSale, header("Content-Type", "application/json; charset=gbk"), 415, "not_json", "UTF-8"},
	{"compressed", "PUT", "/v1/sales/1", goodSale, header("Content-Encoding", "gzip"), 415, "not_json", "compressed"},
	{"form for an ack", "POST", "/v1/sales/1/ack", "a=b", header("Content-Type", "text/plain"), 415, "not_json", "application/json"},
	{"too large", "PUT", "/v1/sales/1", strings.Repeat(" ", 64<<10) + goodSale, nil, 413, "too_large", "65536"},
	{"too large, unannounced", "PUT", "/v1/sales/1", strings.Repeat(" ", 64<<10) + goodSale, func(r *http.Request) { r.ContentLength = -1 }, 413, "too_large", "65536"},
	{"print too large", "PUT", "/v1/prints/1", strings.Repeat(" ", 2<<20) + "{}", nil, 413, "too_large", "2097152"},
	{"print of nothing", "PUT", "/v1/prints/1", "{}", nil, 422, "bad_content", "receiptline"},
	{"print of an odd line", "PUT", "/v1/prints/1", `{"document":{"lines":[{"kind":"cut"},{"kinds":"cut"}]}}`, nil, 422, "bad_content", "document.lines[1]"},
	{"print of an unknown field", "PUT", "/v1/prints/1", `{"documents":{"lines":[]}}`, nil, 400, "unknown_field", "document, receiptline, raw, language"},
	{"print of odd base64", "PUT", "/v1/prints/1", `{"raw":"%"}`, nil, 422, "bad_content", "base64"},
	{"print under a path's name", "PUT", "/v1/prints/preview", `{"receiptline":"x"}`, nil, 405, "wrong_method", "POST"},
	{"print under an odd id", "PUT", "/v1/prints/a%20b", `{"receiptline":"x"}`, nil, 422, "bad_id", "letters"},
	{"print of another till", "GET", "/v1/prints/1?client=other", "", nil, 403, "supervisor_only", "supervisor"},
	{"print that is not there", "GET", "/v1/prints/1", "", nil, 404, "not_found", "PUT"},
	{"post to a print", "POST", "/v1/prints/1", `{"receiptline":"x"}`, nil, 405, "wrong_method", "PUT"},
	{"preview as a film", "POST", "/v1/prints/preview?as=film", `{"receiptline":"x"}`, nil, 422, "bad_content", "png"},
	{"preview of no columns", "POST", "/v1/prints/preview?columns=0", `{"receiptline":"x"}`, nil, 400, "bad_parameter", "columns"},
	{"preview on nobody's printer", "POST", "/v1/prints/preview?profile=x", `{"receiptline":"x"}`, nil, 422, "bad_content", "profile"},
	{"print taken back that is not there", "DELETE", "/v1/prints/1", "", nil, 404, "not_found", "PUT"},
	{"print of another till taken back", "DELETE", "/v1/prints/1?client=other", "", nil, 403, "supervisor_only", "supervisor"},
	{"preview taken back", "DELETE", "/v1/prints/preview", "", nil, 405, "wrong_method", "POST"},
	{"scanner that is told nothing", "POST", "/v1/scanner", "", nil, 415, "not_json", "application/json"},
	{"scanner that is not there", "POST", "/v1/scanner", `{"command":"beep"}`, nil, 422, "bad_request", "/v1/devices"},
	{"scanner's unknown field", "POST", "/v1/scanner", `{"commands":"beep"}`, nil, 400, "unknown_field", "command, device"},
	{"drawer at an odd pin", "POST", "/v1/drawer", `{"pin":3}`, nil, 422, "bad_request", "pin"},
	{"drawer with a long pulse", "POST", "/v1/drawer", `{"pulse":511}`, nil, 422, "bad_request", "510"},
	{"drawer with a short pulse", "POST", "/v1/drawer", `{"pulse":1}`, nil, 422, "bad_request", "2 to 510"},
	{"drawer for a novel", "POST", "/v1/drawer", `{"reason":"` + strings.Repeat("x", 1001) + `"}`, nil, 422, "bad_request", "reason"},
	{"drawer by a crowd", "POST", "/v1/drawer", `{"by":"` + strings.Repeat("x", 201) + `"}`, nil, 422, "bad_request", "by"},
	{"after no sale's id", "PUT", "/v1/sales/1", `{"amount":1999,"currency":"CNY","after":"\u001b[2J"}`, nil, 422, "bad_id", "after"},
	{"a verdict that is a novel", "POST", "/v1/sales/1/attempts/a/settle", `{"as":"paid","by":"x","reason":"` + strings.Repeat("x", 1001) + `"}`, as(superToken), 422, "bad_request", "reason"},
	{"a verdict in other words", "POST", "/v1/sales/1/attempts/a/settle", `{"as":"not_paid","by":"x","reason":"y"}`, as(superToken), 422, "bad_request", `"not_paid", not one of paid, not-paid, retry`},
	{"empty body", "PUT", "/v1/sales/1", "", header("Content-Type", "application/json"), 400, "bad_json", "byte 0"},
	{"cut off", "PUT", "/v1/sales/1", "{\"amount\":\n1999", nil, 400, "bad_json", "line 2"},
	{"trailing data", "PUT", "/v1/sales/1", goodSale + "{}", nil, 400, "bad_json", "byte 33"},
	{"an array", "PUT", "/v1/sales/1", "[1]", nil, 400, "bad_json", "object"},
	{"null", "PUT", "/v1/sales/1", "null", nil, 400, "bad_json", "object"},
	{"not UTF-8", "PUT", "/v1/sales/1", "{\"amount\":1,\"currency\":\"\xd6\xd0\"}", nil, 400, "bad_json", "UTF-8"},
	{"unknown field", "PUT", "/v1/sales/1", `{"amuont":1999,"currency":"CNY"}`, nil, 400, "unknown_field", "amuont"},
	{"field in capitals", "PUT", "/v1/sales/1", `{"Amount":1999,"currency":"CNY"}`, nil, 400, "unknown_field", "Amount"},
	{"field of a field", "PUT", "/v1/sales/1/attempts/a", `{"override":{"who":"x"}}`, nil, 400, "unknown_field", "override.who"},
	{"amount twice", "PUT", "/v1/sales/1", `{"amount":1,"currency":"CNY","amount":2}`, nil, 400, "repeated_field", "amount"},
	{"fields for an ack", "POST", "/v1/sales/1/ack", `{"x":1}`, nil, 400, "unknown_field", "x"},
	{"amount as text", "PUT", "/v1/sales/1", `{"amount":"1999","currency":"CNY"}`, nil, 400, "bad_field", "minor units"},
	{"amount beyond all numbers", "PUT", "/v1/sales/1", `{"amount":99999999999999999999,"currency":"CNY"}`, nil, 422, "bad_request", "out of range"},
	{"amount far below nothing", "PUT", "/v1/sales/1", `{"amount":-99999999999999999999,"currency":"CNY"}`, nil, 422, "bad_request", "out of range"},
	{"amount with a point", "PUT", "/v1/sales/1", `{"amount":19.99,"currency":"CNY"}`, nil, 400, "bad_field", "minor units"},
	{"amount of nothing", "PUT", "/v1/sales/1", `{"amount":0,"currency":"CNY"}`, nil, 422, "bad_request", "amount"},
	{"small currency", "PUT", "/v1/sales/1", `{"amount":1,"currency":"cny"}`, nil, 422, "bad_request", "currency"},
	{"reference that steers a printer", "PUT", "/v1/sales/1", `{"amount":1,"currency":"CNY","reference":"\u001b@"}`, nil, 422, "bad_request", "reference"},
	{"odd sale id", "PUT", "/v1/sales/a%2Fb", goodSale, nil, 422, "bad_id", "letters"},
	{"odd attempt id", "PUT", "/v1/sales/1/attempts/%20", cardSale, nil, 422, "bad_id", "letters"},
	{"sale of nobody", "PUT", "/v1/sales/404/attempts/a", cardSale, nil, 404, "not_found", "404"},
	{"no rail", "PUT", "/v1/sales/1/attempts/a", `{"kind":"sale"}`, nil, 422, "bad_request", "rail"},
	{"no kind", "PUT", "/v1/sales/1/attempts/a", `{"rail":"card"}`, nil, 422, "bad_request", "kind"},
	{"unknown language", "PUT", "/v1/sales/1/attempts/a", `{"rail":"card","kind":"sale","language":"fr"}`, nil, 422, "bad_request", "language"},
	{"code for a card", "PUT", "/v1/sales/1/attempts/a", `{"rail":"card","kind":"sale","code":"2812345678"}`, nil, 422, "bad_request", "code"},
	{"code as a number", "PUT", "/v1/sales/1/attempts/a", `{"rail":"wallet","kind":"sale","code":2812345678}`, nil, 400, "bad_field", "code"},
	{"code with a line break", "PUT", "/v1/sales/1/attempts/a", `{"rail":"wallet","kind":"sale","code":"2812345678\n"}`, nil, 400, "bad_field", "code"},
	{"original of a sale", "PUT", "/v1/sales/1/attempts/a", `{"rail":"card","kind":"sale","original":"b"}`, nil, 422, "bad_request", "original"},
	{"void of nothing", "PUT", "/v1/sales/1/attempts/a", `{"kind":"void"}`, nil, 422, "bad_request", "original"},
}

func TestBrokenRequestGivesOneClearErrorWithPlaceAndRemedy(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		before, _ := s.desk.Seq(t.Context())
		for _, b := range brokenRequests {
			if b.change == nil {
				b.change = func(*http.Request) {}
			}
			w := s.ask(b.method, b.path, b.body, b.change)
			var a answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
				t.Errorf("%s: answer is no JSON: %v", b.name, err)
			}
			if w.Code != b.status || !strings.Contains(a.Code, b.code) || a.Detail == "" || a.Remedy == "" || a.Status != float64(b.status) {
				t.Errorf("%s: %d %s, want %d %s", b.name, w.Code, w.Body, b.status, b.code)
			}
			if !strings.Contains(a.Detail+a.Remedy+a.Field, b.says) {
				t.Errorf("%s: %s does not say %q", b.name, w.Body, b.says)
			}
			if strings.Contains(w.Body.String(), "2812345678") {
				t.Errorf("%s: the answer holds the code: %s", b.name, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s: Content-Type %q", b.name, got)
			}
			if b.status != http.StatusMisdirectedRequest && (w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store") {
				t.Errorf("%s: headers %v", b.name, w.Header())
			}
		}
		if after, _ := s.desk.Seq(t.Context()); after != before || s.card.calls()+s.wallet.calls() > 0 {
			t.Errorf("the journal went from %d to %d", before, after)
		}
	})
}

func TestLogHasALineForEveryRequestAndNothingOfItsContents(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.ask(http.MethodPut, "/v1/sales/0042?client=secretclient", `{"secretname":"secretvalue"}`)
		s.ask("SECRET", "/secretpath", "")
		log := s.log.String()
		if strings.Contains(strings.ToLower(log), "secret") {
			t.Errorf("the log tells of the contents: %s", log)
		}
		for _, want := range []string{`"method":"PUT","route":"/v1/sales/{id}","status":400,"elapsed_ms":0,"client":"till"`, `"method":"other","route":"/","status":404`} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s: %s", want, log)
			}
		}
	})
}

func TestLogSaysWhyAndOfWhatARequestWasRefused(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("0042")
		s.ask(http.MethodPut, "/v1/sales/0042", `{"amount":1,"currency":"CNY"}`)
		s.ask(http.MethodPut, "/v1/sales/0042/attempts/a", `{"rail":"coins","kind":"sale"}`)
		s.ask(http.MethodGet, "/v1/prints/p-1", "")
		s.ask(http.MethodPut, "/v1/sales/an%20id", goodSale)
		s.ask(http.MethodPut, "/v1/sales/stranger", goodSale, as("nobody"))
		log := s.log.String()
		for _, want := range []string{
			`"client":"till","code":"sale_differs","sale":"0042"}`, `"code":"bad_request","sale":"0042","attempt":"a"}`,
			`"code":"not_found","print":"p-1"}`, `"code":"bad_id"}`, `"code":"unauthorized"}`,
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s: %s", want, log)
			}
		}
		if strings.Contains(log, "stranger") || strings.Contains(log, "an id") {
			t.Errorf("the log holds what is no id of a till's: %s", log)
		}
	})
}

func TestScopesDecideWhoMayAskWhat(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		const verdict = `{"as":"paid","by":"x","reason":"y"}`
		for _, row := range []struct {
			token, method, path, body string
			status                    int
		}{
			{tillToken, "GET", "/v1/sales", "", 200},
			{tillToken, "GET", "/v1/sales?client=other", "", 403},
			{tillToken, "PUT", "/v1/sales/9?client=other", goodSale, 403},
			{tillToken, "POST", "/v1/sales/1/attempts/a/settle", verdict, 403},
			{otherToken, "GET", "/v1/sales/1", "", 404},
			{otherToken, "PUT", "/v1/sales/1/attempts/a", cardSale, 404},
			{otherToken, "POST", "/v1/sales/1/ack", "", 404},
			{otherToken, "POST", "/v1/sales/1/attempts/a/cancel", "", 404},
			{superToken, "GET", "/v1/sales?client=till&limit=5", "", 200},
			{superToken, "GET", "/v1/sales/1", "", 200},
			{superToken, "PUT", "/v1/sales/9?client=till", goodSale, 201},
			{superToken, "POST", "/v1/sales/1/attempts/a/settle", verdict, 404},
		} {
			if w := s.ask(row.method, row.path, row.body, as(row.token)); w.Code != row.status {
				t.Errorf("%s: %s %s: %d, want %d: %s", row.token, row.method, row.path, w.Code, row.status, w.Body)
			}
		}
	})
}

func TestTokensAreWholeAndNameOneClient(t *testing.T) {
	for name, text := range map[string]string{"short": "0123456789", "empty": "", "two words": "0123456789 0123456789"} {
		if _, err := api.NewToken("till", api.Sell, []byte(text)); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := api.NewToken("till", api.Sell, []byte("0123456789abcdef")); err != nil {
		t.Errorf("16 characters, which the configuration takes: %v", err)
	}
	if _, err := api.NewToken("a/b", api.Sell, []byte(tillToken)); err == nil {
		t.Error("a client's name with a slash is taken")
	}
	if _, err := api.NewToken("till", "service", []byte(tillToken)); err == nil {
		t.Error("an unknown scope is taken")
	}
	shared := []api.Token{token(t, "till", api.Sell, tillToken), token(t, "supervisor", api.Supervisor, tillToken)}
	inShop(t, func(t *testing.T, s *shop) {
		s.http = api.New(api.Options{Desk: s.desk, Hosts: []string{host}, Tokens: shared, Now: now, Log: quiet()}).Handler()
		s.refused(http.StatusUnauthorized, "unauthorized", s.ask(http.MethodGet, "/v1/sales", ""))
	})
}

func TestHealthIsOneWordWithoutAToken(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.devices = []drivers.DeviceStatus{{Name: "slips", Kind: drivers.Printer, Why: "paper is out", Remedy: "put paper in"}}
		if got := s.ask(http.MethodGet, "/v1/health", "", func(r *http.Request) { r.Header.Del("Authorization") }).Body.String(); got != `{"status":"degraded"}`+"\n" {
			t.Errorf("without a token: %s", got)
		}
		got := s.ask(http.MethodGet, "/v1/health", "").Body.String()
		if !strings.Contains(got, `"device_offline"`) || !strings.Contains(got, "put paper in") || !strings.Contains(got, `"version":"test"`) {
			t.Errorf("with a token: %s", got)
		}
		if got := s.ask(http.MethodGet, "/v1/devices", "").Body.String(); !strings.Contains(got, `"name":"slips"`) || !strings.Contains(got, `"why":"paper is out"`) {
			t.Errorf("devices: %s", got)
		}
	})
}

func TestPageOfAnAllowedOriginMayAsk(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		origin := header("Origin", "https://till.example")
		w := s.ask(http.MethodOptions, "/v1/sales/1", "", origin, func(r *http.Request) { r.Header.Del("Authorization") })
		if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "https://till.example" {
			t.Errorf("preflight: %d %v", w.Code, w.Header())
		}
		w = s.ask(http.MethodPut, "/v1/sales/1", goodSale, origin)
		if w.Code != http.StatusCreated || w.Header().Get("Access-Control-Allow-Origin") != "https://till.example" {
			t.Errorf("request: %d %v", w.Code, w.Header())
		}
	})
}

// crowd lets n requests wait for the outcome of a sale.
func (s *shop) crowd(n int) (release func()) {
	s.opened("1")
	ctx, cancel := context.WithCancel(s.t.Context())
	var waiters sync.WaitGroup
	for range n {
		waiters.Go(func() {
			r := request(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting).WithContext(ctx)
			s.http.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	synctest.Wait()
	return func() { cancel(); waiters.Wait() }
}

func TestMoreRequestsThanRoomWaitAWhileAndAreSentAwayThen(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		release := s.crowd(256)
		w := s.ask(http.MethodGet, "/v1/sales/1", "")
		s.refused(http.StatusServiceUnavailable, "busy", w)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("headers %v", w.Header())
		}
		answers := make(chan *httptest.ResponseRecorder, 1)
		go func() { answers <- s.ask(http.MethodGet, "/v1/sales/1", "") }()
		synctest.Wait()
		release()
		s.want(http.StatusOK, <-answers)
	})
}

func TestTheQueueHasALimit(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		release := s.crowd(256 + 2048)
		before := time.Now()
		s.refused(http.StatusServiceUnavailable, "busy", s.ask(http.MethodGet, "/v1/sales/1", ""))
		if d := time.Since(before); d != 0 {
			t.Errorf("refused after %v, want at once", d)
		}
		release()
		s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1", ""))
	})
}

func TestBlockedJournalIsSaidAndTheInterfaceStaysUp(t *testing.T) {
	fail := false
	inBrokenShop(t, func() error {
		if fail {
			return fmt.Errorf("no more disk")
		}
		return nil
	}, func(t *testing.T, s *shop) {
		s.opened("1")
		fail = true
		s.refused(http.StatusServiceUnavailable, "blocked", s.ask(http.MethodPut, "/v1/sales/2", goodSale))
		s.refused(http.StatusServiceUnavailable, "blocked", s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale))
		if got := s.ask(http.MethodGet, "/v1/health", "").Body.String(); !strings.Contains(got, `"status":"blocked"`) {
			t.Errorf("health: %s", got)
		}
		if n := s.card.calls(); n != 0 {
			t.Errorf("the host was asked %d times", n)
		}
	})
}

func TestFaultInsideTellsTheTillNothingButThat(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.wallet.ready = fmt.Errorf("dial 10.1.2.3: details for technicians")
		w := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", walletSale("281234567890123456"))
		s.refused(http.StatusInternalServerError, "internal", w)
		if strings.Contains(w.Body.String(), "10.1.2.3") || !strings.Contains(s.log.String(), "10.1.2.3") {
			t.Errorf("answer %s", w.Body)
		}
		s.wallet.ready = &payment.Problem{Code: "not_ready", Detail: "the gateway is silent", Remedy: "wait"}
		s.refused(http.StatusServiceUnavailable, "not_ready", s.ask(http.MethodPut, "/v1/sales/1/attempts/a", walletSale("281234567890123456")))
	})
}
