package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// posd runs a verb as a technician does.
func (s *store) posd(args ...string) (out, errs string, code int) {
	s.t.Helper()
	var o, e bytes.Buffer
	g := &globals{Out: &o, Err: &e, Now: time.Now}
	code = posd(s.t.Context(), g, append(args, "--config", s.path("posd.toml")))
	return o.String(), e.String(), code
}

// works runs a verb that is to succeed.
func (s *store) works(args ...string) string {
	s.t.Helper()
	out, errs, code := s.posd(args...)
	if code != success {
		s.t.Fatalf("posd %s: exit %d: %s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// complains runs a verb that is to fail, and to say this.
func (s *store) complains(want string, args ...string) string {
	s.t.Helper()
	out, errs, code := s.posd(args...)
	if code != problem || !strings.Contains(errs, want) {
		s.t.Errorf("posd %s: exit %d, says %q; want %q", strings.Join(args, " "), code, errs, want)
	}
	return out
}

// traded is a shop with a card sale, a card sale that was reversed, and a wallet sale; its posd is a process that runs.
func traded(t *testing.T) (*store, *process) {
	t.Helper()
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	p := s.startProcess()
	s.till.open("S-1", 1999)
	s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	s.rules(hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent})
	s.till.open("S-2", 700)
	s.want(s.till.payCard("S-2", "a", testCard(2)), "reversed")
	s.rules()
	s.till.open("S-3", 500)
	s.want(s.till.pay("S-3", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.slips(4)
	for sale, heard := range map[string]string{"S-1": "approved", "S-2": "reversed", "S-3": "approved"} {
		s.heard(sale, heard)
	}
	return s, p
}

// heard waits until it is journaled that the till has heard how a sale ended: that is done behind the answer.
func (s *store) heard(sale, how string) {
	s.t.Helper()
	s.eventually("journaled that the till has heard", func() bool {
		return strings.Contains(s.works("journal", "show", sale), "the till heard: "+how)
	})
}

// wantTold checks that each line of a text has its words, in order.
func wantTold(t *testing.T, text string, lines ...string) {
	t.Helper()
	rest := text
	for _, line := range lines {
		found := false
		for !found && rest != "" {
			var got string
			got, rest, _ = strings.Cut(rest, "\n")
			found = true
			for word := range strings.FieldsSeq(line) {
				found = found && strings.Contains(got, word)
			}
		}
		if !found {
			t.Fatalf("no line, from there on, says %q:\n%s", line, text)
		}
	}
}

func TestTheJournalIsReadThroughTheRunningPosdAndFromItsFile(t *testing.T) {
	s, p := traded(t)
	read := func(where string) {
		found := s.works("journal", "verify")
		wantTold(t, found, "journal", "events from to", "head", "tables payment", "tables prints", "whole")
		wantTold(t, s.works("journal", "show", "S-2/a"),
			"created sale CNY 7.00 by card short id", "S-2/a sent 620000******0 trace batch 000007 terminal 10000001",
			"reversing no answer after it was sent", "reversed confirms 00 try 1 after it began", "slip printed")
		wantTold(t, s.works("journal", "show", "S-2/a"), "reversed confirms 00", "told till heard reversed")
		wantTold(t, s.works("journal", "show", "--messages", "S-1"), "S-1 opened CNY 19.99", "--> 0200", "approved CNY 19.99 00 reference", "<-- 0210")
		wantTold(t, s.works("journal", "show", s.short("S-3")), "S-3/a sent wallet alipay order", "approved CNY 5.00")
		if lines := strings.Split(strings.TrimSpace(s.works("journal", "show", "--last", "7")), "\n"); len(lines) != 7 {
			t.Errorf("%s: %d lines of the last 7 events", where, len(lines))
		}
		s.complains("sale S-9 is not known", "journal", "show", "S-9")
		s.complains("attempt S-2/z is not known", "journal", "show", "S-2/z")
	}
	read("running")
	s.complains("in use by posd", "journal", "verify", "--file", s.cfg.Journal.Path)
	p.kill()
	read("stopped")
	s.complains("posd does not run", "journal", "show", "--follow")
	s.complains("a number above 0", "journal", "show", "--last=-3")
	s.startProcess() // and nothing that looked is in its way
	s.want(s.till.pay("S-1", "a", saleBy("card")), "approved")
}

// short gives the short id of a sale, from the export.
func (s *store) short(sale string) string {
	s.t.Helper()
	file := s.path(fmt.Sprintf("short-%d.db", time.Now().UnixNano()))
	s.works("journal", "export", file)
	var id string
	s.sqlite(file, "SELECT short_id FROM attempts WHERE sale = '"+sale+"'", &id)
	return id
}

// sqlite asks a file one question with a plain SQLite tool.
func (s *store) sqlite(file, question string, answer any) {
	s.t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(s.t.Context(), question).Scan(answer); err != nil {
		s.t.Fatalf("%s: %v", question, err)
	}
}

func TestAnExportIsReadByPlainSQLAndHoldsEverythingButSealedCards(t *testing.T) {
	s, p := traded(t)
	live, stopped, lines := s.path("live.db"), s.path("stopped.db"), s.path("all.jsonl")
	s.works("journal", "export", live)
	p.kill()
	s.works("journal", "export", stopped)
	wantTold(t, s.works("journal", "export", "--jsonl", lines), "all.jsonl holds events")
	for _, table := range []string{"event", "sales", "attempts", "timeline", "prints_job", "payment_attempt"} {
		var a, b, own int
		question := "SELECT count(*) FROM " + table
		s.sqlite(live, question, &a)
		s.sqlite(stopped, question, &b)
		if a != b || a == 0 {
			t.Errorf("%s: %d rows while posd ran, %d when it was stopped", table, a, b)
		}
		if table == "event" || table == "payment_attempt" || table == "prints_job" {
			s.sqlite(s.cfg.Journal.Path, question, &own)
			if own != a {
				t.Errorf("%s: %d rows in the export, %d in the journal", table, a, own)
			}
		}
	}
	var sealed, events, paid int
	s.sqlite(s.cfg.Journal.Path, "SELECT count(*) FROM payment_sealed", &sealed)
	if sealed == 0 {
		t.Fatal("nothing is sealed in this shop: the test shows nothing")
	}
	s.sqlite(live, "SELECT count(*) FROM payment_sealed", &sealed)
	s.sqlite(live, "SELECT count(*) FROM event", &events)
	s.sqlite(live, "SELECT sum(approved) FROM attempts WHERE state = 'approved' AND sale LIKE 'S-%'", &paid)
	text, err := os.ReadFile(lines)
	if sealed != 0 || paid != 1999+500 || err != nil || strings.Count(string(text), "\n") != events {
		t.Errorf("sealed %d, paid %d, %d events, %d lines, %v", sealed, paid, events, strings.Count(string(text), "\n"), err)
	}
	var first payment.Record
	if err := json.Unmarshal(text[:bytes.IndexByte(text, '\n')], &first); err != nil || first.Seq != 1 {
		t.Errorf("the first line is %+v, %v", first, err)
	}
	if info, err := os.Stat(live); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export is %v, %v; want it for its owner alone", info.Mode(), err)
	}
	wantTold(t, s.works("journal", "verify", "--file", live), "whole")
	wantTold(t, s.works("journal", "show", "--file", live, "S-1"), "approved CNY 19.99")
	s.complains("is there already", "journal", "export", live)
	s.complains("is there already", "journal", "export", "--jsonl", lines)
	for _, verb := range []string{"verify", "show"} {
		s.complains("holds JSON lines", "journal", verb, "--file", lines)
	}
}

func TestADamagedJournalIsSaidWithItsPlaceAndRemedyAndStopsPayments(t *testing.T) {
	s, p := traded(t)
	p.kill()
	s.spoil("DROP TRIGGER event_no_update; UPDATE event SET body = replace(body, '1999', '1') WHERE kind = 'sale.opened'")
	var seq int64
	s.sqlite(s.cfg.Journal.Path, "SELECT min(seq) FROM event WHERE kind = 'sale.opened'", &seq)
	check := func() {
		t.Helper()
		wantTold(t, s.complains("the journal is damaged", "journal", "verify"), fmt.Sprintf("events %d", seq-1), fmt.Sprintf("DAMAGE event %d: content", seq), "remedy")
		var found payment.Audit
		if err := json.Unmarshal([]byte(s.complains("damaged", "journal", "verify", "--json")), &found); err != nil || found.Damage == nil || found.Damage.Event != seq {
			t.Errorf("as JSON: %+v, %v", found, err)
		}
		wantTold(t, s.works("journal", "show", "--last", "3"), "S-3")
	}
	check()
	s.launchProcess()
	check()
	if status, problems := s.till.health(); status != "blocked" || problems[0].Code != "journal_damaged" && problems[0].Code != "blocked" || problems[0].Remedy == "" {
		t.Errorf("health is %s, %+v", status, problems)
	}
}

func TestATableThatDiffersIsDerivedAnewBeforePaymentsAreTaken(t *testing.T) {
	s, p := traded(t)
	p.kill()
	s.spoil("UPDATE payment_attempt SET state = 'declined' WHERE sale = 'S-1'")
	wantTold(t, s.complains("the journal is damaged", "journal", "verify"), "DAMAGE table payment_attempt differs", "remedy derives anew")
	s.startProcess()
	s.eventually("payments are taken again", func() bool { status, _ := s.till.health(); return status == "ok" })
	wantTold(t, s.works("journal", "verify"), "whole")
	s.want(s.till.pay("S-1", "a", saleBy("card")), "approved")
}

// spoil changes the file of a stopped posd, as a person with an SQLite tool could.
func (s *store) spoil(statements string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.cfg.Journal.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), statements); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatIsNoJournalIsSaid(t *testing.T) {
	s := newStore(t, plan{ownSocket: true})
	s.complains("there is no journal at", "journal", "verify")
	if _, err := os.Stat(s.cfg.Journal.Path); err == nil {
		t.Error("looking has made a journal")
	}
	db, err := sql.Open("sqlite", s.path("other.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE other (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	s.complains("no journal of posd", "journal", "show", "--file", s.path("other.db"))
	s.complains("is a folder", "journal", "verify", "--file", s.path("out"))
	s.complains("is empty", "journal", "verify", "--file", s.emptyFile())
	wantTold(t, s.complains("the journal is damaged", "journal", "verify", "--file", s.path("posd.toml")), "DAMAGE not a database")
}

func (s *store) emptyFile() string {
	s.write("empty.db", "")
	return s.path("empty.db")
}

func TestWhoMayNotReadTheJournalIsToldWhy(t *testing.T) {
	s, p := traded(t)
	s.write("supervisor.token", "the-token-of-somebody-else")
	s.complains("unauthorized", "journal", "verify")
	s.write("supervisor.token", "the-token-of-the-till")
	s.complains("supervisor", "journal", "export", s.path("x.db"))
	if _, err := os.Stat(s.path("x.db")); err == nil {
		t.Error("a refused export leaves a file")
	}
	if err := os.Remove(s.path("supervisor.token")); err != nil {
		t.Fatal(err)
	}
	s.complains("in use by posd", "journal", "show") // its API cannot be asked, and it has the file
	p.kill()
	for _, name := range []string{"..", ".", "posd.toml"} { // what everybody may read
		if err := os.Chmod(s.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	asNobody(t, s.path("data"), func() {
		s.complains("permission denied; run this as the user whose it is", "journal", "verify")
	})
}

// shared is an output that is read while it is written.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestTheJournalIsFollowed(t *testing.T) {
	s, _ := traded(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out shared
	done := make(chan int, 1)
	go func() {
		g := &globals{Out: &out, Err: &out, Now: time.Now}
		done <- posd(ctx, g, []string{"journal", "show", "--follow", "--last", "1", "--config", s.path("posd.toml")})
	}()
	s.eventually("the last event is shown", func() bool { return strings.Contains(out.String(), "S-3") })
	s.till.open("S-4", 300)
	s.want(s.till.pay("S-4", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.eventually("what was added is shown", func() bool { return strings.Contains(out.String(), "CNY 3.00") })
	cancel()
	if code := <-done; code != success {
		t.Errorf("ends with %d: %s", code, out.String())
	}
}
