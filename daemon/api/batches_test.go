package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
)

// batchAnswer is a batch as the interface tells it.
type batchAnswer struct {
	Batch, State, By, Reason, Next, Code string
	Forced                               bool
	Totals                               payment.Totals
	Net, Items                           int64
	OpenItems                            []map[string]any `json:"open_items"`
	Progress                             *struct {
		Step, Trace string
		Tries       int
	}
	Problem *struct{ Code, Detail, Remedy string }
}

func (s *shop) batch(status int, w *httptest.ResponseRecorder) (b batchAnswer) {
	s.t.Helper()
	if w.Code != status {
		s.t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		s.t.Fatalf("answer is no JSON: %v: %s", err, w.Body)
	}
	return b
}

func (s *shop) paid(id string) {
	s.t.Helper()
	s.opened(id)
	s.card.shown <- struct{}{}
	s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/"+id+"/attempts/a", cardSale, waiting))
}

func (s *shop) batches() []batchAnswer {
	s.t.Helper()
	var out struct{ Batches []batchAnswer }
	w := s.ask(http.MethodGet, "/v1/batches", "")
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("batches: %d %s", w.Code, w.Body)
	}
	return out.Batches
}

func TestATillClosesTheBatchAndSeesTheNextOne(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.refused(http.StatusConflict, "batch_empty", s.ask(http.MethodPost, "/v1/batches/close", ""))
		s.paid("1")
		s.paid("2")
		l := s.listen()
		got := s.batch(http.StatusOK, s.ask(http.MethodPost, "/v1/batches/close", "", waiting))
		if got.State != "closed" || got.Batch != "000001" || got.By != "till" || got.Next != "000008" || got.Totals.Sales != (payment.Sum{Count: 2, Amount: 3998}) || got.Net != 3998 || got.Items != 2 {
			t.Errorf("closed as %+v", got)
		}
		text := strings.Join(l.heard(), "\n")
		l.close()
		for _, want := range []string{"event: batch\n", `"terminal":"00000001","batch":"000001","what":"closing","state":"closing"`, `"what":"closed","state":"closed","next":"000008"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the stream lacks %q:\n%s", want, text)
			}
		}
		if all := s.batches(); len(all) != 2 || all[0].State != "open" || all[0].Batch != "000008" || all[1].State != "closed" || all[1].OpenItems == nil {
			t.Errorf("batches %+v", all)
		}
		s.refused(http.StatusConflict, "batch_closed", s.ask(http.MethodPut, "/v1/sales/1/attempts/v", `{"kind":"void","original":"a"}`))
	})
}

func TestACloseThatWaitsForAnAnswerIsAcceptedAndJoined(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.paid("1")
		s.opened("2")
		s.card.mu.Lock()
		s.card.settle = func(payment.Settling) payment.Settled { return payment.Settled{Code: "96"} }
		s.card.mu.Unlock()
		w := s.ask(http.MethodPost, "/v1/batches/close", `{"by":"Li Na","reason":"evening"}`)
		if got := s.batch(http.StatusAccepted, w); got.State != "closing" || got.Progress == nil || got.Progress.Step != "totals" || got.Progress.Trace != "000002" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("answer %s, headers %v", w.Body, w.Header())
		}
		p := s.refused(http.StatusConflict, "batch_closing", s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale))
		if !p.RetryAt.After(now()) {
			t.Errorf("retry at %v", p.RetryAt)
		}
		time.AfterFunc(30*time.Second, func() {
			s.card.mu.Lock()
			defer s.card.mu.Unlock()
			s.card.settle = nil
		})
		if got := s.batch(http.StatusOK, s.ask(http.MethodPost, "/v1/batches/close", "", waiting)); got.State != "closed" || got.By != "Li Na" || got.Reason != "evening" {
			t.Errorf("joined: %+v", got)
		}
	})
}

func TestOnlyASupervisorForcesAClose(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.card.says(payment.Answer{}, payment.Refused)
		s.opened("1")
		s.card.shown <- struct{}{}
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting))
		w := s.ask(http.MethodPost, "/v1/batches/close", "")
		s.refused(http.StatusConflict, "batch_open_items", w)
		if !strings.Contains(w.Body.String(), `"open_items":[{"client":"till","sale":"1","attempt":"a"`) || !strings.Contains(w.Body.String(), `"inner_state":"stuck"`) {
			t.Errorf("answer %s", w.Body)
		}
		if w := s.ask(http.MethodPost, "/v1/batches/close", "", as(otherToken)); strings.Contains(w.Body.String(), `"sale":"1"`) {
			t.Errorf("another client hears %s", w.Body)
		}
		const force = `{"force":true,"by":"Wang","reason":"closing time"}`
		s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodPost, "/v1/batches/close", force))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, "/v1/batches/close", `{"force":true}`, as(superToken)))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, "/v1/batches/close", `{"by":"a\u001bb"}`))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, "/v1/batches/close", `{"by":"`+strings.Repeat("a", 201)+`"}`))
		got := s.batch(http.StatusOK, s.ask(http.MethodPost, "/v1/batches/close", force, as(superToken), waiting))
		if got.State != "closed" || !got.Forced || len(got.OpenItems) != 1 || got.By != "Wang" {
			t.Errorf("closed as %+v", got)
		}
	})
}

func TestARefusedBatchSaysWhatToDo(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.paid("1")
		s.card.mu.Lock()
		s.card.settle = func(payment.Settling) payment.Settled {
			return payment.Settled{Outcome: payment.SettleRefused, Code: "77", Text: "other batch"}
		}
		s.card.mu.Unlock()
		got := s.batch(http.StatusOK, s.ask(http.MethodPost, "/v1/batches/close", "", waiting))
		if got.State != "refused" || got.Code != "77" || got.Problem == nil || got.Problem.Remedy == "" {
			t.Errorf("answer %+v", got)
		}
		s.refused(http.StatusConflict, "batch_refused", s.ask(http.MethodPost, "/v1/batches/close", ""))
	})
}

func TestTheCardsOwnKindsThroughTheInterface(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		put := func(id, body string) *httptest.ResponseRecorder {
			s.card.shown <- struct{}{}
			defer func() {
				select {
				case <-s.card.shown:
				default:
				}
			}()
			return s.ask(http.MethodPut, "/v1/sales/1/attempts/"+id, body, waiting)
		}
		s.refused(http.StatusUnprocessableEntity, "card_only", put("w", `{"rail":"wallet","kind":"pre-auth"}`))
		s.refused(http.StatusUnprocessableEntity, "bad_request", put("w", `{"rail":"card","kind":"pre-auth","original":"x"}`))
		s.refused(http.StatusUnprocessableEntity, "bad_request", put("w", `{"rail":"card","kind":"balance","amount":5}`))
		p := s.want(http.StatusOK, put("p", `{"rail":"card","kind":"pre-auth"}`))
		if p.State != "approved" || p.Approved != 1999 {
			t.Errorf("pre-auth %+v", p)
		}
		w := s.ask(http.MethodGet, "/v1/sales/1", "")
		if sale := s.want(http.StatusOK, w); sale.Paid != 0 || sale.Rest != 1999 || !strings.Contains(w.Body.String(), `"reserved":1999`) {
			t.Errorf("sale %s", w.Body)
		}
		s.refused(http.StatusConflict, "sale_reserved", put("s", cardSale))
		c := s.want(http.StatusOK, put("c", `{"kind":"completion","original":"p","amount":1500}`))
		if c.State != "approved" || c.Approved != 1500 {
			t.Errorf("completion %+v", c)
		}
		if sale := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1", "")); sale.Paid != 1500 || sale.Rest != 499 {
			t.Errorf("sale %+v", sale)
		}
		s.card.mu.Lock()
		s.card.answer = func(_ context.Context, _ payment.Attempt) payment.Answer {
			return payment.Answer{Outcome: payment.Approved, Code: "00", Balance: &payment.Balance{Amount: 123456, Currency: "CNY"}}
		}
		s.card.mu.Unlock()
		for range 2 {
			if w := put("b", `{"rail":"card","kind":"balance"}`); !strings.Contains(w.Body.String(), `"balance":{"amount":123456,"currency":"CNY"}`) {
				t.Errorf("balance %s", w.Body)
			}
		}
		s.card.says(payment.Answer{}, payment.Confirmed)
		b := s.want(http.StatusOK, put("b2", `{"rail":"card","kind":"balance"}`))
		if b.State != "declined" || b.Code != "no_answer" || b.Problem == nil || !strings.Contains(b.Problem.Detail, "balance") {
			t.Errorf("a balance without an answer: %+v", b)
		}
	})
}
