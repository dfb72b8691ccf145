package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

const jobLines = 120

// longJob is a till's job of so many lines, each told from the others.
func longJob(word string) map[string]any {
	var b strings.Builder
	for i := range jobLines {
		fmt.Fprintf(&b, "%s-%03d. | 19.99\n", word, i)
	}
	return map[string]any{"receiptline": b.String() + "="}
}

// stopped puts a job and waits until the paper has ended in the middle of it.
func (s *store) stopped(id string) {
	s.t.Helper()
	s.printer.SetPaperLeft(20)
	if got := s.till.send(http.MethodPut, "/v1/prints/"+id, longJob(id)); got.HTTP >= 300 {
		s.t.Fatalf("put: %+v", got)
	}
	s.eventually("the paper ends in the job", func() bool { return strings.Contains(s.printer.Paper(), id+"-015.") })
	s.tellsOfPaper(id, true)
}

// tellsOfPaper waits until a job waits for paper, or for something else: until posd has the printer, or has it no more.
func (s *store) tellsOfPaper(id string, paper bool) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("the till is told of the paper: %v", paper), func() bool {
		got := s.till.get("/v1/prints/" + id)
		told := strings.Contains(got.Why, "paper") && strings.Contains(got.Remedy, "roll")
		return got.Result == "waiting" && told == paper
	})
}

// printed waits for a job's result and counts it on paper: whole, and lines that are there twice without a mark.
func (s *store) printed(id string) (got said, whole, doubled int) {
	s.t.Helper()
	s.eventually("the job has a result", func() bool { // a printer that is well and silent is given 16 s
		got = s.till.get("/v1/prints/" + id)
		return got.Result != "waiting"
	})
	var unmarked strings.Builder
	for _, slip := range s.printer.Slips() {
		if strings.Count(slip, id+"-") == jobLines {
			whole++
		}
		if !strings.Contains(slip, "*** REPRINT ***") {
			unmarked.WriteString(slip)
		}
	}
	for i := range jobLines {
		if strings.Count(unmarked.String(), fmt.Sprintf("%s-%03d.", id, i)) > 1 {
			doubled++
		}
	}
	return got, whole, doubled
}

// openPrinting opens a store whose posd does not ask the printer whether it has process ids, unless it has none: a busy machine
// may not answer that in time, and then it counts as one without.
func openPrinting(t *testing.T, p plan) *store {
	t.Helper()
	s := newStore(t, p)
	if !p.clone {
		s.change(`port = "serial://printer"`, "port = \"serial://printer\"\noptions = { confirm = \"process\" }")
	}
	s.start()
	return s
}

func TestAJobWhosePaperEndsInTheMiddleComesOutOnce(t *testing.T) {
	for name, during := range map[string]func(s *store){
		"new paper":     func(*store) {},
		"posd restarts": func(s *store) { s.stop(); s.launch(); s.tellsOfPaper("J", true) },
		"unplugged and plugged": func(s *store) {
			s.bench.Unplug("printer")
			s.tellsOfPaper("J", false)
			s.bench.Plug("printer")
			s.tellsOfPaper("J", true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openPrinting(t, plan{})
			s.stopped("J")
			during(s)
			s.printer.SetPaper(true)
			got, whole, doubled := s.printed("J")
			if got.Result != "confirmed" || got.Again != 0 || whole != 1 || doubled != 0 || len(s.printer.Slips()) != 1 {
				t.Errorf("%+v: %d whole, %d lines doubled, %d slips", got, whole, doubled, len(s.printer.Slips()))
			}
		})
	}
}

func TestAJobThatThePrinterHasForgottenIsReprintedMarked(t *testing.T) {
	for name, c := range map[string]struct {
		plan   plan
		during func(s *store)
	}{
		"switched off and on": {during: func(s *store) { s.printer.SetPower(false); s.printer.SetPower(true) }},
		"printed while it was pulled": {during: func(s *store) {
			s.bench.Unplug("printer")
			s.tellsOfPaper("J", false)
			s.printer.SetPaper(true)
			s.bench.Plug("printer")
		}},
		"posd restarts, no process ids": {plan{clone: true}, func(s *store) { s.stop(); s.launch(); s.tellsOfPaper("J", true) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := openPrinting(t, c.plan)
			s.stopped("J")
			c.during(s)
			s.printer.SetPaper(true)
			got, whole, doubled := s.printed("J")
			if got.Result != "confirmed" || got.Again != 1 || whole == 0 || doubled != 0 {
				t.Errorf("%+v: %d whole, %d lines doubled: %q", got, whole, doubled, s.printer.Slips())
			}
		})
	}
}

func TestAJobAndASlipComeOutInTheirOrderAndAJobIsItsTillsOwn(t *testing.T) {
	s := openStore(t, plan{})
	job := map[string]any{"document": map[string]any{"lines": []any{map[string]any{"runs": []any{map[string]any{"text": "Confidential"}}}, map[string]any{"kind": "cut"}}}}
	s.till.send(http.MethodPut, "/v1/prints/1", job)
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(s.code(walletsim.AlipayName))), "approved")
	slips := s.slips(2)
	if !strings.Contains(slips[0], "Confidential") || !strings.Contains(slips[1], "PAID") {
		t.Errorf("got %q", slips)
	}
	s.eventually("the job is confirmed", func() bool { return s.till.get("/v1/prints/1").Result == "confirmed" })
	if got := s.till.send(http.MethodPut, "/v1/prints/1", job); got.HTTP != http.StatusOK || got.Result != "confirmed" {
		t.Errorf("once more: %+v", got)
	}
	s.refused(s.till.send(http.MethodPut, "/v1/prints/1", longJob("x")), http.StatusUnprocessableEntity, "other_content")
	s.refused(s.supervisor.get("/v1/prints/1"), http.StatusNotFound, "not_found")
	if got := s.supervisor.get("/v1/prints/1?client=till"); got.Result != "confirmed" {
		t.Errorf("the supervisor, for the till: %+v", got)
	}
	log, err := os.ReadFile(s.cfg.Log.File)
	traced := hex.EncodeToString([]byte("Confidential"))
	if err != nil || strings.Contains(string(log), "Confidential") || strings.Contains(string(log), traced) || !strings.Contains(string(log), "port traffic") {
		t.Errorf("the log has what was printed (%v)", err)
	}
	if len(s.printer.Slips()) != 2 {
		t.Errorf("%d slips", len(s.printer.Slips()))
	}
}

func TestTheDrawerOpensForATillAndIsJournaled(t *testing.T) {
	s := openStore(t, plan{})
	s.eventually("the printer is there", func() bool {
		return s.till.send(http.MethodPost, "/v1/drawer", map[string]any{"by": "Cashier 7"}).Result == "confirmed"
	})
	pulses := s.printer.DrawerPulses()
	s.printer.SetCover(true)
	got := s.refused(s.till.send(http.MethodPost, "/v1/drawer", nil), http.StatusServiceUnavailable, "drawer_not_opened")
	s.printer.SetCover(false)
	if !strings.Contains(got.Detail, "cover") || s.printer.DrawerPulses() != pulses {
		t.Errorf("%+v, %d pulses", got, s.printer.DrawerPulses())
	}
	_, text := s.supervisor.raw(http.MethodGet, "/v1/journal/events?limit=1000", nil)
	var all struct{ Records []payment.Record }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range all.Records {
		if e.Subject == "drawer/till" {
			kinds = append(kinds, e.Kind)
		}
	}
	if said := strings.Join(kinds, " "); !strings.Contains(said, "drawer_ordered drawer_opened") || !strings.HasSuffix(said, "drawer_ordered drawer_failed") {
		t.Errorf("journal: %q in %.300s", said, text)
	}
}
