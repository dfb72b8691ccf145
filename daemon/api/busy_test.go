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

// whileBusy opens two sales, and lets a test have a terminal that is busy with the first for half a minute.
func whileBusy(t *testing.T, answer payment.Answer, test func(t *testing.T, s *shop)) {
	t.Helper()
	inShop(t, func(t *testing.T, s *shop) {
		s.card.answer = func(_ context.Context, a payment.Attempt) payment.Answer {
			time.Sleep(30 * time.Second)
			if answer.Outcome == payment.Approved {
				answer.Amount = a.Amount
			}
			return answer
		}
		s.opened("1")
		s.opened("2")
		s.card.shown <- struct{}{}
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale))
		synctest.Wait()
		test(t, s)
	})
}

func TestWithoutPreferABusyTerminalHoldsNoAnswerBack(t *testing.T) {
	whileBusy(t, payment.Answer{Outcome: payment.Approved}, func(t *testing.T, s *shop) {
		a := s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale))
		if a.State != "in_progress" || a.InnerState != "created" {
			t.Errorf("answered %s, %s, want in_progress, created", a.State, a.InnerState)
		}
		if first := s.want(http.StatusAccepted, s.ask(http.MethodGet, "/v1/sales/1/attempts/a", "")); first.InnerState != "sent" {
			t.Error("the answer has come only when the terminal was free")
		}
		s.card.shown <- struct{}{}
		if a = s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale, waiting)); a.State != "approved" {
			t.Errorf("it comes to %s, want approved", a.State)
		}
	})
}

func TestATillThatWaitsIsAnsweredInItsTimeThoughTheTerminalIsBusy(t *testing.T) {
	whileBusy(t, payment.Answer{Outcome: payment.Approved}, func(t *testing.T, s *shop) {
		w := s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale, header("Prefer", "wait=5"))
		if a := s.want(http.StatusAccepted, w); a.State != "in_progress" || w.Header().Get("Preference-Applied") != "wait=5" {
			t.Errorf("answered %s, %v, want in_progress after wait=5", a.State, w.Header())
		}
		s.want(http.StatusAccepted, s.ask(http.MethodGet, "/v1/sales/1/attempts/a", "")) // which still has the terminal
	})
}

func TestWhatWasNotSentSaysWhy(t *testing.T) {
	whileBusy(t, payment.Answer{}, func(t *testing.T, s *shop) { // nobody knows what became of it
		s.card.undo = func(payment.Attempt) payment.Undo {
			time.Sleep(20 * time.Second)
			return payment.Undo{}
		}
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/2/attempts/a", cardSale))
		s.card.shown <- struct{}{}
		time.Sleep(2 * time.Minute)
		a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/2/attempts/a", ""))
		if a.State != "not_paid" || a.Problem == nil || !strings.Contains(a.Problem.Detail, "must reach the acquirer first") {
			t.Errorf("answered %s, %+v, want not_paid with the reason", a.State, a.Problem)
		}
	})
}
