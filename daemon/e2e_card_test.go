package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posd/hwtest/hostsim"
)

func TestACardSaleBySwipeIsApprovedAndItsSlipPrinted(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	a := s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	s.holds(1999, 0)
	if want := "620000******"; !strings.HasPrefix(a.Instrument, want) {
		t.Errorf("instrument is %q, want %s and four digits", a.Instrument, want)
	}
	slip := s.slips(1)[0]
	for _, want := range []string{"Test Shop", "19.99", a.Instrument, a.ShortID} {
		if !strings.Contains(slip, want) {
			t.Errorf("slip lacks %q:\n%s", want, slip)
		}
	}
	if on := strings.Join(a.Slip, "\n"); !strings.Contains(on, "19.99") {
		t.Errorf("the answer's slip lacks the amount:\n%s", on)
	}
	if sale := s.till.get("/v1/sales/S-1"); sale.Paid != 1999 {
		t.Errorf("sale has %d paid, want 1999", sale.Paid)
	}
}

func TestACardSaleIsVoidedOrRefunded(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 5000)
	s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	s.want(s.till.pay("S-1", "v", undo("void", "a")), "approved")
	s.want(s.till.get(pathOf("S-1", "a")), "voided")
	s.holds(0, 0)

	s.till.open("S-2", 7000)
	s.want(s.till.payCard("S-2", "a", testCard(2)), "approved")
	part := undo("refund", "a")
	part["amount"] = 3000
	s.want(s.till.pay("S-2", "r1", part), "approved")
	s.holds(4000, 0)
	part["amount"] = 4001
	s.refused(s.till.pay("S-2", "r2", part), http.StatusUnprocessableEntity, "refund_too_high")
	s.want(s.till.pay("S-2", "r3", undo("refund", "a")), "approved")
	s.holds(0, 0)
	s.slips(5) // two sales, a void and two refunds
}

func TestASilentHostIsToldToReverseAndTheCustomerPaysAgain(t *testing.T) {
	s := openStore(t, plan{patience: "3s"})
	s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.CommitSilent})
	s.till.open("S-1", 1999)
	a := s.want(s.till.payCard("S-1", "a", testCard(1)), "reversed")
	if a.Reversal.Reason != "no_answer" {
		t.Errorf("reason is %q, want no_answer", a.Reversal.Reason)
	}
	s.holds(0, 0)
	last := s.host.Ledger()[1]
	if last.Kind != hostsim.KindReversal || last.Reason != "98" || !last.Approved {
		t.Errorf("host has %+v, want an approved reversal for reason 98", last)
	}
	s.rules()
	s.want(s.till.payCard("S-1", "b", testCard(1)), "approved")
	s.holds(1999, 0)
}

// Each of these answers is money in doubt: the host has booked the sale, and posd cannot be sure.
func TestAnAnswerThatCannotBeBelievedIsReversedAndPosdLives(t *testing.T) {
	for _, do := range []hostsim.Action{hostsim.Garbage, hostsim.HalfFrame, hostsim.CommitClose, hostsim.BadMAC, hostsim.NoMAC, hostsim.WrongTrace} {
		t.Run(string(do), func(t *testing.T) {
			s := openStore(t, plan{patience: "3s"})
			s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: do})
			s.till.open("S-1", 1999)
			s.want(s.till.payCard("S-1", "a", testCard(1)), "reversed")
			s.holds(0, 0)
			s.want(s.till.payCard("S-1", "b", testCard(1)), "approved")
			s.holds(1999, 0)
		})
	}
}

func TestADeclinedCardChargesNothing(t *testing.T) {
	s := openStore(t, plan{})
	s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.Decline, Code: "51"})
	s.till.open("S-1", 1999)
	if a := s.want(s.till.payCard("S-1", "a", testCard(1)), "declined"); a.Code != "51" {
		t.Errorf("code is %q, want the host's 51", a.Code)
	}
	s.want(s.till.payCard("S-1", "b", testCard(2)), "approved")
	s.holds(1999, 0)
}

func (s *store) rules(rules ...hostsim.Rule) {
	s.t.Helper()
	if err := s.host.SetRules(rules...); err != nil {
		s.t.Fatal(err)
	}
}

// copyOf copies a file into a temporary folder.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The dialect is read from a folder that posd has never seen. Nothing in it is as in unionpay: frame, header, MAC, the
// lengths of terminal and merchant numbers, the fields of a reversal.
func TestAnAcquirersOwnDialectRunsSaleAndReversal(t *testing.T) {
	s := openStore(t, plan{dialect: copyOf(t, "acquirer/testdata/harbour.toml"), terminal: "HARB000017", merchant: "HARBOUR MERCHANT 1", patience: "3s"})
	s.till.open("S-1", 1999)
	s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	s.holds(1999, 0)

	s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.CommitSilent})
	s.till.open("S-2", 700)
	s.want(s.till.payCard("S-2", "a", testCard(2)), "reversed")
	s.holds(1999, 0)
	entries := s.host.Ledger()
	last := entries[len(entries)-1]
	if last.Kind != hostsim.KindReversal || last.Reason != "68" || last.Terminal != "HARB000017" {
		t.Errorf("host has %+v, want a reversal by HARB000017 for reason 68, which harbour has for no answer", last)
	}
	s.want(s.till.pay("S-1", "v", undo("void", "a")), "approved")
	s.holds(0, 0)
}

// A host that has never seen the sale says so. That proves nothing while the sale may still be on its way; after that a
// person decides, and until then the sale is locked.
func TestAReversalOfWhatTheHostNeverSawGoesToAPerson(t *testing.T) {
	s := openStore(t, plan{patience: "3s", inFlight: "1s"})
	s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.Silent})
	s.till.open("S-1", 1999)
	start := time.Now()
	a := s.want(s.till.payCard("S-1", "a", testCard(1)), "needs_attention")
	if took := time.Since(start); took < 4*time.Second {
		t.Errorf("it took %v, want the time-out and in_flight_max to pass", took)
	}
	if a.Reversal.Tries != 2 {
		t.Errorf("reversal was tried %d times, want twice: at once, and when nothing can be under way any more", a.Reversal.Tries)
	}
	s.refused(s.till.pay("S-1", "b", saleBy("card")), http.StatusConflict, "sale_needs_attention")
	s.want(s.supervisor.send(http.MethodPost, pathOf("S-1", "a")+"/settle", map[string]any{
		"as": "not-paid", "by": "supervisor", "reason": "the acquirer has no such sale",
	}), "settled_not_paid")
	s.want(s.till.payCard("S-1", "b", testCard(1)), "approved")
	s.holds(1999, 0)
}
