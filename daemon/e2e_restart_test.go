package main

import (
	"net/http"
	"testing"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// The case that nobody has solved: the card's reversal does not succeed, and the wallet payment of the same sale does.
func TestACustomerWhoPaidTwiceGetsOneBackOnce(t *testing.T) {
	s := openStore(t, plan{patience: "3s"})
	s.rules(
		hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent},
		hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "01"})
	s.till.open("S-1", 1999)
	s.want(s.till.payCard("S-1", "card", testCard(1)), "needs_attention")

	s.refused(s.till.pay("S-1", "purse", by(s.code(walletsim.AlipayName))), http.StatusConflict, "sale_needs_attention")
	over := by(s.code(walletsim.AlipayName))
	over["override"] = map[string]any{"by": "supervisor", "reason": "the customer wants to leave"}
	s.refused(s.till.pay("S-1", "purse", over), http.StatusForbidden, "supervisor_only")
	s.want(s.supervisor.pay("S-1", "purse", over), "approved")
	s.holds(1999, 1999)
	if owed := s.supervisor.get("/v1/owed"); len(owed.Pairs) != 1 || len(owed.Stuck) != 1 {
		t.Errorf("owed is %+v, want one pair and one stuck attempt", owed)
	}
	if status, _ := s.till.health(); status != "degraded" {
		t.Errorf("health is %q, want degraded", status)
	}

	verdict := map[string]any{"as": "paid", "by": "supervisor", "reason": "the acquirer says that the card was charged"}
	settle := pathOf("S-1", "card") + "/settle"
	s.refused(s.till.send(http.MethodPost, settle, verdict), http.StatusForbidden, "supervisor_only")
	s.want(s.supervisor.send(http.MethodPost, settle, verdict), "settled_paid")
	s.eventually("the wallet is refunded", func() bool { return s.till.get(pathOf("S-1", "purse")).State == "refunded" })
	s.holds(1999, 0)
	s.restart() // and not once more
	s.holds(1999, 0)
	sale := s.till.get("/v1/sales/S-1")
	if len(sale.Attempts) != 3 || !sale.Attempts[2].System || sale.Paid != 1999 {
		t.Errorf("sale is %+v, want one refund by posd itself and 1999 paid", sale)
	}
	s.eventually("nothing is owed", func() bool {
		owed := s.supervisor.get("/v1/owed")
		return len(owed.Pairs)+len(owed.Stuck)+len(owed.Open) == 0
	})
	s.slips(3) // the card's doubt, the wallet's sale, the refund
}

func TestARepeatIsAnsweredTheSameOverARestart(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	s.till.open("S-2", 700)
	first := s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
	code := s.code(walletsim.AlipayName)
	s.want(s.till.pay("S-2", "a", by(code)), "approved")
	s.slips(2) // what may have come out is printed again after a restart
	s.restart()
	again := s.want(s.till.pay("S-1", "a", saleBy("card")), "approved")
	if again.ShortID != first.ShortID || again.Numbers != first.Numbers || again.HTTP != http.StatusOK {
		t.Errorf("repeat says %+v, first %+v", again, first)
	}
	s.want(s.till.pay("S-2", "a", by(code)), "approved")
	s.refused(s.till.pay("S-1", "a", saleBy("wallet")), http.StatusUnprocessableEntity, "attempt_differs")
	s.till.open("S-3", 500)
	s.want(s.till.payCard("S-3", "a", testCard(3)), "approved")
	s.holds(1999+500, 700)
	if slips := s.slips(3); len(slips) != 3 {
		t.Errorf("%d slips, want 3: a repeat prints nothing", len(slips))
	}
}

// killed is a store whose posd is killed while the host's answer to a sale is lost.
func killed(t *testing.T) *store {
	t.Helper()
	s := newStore(t, plan{ownSocket: true})
	s.rules(hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent})
	p := s.startProcess()
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", saleBy("card"))
	s.till.swipe("S-1", "a", testCard(1))
	s.eventually("the host has booked it", func() bool { return s.host.Net(nil) == 1999 })
	if a := s.till.get(pathOf("S-1", "a")); a.Inner != "sent" {
		t.Fatalf("attempt is %+v, want it sent", a)
	}
	p.kill()
	return s
}

func TestWhatWasSentWhenPosdWasKilledIsReversedAtTheNextStart(t *testing.T) {
	s := killed(t)
	s.holds(1999, 0)
	s.startProcess()
	s.want(s.till.pay("S-1", "a", saleBy("card")), "reversed")
	s.holds(0, 0)
	if entries := s.host.Ledger(); len(entries) != 2 || entries[1].Reason != "98" {
		t.Errorf("host has %+v, want a sale and its reversal for reason 98", entries)
	}
	s.rules()
	s.want(s.till.payCard("S-1", "b", testCard(1)), "approved")
	s.holds(1999, 0)
}

func TestAReversalOutlivesAHostThatIsDownAndASecondKill(t *testing.T) {
	s := killed(t)
	s.rules(hostsim.Rule{Kind: "reversal", Do: hostsim.Close})
	p := s.startProcess()
	s.eventually("it was tried", func() bool { return s.till.get(pathOf("S-1", "a")).Reversal.Tries > 2 })
	s.refused(s.till.pay("S-1", "b", saleBy("card")), http.StatusConflict, "sale_locked")
	p.kill()
	s.holds(1999, 0)
	s.rules()
	s.startProcess()
	s.want(s.till.pay("S-1", "a", saleBy("card")), "reversed")
	s.holds(0, 0)
}
