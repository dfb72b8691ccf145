package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"posd/daemon/journal"
	"posd/daemon/payment"
)

// page is an answer of the journal's records.
type page struct {
	Records []payment.Record
	Next    int64
}

func (s *shop) records(query string) (p page) {
	s.t.Helper()
	w := s.ask(http.MethodGet, "/v1/journal/events"+query, "", as(superToken))
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("records %s: %d %s", query, w.Code, w.Body)
	}
	return p
}

func TestTheJournalIsForASupervisor(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for _, path := range []string{"verify", "events", "export"} {
			s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodGet, "/v1/journal/"+path, ""))
			s.refused(http.StatusMethodNotAllowed, "wrong_method", s.ask(http.MethodPost, "/v1/journal/"+path, "", as(superToken)))
		}
		for _, query := range []string{"after=-1", "last=x", "limit=1e3"} {
			s.refused(http.StatusBadRequest, "bad_parameter", s.ask(http.MethodGet, "/v1/journal/events?"+query, "", as(superToken)))
		}
		s.refused(http.StatusNotFound, "not_found", s.ask(http.MethodGet, "/v1/journal/events?sale=none", "", as(superToken)))
	})
}

func TestRecordsComeInPagesAndOfOneSale(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.paid("1")
		s.paid("2")
		all := s.records("")
		var got []payment.Record
		for next := int64(0); ; {
			p := s.records(fmt.Sprintf("?limit=3&after=%d", next))
			if len(p.Records) > 3 {
				t.Fatalf("a page of 3 has %d", len(p.Records))
			}
			if len(p.Records) == 0 {
				break
			}
			got, next = append(got, p.Records...), p.Next
		}
		if len(all.Records) < 10 || len(got) != len(all.Records) || all.Next != int64(len(got)) {
			t.Errorf("%d records at once, %d in pages", len(all.Records), len(got))
		}
		for _, r := range s.records("?sale=2").Records {
			if !strings.HasPrefix(r.Subject, "sale/till/2") {
				t.Errorf("of sale 2 comes %s", r.Subject)
			}
		}
		if last := s.records("?last=2&sale=2").Records; len(last) != 2 || last[1].Seq != all.Next {
			t.Errorf("the last two are %+v", last)
		}
		if of := s.records("?sale=1&attempt=a").Records; len(of) == 0 || of[0].Kind != "attempt.created" {
			t.Errorf("of the attempt come %+v", of)
		}
	})
}

func TestAnEmptyListIsAList(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		for path, want := range map[string]string{
			"/v1/journal/sales?after=1000": `"sales":[]`, "/v1/journal/events?after=1000": `"records":[]`,
			"/v1/journal/sales": `"attempts":[]`, "/v1/sales?client=other": `"sales":[]`,
		} {
			if w := s.ask(http.MethodGet, path, "", as(superToken)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
			}
		}
	})
}

func TestASaleOfTwoClientsWantsTheClient(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.want(http.StatusCreated, s.ask(http.MethodPut, "/v1/sales/1", `{"amount":5,"currency":"CNY"}`, as(otherToken)))
		s.refused(http.StatusConflict, "ambiguous", s.ask(http.MethodGet, "/v1/journal/events?sale=1", "", as(superToken)))
		if of := s.records("?sale=1&client=other").Records; len(of) != 1 || of[0].Subject != "sale/other/1" {
			t.Errorf("got %+v", of)
		}
	})
}

func TestTheCheckOfTheJournalSaysWhatItFound(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.paid("1")
		check := func() (found payment.Audit) {
			w := s.ask(http.MethodGet, "/v1/journal/verify", "", as(superToken))
			if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil || w.Code != http.StatusOK {
				t.Fatalf("verify: %d %s", w.Code, w.Body)
			}
			return found
		}
		if found := check(); found.Damage != nil || found.Events == 0 || len(found.Head) != 64 || len(found.Compared) != 2 || found.First.IsZero() {
			t.Errorf("found %+v", found)
		}
		err := s.journal.Update(t.Context(), func(tx *journal.Tx) error { return tx.Exec("UPDATE payment_attempt SET state = 'declined'") })
		if err != nil {
			t.Fatal(err)
		}
		if found := check(); found.Damage == nil || found.Damage.Remedy == "" {
			t.Errorf("found %+v, want damage", found)
		}
		s.refused(http.StatusServiceUnavailable, "blocked", s.ask(http.MethodPut, "/v1/sales/2", `{"amount":5,"currency":"CNY"}`))
		synctest.Wait()
	})
}

func TestTheExportIsAnSQLiteFile(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.paid("1")
		for range 2 {
			w := s.ask(http.MethodGet, "/v1/journal/export", "", as(superToken))
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/vnd.sqlite3" || !strings.HasPrefix(w.Body.String(), "SQLite format 3\x00") ||
				w.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
				t.Errorf("export: %d, %v, %d bytes", w.Code, w.Header(), w.Body.Len())
			}
		}
	})
}
