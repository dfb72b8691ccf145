package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/prints"
	"posd/drivers"
	"posd/drivers/printer"
)

// awayPrinter is not connected.
type awayPrinter struct{}

func (awayPrinter) Status(context.Context) (printer.Status, error) { return printer.Status{}, nil }

func (awayPrinter) Print(context.Context, printer.Document) (printer.Result, error) {
	return printer.Result{}, printer.ErrOffline
}

// failingPrinter fails in the middle of whatever it prints.
type failingPrinter struct{}

func (failingPrinter) Status(context.Context) (printer.Status, error) {
	return printer.Status{Online: true}, nil
}

func (failingPrinter) Print(context.Context, printer.Document) (printer.Result, error) {
	return printer.Result{}, &printer.UnconfirmedError{Cause: printer.ErrCannotSay}
}

const receipt = `{"receiptline":"可乐 Cola | 3.50\n="}`

func TestAJobThatWaitsSaysWhyAndWhatToDo(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.devices = []drivers.DeviceStatus{
			{Name: "scanner", Kind: drivers.Scanner},
			{Name: "slips", Kind: drivers.Printer, Why: "paper is out", Remedy: "put in a new roll"},
		}
		w := s.ask(http.MethodPut, "/v1/prints/1", receipt)
		var j struct{ Result, Why, Remedy, Client string }
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusAccepted || w.Header().Get("Location") != "/v1/prints/1" {
			t.Errorf("%d, %s", w.Code, w.Body)
		}
		if j.Result != "waiting" || j.Why != "paper is out" || j.Remedy != "put in a new roll" || j.Client != "till" {
			t.Errorf("got %+v", j)
		}
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/1", receipt))
		s.refused(http.StatusUnprocessableEntity, "other_content", s.ask(http.MethodPut, "/v1/prints/1", `{"receiptline":"x"}`))
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/1", `{"receiptline":"x"}`, as(otherToken)))
		s.want(http.StatusAccepted, s.ask(http.MethodGet, "/v1/prints/1?client=other", "", as(superToken)))
		if strings.Contains(s.log.String(), "Cola") {
			t.Error("the log has what is to be printed")
		}
	})
}

func TestAJobInWhichThePrinterFailsAgainAndAgainWaitsAndSaysWhatToDo(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.printer.Printer = failingPrinter{}
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { s.queue.Run(ctx) })
		defer run.Wait()
		defer stop()
		s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/1", receipt))
		time.Sleep(20 * time.Second)
		w := s.ask(http.MethodGet, "/v1/prints/1", "")
		var j struct {
			Result, Why, Remedy string
			Reprints            int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusAccepted {
			t.Errorf("%d, %s", w.Code, w.Body)
		}
		if j.Result != "waiting" || !strings.Contains(j.Why, "failed 3 times") || !strings.Contains(j.Remedy, "cable") || j.Reprints != 3 {
			t.Errorf("got %+v", j)
		}
		if !strings.Contains(s.log.String(), "failed 3 times") {
			t.Error("the log does not tell of it")
		}
		w = s.ask(http.MethodDelete, "/v1/prints/1", "")
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusOK || j.Result != "failed" || j.Reprints != 2 {
			t.Errorf("taken back: %d, %s", w.Code, w.Body)
		}
	})
}

func TestTooManyJobsThatWaitAreRefused(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for i := range 100 {
			s.want(http.StatusAccepted, s.ask(http.MethodPut, "/v1/prints/"+strings.Repeat("x", i/2+1)+string(rune('a'+i%2)), receipt))
		}
		s.refused(http.StatusServiceUnavailable, "queue_full", s.ask(http.MethodPut, "/v1/prints/1", receipt))
	})
}

func TestAPreviewIsTextOrAPictureAndPrintsNothing(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for as, ok := range map[string]func(b []byte) bool{
			"text": func(b []byte) bool {
				return strings.HasPrefix(string(b), "可乐 Cola") && strings.Contains(string(b), "3.50")
			},
			"svg": func(b []byte) bool {
				return xml.Unmarshal(b, new(struct{})) == nil && bytes.Contains(b, []byte("<svg"))
			},
			"png": func(b []byte) bool { _, err := png.Decode(bytes.NewReader(b)); return err == nil },
		} {
			w := s.ask(http.MethodPost, "/v1/prints/preview?as="+as+"&columns=32", receipt)
			if w.Code != http.StatusOK || !ok(w.Body.Bytes()) {
				t.Errorf("%s: %d, %.200q", as, w.Code, w.Body)
			}
		}
		s.refused(http.StatusNotFound, "not_found", s.ask(http.MethodGet, "/v1/prints/preview1", ""))
	})
}

func TestAPreviewNamesWhatThePrinterDoesNotHave(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		w := s.ask(http.MethodPost, "/v1/prints/preview?profile=TM-T88IV", `{"receiptline":"中 é `+"\U0010ffff"+`"}`)
		drawn, _ := url.PathUnescape(w.Header().Get("Posd-Drawn"))
		missing, _ := url.PathUnescape(w.Header().Get("Posd-Missing"))
		if w.Code != http.StatusOK || !strings.Contains(drawn, "中") || strings.Contains(drawn, "é") || missing != "\U0010ffff" {
			t.Errorf("%d, drawn %q, missing %q", w.Code, drawn, missing)
		}
		w = s.ask(http.MethodPost, "/v1/prints/preview?profile=TM-T88IV", `{"receiptline":"plain"}`)
		if _, said := w.Header()["Posd-Drawn"]; said || w.Code != http.StatusOK {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
	})
}

func TestADrawerThatDoesNotOpenIsRefusedWithTheRemedy(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.refused(http.StatusServiceUnavailable, "drawer_not_opened", s.ask(http.MethodPost, "/v1/drawer", ""))
		s.devices = []drivers.DeviceStatus{{Kind: drivers.Printer, Why: "the cover is open", Remedy: "close the cover"}}
		if a := s.refused(http.StatusServiceUnavailable, "drawer_not_opened", s.ask(http.MethodPost, "/v1/drawer", `{"by":"Cashier 7"}`)); a.Remedy != "close the cover" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestATillHearsOfItsOwnJobsOnly(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		mine, others, all := s.listen(), s.listen(as(otherToken)), s.listen(as(superToken))
		defer mine.hangUp()
		defer others.hangUp()
		defer all.hangUp()
		s.api.Printed(prints.Job{ID: "job/till/7", Client: "till", State: prints.Printed, Confirmed: printer.ByProcessID})
		s.api.Printed(prints.Job{ID: "job/till/8", Client: "till", State: prints.Waiting})
		s.api.Printed(prints.Job{ID: "till/S-1/a/paid", State: prints.Printed})
		for name, l := range map[string]*listener{"mine": mine, "all": all} {
			if heard := strings.Join(l.heard(), " "); strings.Count(heard, "event: print") != 1 || !strings.Contains(heard, `"id":"7"`) {
				t.Errorf("%s: %s", name, heard)
			}
		}
		if heard := strings.Join(others.heard(), " "); strings.Contains(heard, "print") {
			t.Errorf("another till heard %s", heard)
		}
	})
}
