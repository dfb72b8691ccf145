package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
)

func TestCardSaleIsPaidWhileTheTillWaits(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("0042")
		time.AfterFunc(3*time.Second, func() { s.card.shown <- struct{}{} })
		w := s.ask(http.MethodPut, "/v1/sales/0042/attempts/1", cardSale, waiting)
		a := s.want(http.StatusOK, w)
		if a.State != "approved" || a.InnerState != "approved" || a.Amount != 1999 || a.Approved != 1999 || a.Sale != "0042" || a.Attempt != "1" {
			t.Errorf("answer %s", w.Body)
		}
		if a.Instrument != "411111******1111" || len(a.ShortID) != 6 || a.Host.Reference != "000000000042" || a.Problem != nil {
			t.Errorf("answer %s", w.Body)
		}
		if len(a.Slip) != 1 || a.Slip[0] != "SLIP 0042 approved" || w.Header().Get("Preference-Applied") != "wait=90" {
			t.Errorf("slip %q, header %v", a.Slip, w.Header())
		}
		at, err := s.desk.Attempt(t.Context(), payment.Key{Client: "till", Sale: "0042", Attempt: "1"})
		if err != nil || at.Told != payment.SaidApproved {
			t.Errorf("the journal says the till was told %q, %v", at.Told, err)
		}
		sale := s.want(http.StatusOK, s.ask(http.MethodPost, "/v1/sales/0042/ack", ""))
		if sale.Paid != 1999 || sale.Rest != 0 || sale.AckedAt.IsZero() || len(sale.Attempts) != 1 {
			t.Errorf("sale %+v", sale)
		}
	})
}

func TestWalletCodeInTheRequestIsUsedOnceAndKeptNowhere(t *testing.T) {
	const code = "281234567890123456"
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.opened("2")
		a := s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", walletSale(code), waiting))
		if a.State != "approved" || a.Rail != "wallet" || a.Instrument != "alipay" {
			t.Errorf("answer %+v", a)
		}
		s.refused(http.StatusConflict, "code_in_use", s.ask(http.MethodPut, "/v1/sales/2/attempts/a", walletSale(code), waiting))
		events, err := s.journal.Events(t.Context(), 0, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(string(e.Body), code) {
				t.Errorf("event %d holds the code", e.Seq)
			}
		}
		if strings.Contains(s.log.String(), code) {
			t.Error("the log holds the code")
		}
	})
}

func TestRepeatGetsTheSameAnswerAndOtherContentsAreRefused(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1", `{"amount":1999,"currency":"CNY"}`))
		s.refused(http.StatusUnprocessableEntity, "sale_differs", s.ask(http.MethodPut, "/v1/sales/1", `{"amount":2000,"currency":"CNY"}`))
		s.card.shown <- struct{}{}
		first := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting)
		again := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale)
		s.want(http.StatusOK, first)
		if again.Code != http.StatusOK || again.Body.String() != first.Body.String() {
			t.Errorf("repeat answers %d %s, want %s", again.Code, again.Body, first.Body)
		}
		s.refused(http.StatusUnprocessableEntity, "attempt_differs", s.ask(http.MethodPut, "/v1/sales/1/attempts/a", walletSale("281234567890123456")))
		if n := s.card.calls() + s.wallet.calls(); n != 1 {
			t.Errorf("hosts were asked %d times, want 1", n)
		}
	})
}

func TestWithoutPreferTheAnswerIsAcceptedAndSaysWhereToAsk(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		for name, change := range map[string]func(*http.Request){
			"nothing": header("Accept", "*/*"), "odd": header("Prefer", "wait=soon"), "short": header("Prefer", "respond-async, wait=2"),
		} {
			w := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, change)
			a := s.want(http.StatusAccepted, w)
			if a.State != "in_progress" || w.Header().Get("Location") != "/v1/sales/1/attempts/a" || w.Header().Get("Retry-After") != "1" || a.RetryAt.IsZero() {
				t.Errorf("%s: answer %s with %v", name, w.Body, w.Header())
			}
		}
		s.card.shown <- struct{}{}
		synctest.Wait()
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1/attempts/a", "")); a.State != "approved" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestTillThatHangsUpCancelsWhatWasNotSentOnly(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		w := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting, func(r *http.Request) { *r = *r.WithContext(ctx) })
		if w.Body.Len() > 0 {
			t.Errorf("somebody who has gone was answered %s", w.Body)
		}
		time.Sleep(6 * time.Second)
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1/attempts/a", "")); a.InnerState != "cancelled" || a.State != "not_paid" || a.Problem == nil {
			t.Errorf("answer %+v", a)
		}

		s.card.answer = func(_ context.Context, a payment.Attempt) payment.Answer {
			time.Sleep(20 * time.Second)
			return payment.Answer{Outcome: payment.Approved, Amount: a.Amount}
		}
		ctx, hangUp = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		s.card.shown <- struct{}{}
		s.ask(http.MethodPut, "/v1/sales/1/attempts/b", cardSale, waiting, func(r *http.Request) { *r = *r.WithContext(ctx) })
		time.Sleep(30 * time.Second)
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1/attempts/b", "")); a.State != "approved" {
			t.Errorf("answer %+v", a)
		}
		if !strings.Contains(s.log.String(), `"status":499`) {
			t.Error("the log does not say that the till had gone")
		}
	})
}

func TestEveryViewOfWhatGoesOnSaysWhenToAskAgain(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.card.says(payment.Answer{Outcome: payment.Unknown, Reason: payment.ReasonNoAnswer}, payment.Again)
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale))
		ask := func(paths ...string) {
			for _, path := range paths {
				if w := s.ask(http.MethodGet, path, ""); w.Code >= 300 || !strings.Contains(w.Body.String(), `"retry_at"`) {
					t.Errorf("%s: %d %s lacks retry_at", path, w.Code, w.Body)
				}
			}
		}
		ask("/v1/sales/1/attempts/a", "/v1/sales/1", "/v1/sales")
		s.card.shown <- struct{}{}
		synctest.Wait()
		ask("/v1/sales/1/attempts/a", "/v1/sales/1", "/v1/sales", "/v1/owed")
	})
}

func TestASupervisorFindsAgainWhatItIsToldToAskFor(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1?client=supervisor", goodSale, as(superToken)))
		s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1", goodSale, as(otherToken)))
		const print = "/v1/prints/1"
		for _, row := range []struct{ token, path, body, want string }{
			{superToken, "/v1/sales/1/attempts/a?client=till", cardSale, "/v1/sales/1/attempts/a?client=till"},
			{tillToken, "/v1/sales/1/attempts/a", cardSale, "/v1/sales/1/attempts/a"},
			{superToken, "/v1/sales/1/attempts/b?client=supervisor", cardSale, "/v1/sales/1/attempts/b?client=supervisor"}, // others have one, too
			{superToken, print + "?client=a%26b", receipt, print + "?client=a%26b"},
			{superToken, print, receipt, print},
		} {
			w := s.ask(http.MethodPut, row.path, row.body, as(row.token))
			if got := w.Header().Get("Location"); w.Code != http.StatusAccepted || got != row.want {
				t.Errorf("%s: %d with %q, want %q", row.path, w.Code, got, row.want)
				continue
			}
			if w := s.ask(http.MethodGet, row.want, "", as(row.token)); w.Code != http.StatusAccepted {
				t.Errorf("%s is not found again: %d %s", row.want, w.Code, w.Body)
			}
		}
	})
}

func TestATillThatWaitsHearsWhatAStopGivesUp(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		time.AfterFunc(time.Second, s.api.Close)
		p := s.refused(http.StatusServiceUnavailable, "stopping", s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting))
		for _, want := range []string{"what was sent goes on", "waited for card, code or the terminal is given up"} {
			if !strings.Contains(p.Detail, want) {
				t.Errorf("%q does not say %q", p.Detail, want)
			}
		}
	})
}

func TestLockedSaleIsRefusedWithReasonAndOnlyASupervisorPasses(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.card.says(payment.Answer{Outcome: payment.Unknown, Reason: payment.ReasonNoAnswer}, payment.Again)
		s.card.shown <- struct{}{}
		w := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting)
		a := s.want(http.StatusAccepted, w)
		if a.State != "reversing" || a.Problem == nil || a.Problem.Code != "reversing" || a.Reversal == nil || a.RetryAt.IsZero() {
			t.Errorf("answer %s", w.Body)
		}
		w = s.ask(http.MethodPut, "/v1/sales/1/attempts/b", walletSale("281234567890123456"), waiting)
		p := s.refused(http.StatusConflict, "sale_locked", w)
		if p.RetryAt.IsZero() || w.Header().Get("Retry-After") == "" || !strings.Contains(p.Remedy, "supervisor") {
			t.Errorf("problem %s", w.Body)
		}
		override := `{"rail":"wallet","kind":"sale","code":"281234567890123456","override":{"by":"Wang","reason":"customer insists"}}`
		s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodPut, "/v1/sales/1/attempts/b", override, waiting))
		if a := s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/b", override, waiting, as(superToken))); a.State != "approved" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestASaleThatIsLockedByARunningAttemptSaysWhenToAskAgain(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale)) // the customer takes her time
		w := s.ask(http.MethodPut, "/v1/sales/1/attempts/b", walletSale("281234567890123456"))
		if p := s.refused(http.StatusConflict, "sale_locked", w); p.RetryAt.IsZero() || w.Header().Get("Retry-After") != "1" {
			t.Errorf("problem %s, Retry-After %q", w.Body, w.Header().Get("Retry-After"))
		}
	})
}

func TestStuckAttemptIsListedSettledAndTold(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.card.says(payment.Answer{Outcome: payment.Unknown, Reason: payment.ReasonNoAnswer}, payment.Refused)
		s.card.shown <- struct{}{}
		a := s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting))
		if a.State != "needs_attention" || a.Problem.Code != "needs_attention" {
			t.Errorf("answer %+v", a)
		}
		for token, want := range map[string]bool{superToken: true, tillToken: true, otherToken: false} {
			owed := s.ask(http.MethodGet, "/v1/owed", "", as(token)).Body.String()
			if strings.Contains(owed, `"attempt":"a"`) != want || !strings.Contains(owed, `"pairs":[]`) {
				t.Errorf("%s hears %s", token, owed)
			}
		}
		const path = "/v1/sales/1/attempts/a/settle"
		verdict := `{"as":"not-paid","by":"Wang","reason":"the acquirer has no such sale"}`
		s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodPost, path, verdict))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, path, `{"as":"paid"}`, as(superToken)))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, path, `{"as":"paid","by":"x","reason":"y","amount":0}`, as(superToken)))
		s.refused(http.StatusConflict, "request_under_way", s.ask(http.MethodPost, path, verdict, as(superToken)))
		time.Sleep(2 * time.Minute)
		if a := s.want(http.StatusOK, s.ask(http.MethodPost, path, verdict, as(superToken))); a.State != "settled_not_paid" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestSupervisorMustSayWhoseSaleWhenSeveralHaveTheId(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1", "", as(superToken)))
		s.refused(http.StatusNotFound, "not_found", s.ask(http.MethodGet, "/v1/sales/1", "", as(otherToken)))
		s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodGet, "/v1/sales/1?client=till", "", as(otherToken)))
		s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1", `{"amount":500,"currency":"CNY"}`, as(otherToken)))
		p := s.refused(http.StatusConflict, "ambiguous", s.ask(http.MethodGet, "/v1/sales/1", "", as(superToken)))
		if strings.Join(p.Clients, " ") != "other till" {
			t.Errorf("clients %q", p.Clients)
		}
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1?client=other", "", as(superToken))); a.Amount != 500 {
			t.Errorf("answer %+v", a)
		}
		for token, want := range map[string]int{superToken: 2, tillToken: 1} {
			if got := strings.Count(s.ask(http.MethodGet, "/v1/sales", "", as(token)).Body.String(), `"attempts":[]`); got != want {
				t.Errorf("%s sees %d sales, want %d", token, got, want)
			}
		}
	})
}

func TestASupervisorOpensNoSecondSaleOfATillsId(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		if a := s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1", goodSale, as(superToken))); a.Client != "till" {
			t.Errorf("a supervisor's repeat is the sale of %q, want the till's", a.Client)
		}
		s.refused(http.StatusUnprocessableEntity, "sale_differs", s.ask(http.MethodPut, "/v1/sales/1", `{"amount":5,"currency":"CNY"}`, as(superToken)))
		s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1", goodSale, as(otherToken)))
		p := s.refused(http.StatusConflict, "ambiguous", s.ask(http.MethodPut, "/v1/sales/1", goodSale, as(superToken)))
		if strings.Join(p.Clients, " ") != "other till" {
			t.Errorf("clients %q", p.Clients)
		}
		if a := s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/2", goodSale, as(superToken))); a.Client != "supervisor" {
			t.Errorf("a sale that nobody has is opened for %q", a.Client)
		}
		if a := s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1?client=supervisor", goodSale, as(superToken))); a.Client != "supervisor" {
			t.Errorf("a sale for the supervisor is opened for %q", a.Client)
		}
	})
}

func TestCancelVoidAndRefund(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale))
		if a := s.want(http.StatusOK, s.ask(http.MethodPost, "/v1/sales/1/attempts/a/cancel", "")); a.InnerState != "cancelled" {
			t.Errorf("answer %+v", a)
		}
		s.card.shown <- struct{}{}
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/b", cardSale, waiting))
		s.refused(http.StatusConflict, "not_cancellable", s.ask(http.MethodPost, "/v1/sales/1/attempts/b/cancel", "{}"))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPut, "/v1/sales/1/attempts/c", `{"kind":"refund","original":"b","amount":0}`))
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/c", `{"kind":"refund","original":"b","amount":999}`, waiting))
		if sale := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1", "")); sale.Paid != 1000 {
			t.Errorf("sale %+v", sale)
		}
		s.opened("2")
		s.card.shown <- struct{}{}
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale, waiting))
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/2/attempts/v", `{"kind":"void","original":"a"}`, waiting))
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/2/attempts/a", "")); a.State != "voided" {
			t.Errorf("answer %+v", a)
		}
	})
}
