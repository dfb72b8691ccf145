package api_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
)

// unheard is a card sale that is approved, and whose till has had no answer that says so.
func (s *shop) unheard(id string) {
	s.opened(id)
	s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/sales/"+id+"/attempts/a", cardSale))
	s.card.shown <- struct{}{}
	time.Sleep(time.Second)
	synctest.Wait()
}

// heard is what the journal says that the till was told.
func (s *shop) heard(id string) string {
	s.t.Helper()
	synctest.Wait()
	a, err := s.desk.Attempt(s.t.Context(), payment.Key{Client: "till", Sale: id, Attempt: "a"})
	if err != nil || a.State != payment.ApprovedState {
		s.t.Fatalf("%+v (%v)", a, err)
	}
	return a.Told
}

func TestATillThatListsItsSalesIsToldAndASupervisorIsNot(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.unheard("1")
		s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales", "", as(superToken)))
		if told := s.heard("1"); told != "" {
			t.Errorf("a supervisor looks, and the till was told %q", told)
		}
		s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales", ""))
		if told := s.heard("1"); told != payment.SaidApproved {
			t.Errorf("the till was told %q", told)
		}
	})
}

func TestATillIsToldByItsEventsAndNotByThoseOfOthers(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		super, other := s.listen(as(superToken)), s.listen(as(otherToken))
		s.unheard("1")
		if told := s.heard("1"); told != "" {
			t.Errorf("others listen, and the till was told %q", told)
		}
		super.close()
		other.close()
		l := s.listen()
		s.unheard("2")
		if told := s.heard("2"); told != payment.SaidApproved {
			t.Errorf("the till was told %q", told)
		}
		l.close()
	})
}
