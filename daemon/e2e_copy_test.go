package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/hwtest/walletsim"
)

// A technician puts an older copy of the journal back (F20). What happened since is not in it, and the other sides know it.
func TestACopyThatIsPutBackUsesNoNumberAgain(t *testing.T) {
	s := openStore(t, plan{})
	pay := func(sale string, card int) {
		s.till.open(sale, 1000)
		s.till.open(sale+"w", 1000)
		s.want(s.till.payCard(sale, "a", testCard(card)), "approved")
		s.want(s.till.pay(sale+"w", "a", by(s.code(walletsim.AlipayName))), "approved")
	}
	pay("S-1", 1)
	s.stop()
	journal := s.path("data/journal.db")
	older, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	pay("S-2", 2)
	s.stop()
	lost := []string{s.numbersOf("S-2"), s.numbersOf("S-2w")}

	if err := os.WriteFile(journal, older, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	if status, _ := s.till.health(); status != "blocked" {
		t.Fatalf("health is %q with an older copy, want blocked", status)
	}
	s.stop()
	if err := os.Remove(journal + ".mark"); err != nil { // as the remedy says
		t.Fatal(err)
	}
	s.start()
	if text, err := os.ReadFile(s.cfg.Log.File); err != nil || !strings.Contains(string(text), "may be a copy that was put back") {
		t.Errorf("the log does not say that a copy was put back (%v)", err)
	}
	pay("S-3", 3)
	s.restart() // and the numbers leap once
	s.holds(3000, 3000)
	s.stop()
	if n := []string{s.numbersOf("S-3"), s.numbersOf("S-3w")}; n[0] == lost[0] || n[1] == lost[1] {
		t.Errorf("%v was used, and is used again: %v", lost, n)
	}
	if leaps := s.eventsOf("numbers.leapt"); leaps != 1 {
		t.Errorf("the numbers have leapt %d times, want once", leaps)
	}
}

// The copy cannot be read when posd starts; that is put right while it runs.
func TestACopyThatIsReadableOnlyLaterUsesNoNumberAgain(t *testing.T) {
	s := openStore(t, plan{})
	journal := s.path("data/journal.db")
	pay := func(sale string, card int) {
		s.till.open(sale, 1000)
		s.want(s.till.payCard(sale, "a", testCard(card)), "approved")
	}
	pay("S-1", 1)
	s.stop()
	older, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	pay("S-2", 2)
	s.stop()
	lost := s.numbersOf("S-2")

	if err := errors.Join(os.WriteFile(journal, older[:len(older)/2], 0o600), os.Remove(journal+".mark")); err != nil {
		t.Fatal(err)
	}
	s.launch()
	if status, _ := s.till.health(); status != "blocked" {
		t.Fatalf("health is %q with half a journal, want blocked", status)
	}
	if err := os.WriteFile(journal, older, 0o600); err != nil {
		t.Fatal(err)
	}
	s.whenOpen()
	pay("S-3", 3)
	s.stop()
	if n := s.numbersOf("S-3"); n == lost {
		t.Errorf("%v was used, and is used again", n)
	}
}

// What is in the files is put back, as the snapshot of a machine does it: with its mark, and they stay the same files. Nobody
// can notice.
func TestAFolderThatIsPutBackUsesNoOrderNumberAgain(t *testing.T) {
	s := openStore(t, plan{})
	pay := func(sale string) {
		s.till.open(sale, 1000)
		s.want(s.till.pay(sale, "a", by(s.code(walletsim.AlipayName))), "approved")
	}
	pay("S-1")
	s.stop()
	kept := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(kept, os.DirFS(s.path("data"))); err != nil {
		t.Fatal(err)
	}
	s.start()
	pay("S-2")
	s.stop()
	lost, counted := s.orderOf("S-2"), s.numbersOf("S-2")
	for _, name := range []string{"journal.db", "journal.db.mark"} {
		text, err := os.ReadFile(filepath.Join(kept, name))
		if err := errors.Join(err, os.WriteFile(s.path("data/"+name), text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	pay("S-3")
	s.holds(0, 3000)
	s.stop()
	if n := s.orderOf("S-3"); n == lost || s.numbersOf("S-3") != counted {
		t.Errorf("%s was used, and is used again: %s", lost, n)
	}
}

// numbersOf are order number, as far as it is counted, and trace number of a sale's attempt, in the file of a stopped posd.
func (s *store) numbersOf(sale string) (numbers string) {
	s.t.Helper()
	s.sqlite(s.path("data/journal.db"), `SELECT substr(json_extract(doc, '$.numbers.order'), 1, 17) || ' ' || trace FROM payment_attempt WHERE sale = '`+sale+"'", &numbers)
	return numbers
}

// orderOf is the order number of a sale's attempt, in the file of a stopped posd.
func (s *store) orderOf(sale string) (order string) {
	s.t.Helper()
	s.sqlite(s.path("data/journal.db"), `SELECT json_extract(doc, '$.numbers.order') FROM payment_attempt WHERE sale = '`+sale+"'", &order)
	return order
}

// eventsOf counts events of a kind in the journal's file.
func (s *store) eventsOf(kind string) (n int) {
	s.t.Helper()
	s.sqlite(s.path("data/journal.db"), "SELECT count(*) FROM event WHERE kind = '"+kind+"'", &n)
	return n
}
