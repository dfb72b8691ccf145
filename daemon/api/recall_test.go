package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
)

func TestATillWaitsForItsJobAsForAPayment(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for _, method := range []string{http.MethodPut, http.MethodGet} {
			begun := time.Now()
			w := s.ask(method, "/v1/prints/1", map[string]string{http.MethodPut: receipt}[method], waiting)
			if w.Code != http.StatusAccepted || w.Header().Get("Preference-Applied") != "wait=90" || time.Since(begun) != 90*time.Second {
				t.Errorf("%s: %d after %v, %v", method, w.Code, time.Since(begun), w.Header())
			}
		}
		done := make(chan int, 1)
		go func() { done <- s.ask(http.MethodGet, "/v1/prints/1", "", waiting).Code }()
		synctest.Wait()
		s.api.Close()
		if code := <-done; code != http.StatusServiceUnavailable {
			t.Errorf("when posd stops: %d", code)
		}
	})
}

func TestATillTakesBackAJobThatWaits(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for _, id := range []string{"1", "2"} {
			s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/"+id, receipt))
		}
		s.refused(http.StatusConflict, "begun", s.ask(http.MethodDelete, "/v1/prints/1", "")) // nothing is known of its first byte yet
		for _, method := range []string{http.MethodDelete, http.MethodDelete, http.MethodGet} {
			w := s.ask(method, "/v1/prints/2", "")
			var j struct{ Result string }
			if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusOK || j.Result != "recalled" {
				t.Errorf("%s: %d %s", method, w.Code, w.Body)
			}
		}
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/3", receipt))
		s.want(http.StatusOK, s.ask(http.MethodDelete, "/v1/prints/3?client=till", "", as(superToken)))
	})
}

func TestAScannerIsToldAndWhatItDoesNotDoIsToldBack(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		var heard string
		answer := error(nil)
		s.tell = func(name, command string) error { heard = name + " " + command; return answer }
		body := `{"device":"gun","command":"trigger"}`
		w := s.ask(http.MethodPost, "/v1/scanner", body)
		if s.want(http.StatusOK, w); heard != "gun trigger" || w.Body.String() != `{"result":"done"}`+"\n" {
			t.Errorf("heard %q, answered %s", heard, w.Body)
		}
		s.devices = []drivers.DeviceStatus{{Name: "gun", Kind: drivers.Scanner, Why: "no such port", Remedy: "plug it in"}}
		for code, c := range map[string]struct {
			err    error
			status int
			remedy string
		}{
			"bad_request":     {drivers.ErrNoCommand, http.StatusUnprocessableEntity, "use trigger, release, beep, on-command or presentation"},
			"scanner_cannot":  {drivers.ErrNoCommands, http.StatusUnprocessableEntity, "drivers newland, honeywell and ssi have commands; DRIVERS.md says which"},
			"scanner_refuses": {drivers.ErrNotTaken, http.StatusConflict, "look at the scanner's mode: its manual says in which one it takes commands"},
			"scanner_silent":  {drivers.ErrNoAnswer, http.StatusServiceUnavailable, "look at the scanner's cable and mode, and order it again"},
			"scanner_offline": {drivers.ErrNotOnline, http.StatusServiceUnavailable, "plug it in"},
		} {
			answer = fmt.Errorf("gun: %w", c.err)
			if a := s.refused(c.status, code, s.ask(http.MethodPost, "/v1/scanner", body)); a.Remedy != c.remedy {
				t.Errorf("%s: remedy %q", code, a.Remedy)
			}
		}
	})
}
