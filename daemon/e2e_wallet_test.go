package main

import (
	"net/http"
	"strings"
	"testing"

	"posd/hwtest/walletsim"
)

// by is a wallet sale whose code the till has scanned itself.
func by(code string) map[string]any {
	body := saleBy("wallet")
	body["code"] = code
	return body
}

func (s *store) gatewayRules(rules ...walletsim.Rule) {
	s.t.Helper()
	if err := s.gateway.SetRules(rules...); err != nil {
		s.t.Fatal(err)
	}
}

func TestAWalletSaleByCodeOrScanIsApprovedAndItsSlipPrinted(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.till.open("S-2", 2500)
	s.want(s.till.pay("S-2", "a", by(s.code(walletsim.WeChatName))), "approved")
	s.holds(0, 4499)

	s.till.open("S-3", 501)
	body := saleBy("wallet")
	if a := s.till.begin("S-3", "a", body); a.Inner != "created" {
		t.Fatalf("attempt is %+v, want it to wait for a code", a)
	}
	s.till.scan("S-3", "a", s.code(walletsim.WeChatName))
	a := s.want(s.till.pay("S-3", "a", body), "approved")
	s.holds(0, 5000)
	slips := s.slips(3)
	if !strings.Contains(slips[2], "5.01") || !strings.Contains(slips[2], a.ShortID) {
		t.Errorf("slip lacks amount or id:\n%s", slips[2])
	}
}

func TestAWalletSaleIsRefunded(t *testing.T) {
	s := openStore(t, plan{})
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		s.till.open(wallet, 1999)
		s.want(s.till.pay(wallet, "a", by(s.code(wallet))), "approved")
		part := undo("refund", "a")
		part["amount"] = 999
		s.want(s.till.pay(wallet, "r1", part), "approved")
		s.holds(0, 1000)
		s.want(s.till.pay(wallet, "r2", undo("refund", "a")), "approved")
		s.want(s.till.get(pathOf(wallet, "a")), "refunded")
		s.holds(0, 0)
	}
}

func TestAPaidAnswerThatWasLostIsFoundByTheQuery(t *testing.T) {
	s := openStore(t, plan{})
	s.gatewayRules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Reset, Commit: true})
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		s.till.open(wallet, 1999)
		s.want(s.till.pay(wallet, "a", by(s.code(wallet))), "approved")
	}
	s.holds(0, 2*1999)
}

func TestASilentGatewayIsToldToCancel(t *testing.T) {
	s := openStore(t, plan{patience: "3s"})
	s.gatewayRules(
		walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Reset, Commit: true},
		walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.ServerError},
		walletsim.Rule{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Reset},
	)
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		s.till.open(wallet, 1999)
		body := by(s.code(wallet))
		if a := s.till.begin(wallet, "a", body); a.HTTP != http.StatusAccepted {
			t.Fatalf("attempt is %+v, want it to go on", a)
		}
		s.eventually("it is being reversed", func() bool { return s.till.get(pathOf(wallet, "a")).State == "reversing" })
		s.refused(s.till.pay(wallet, "b", by(s.code(wallet))), http.StatusConflict, "sale_locked")
	}
	s.gatewayRules()
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		s.want(s.till.pay(wallet, "a", saleBy("wallet")), "reversed")
	}
	s.holds(0, 0)
}

func TestAnyRailTakesWhatTheCustomerShowsFirst(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", saleBy("any"))
	s.till.scan("S-1", "a", s.code(walletsim.AlipayName))
	if a := s.want(s.till.pay("S-1", "a", saleBy("any")), "approved"); a.Rail != "wallet" {
		t.Errorf("rail is %q, want wallet", a.Rail)
	}
	s.till.open("S-2", 700)
	s.till.begin("S-2", "a", saleBy("any"))
	s.till.swipe("S-2", "a", testCard(1))
	if a := s.want(s.till.pay("S-2", "a", saleBy("any")), "approved"); a.Rail != "card" {
		t.Errorf("rail is %q, want card", a.Rail)
	}
	s.holds(700, 1999)
}
