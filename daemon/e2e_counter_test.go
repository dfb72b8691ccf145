package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestAShopWithoutAReaderTakesNoCardAndSaysWhy(t *testing.T) {
	s := newStore(t, plan{})
	s.change("name = \"reader\"\nkind = \"reader\"", "name = \"second\"\nkind = \"scanner\"")
	s.start()
	if log, err := os.ReadFile(s.cfg.Log.File); err != nil || !strings.Contains(string(log), "warning: no card reader") {
		t.Errorf("the log does not say at the start what keeps cards away (%v):\n%s", err, log)
	}
	s.till.open("S-1", 1999)
	s.refused(s.till.begin("S-1", "a", saleBy("card")), http.StatusConflict, "no_reader")
	body := saleBy("any")
	body["code"] = s.code("alipay")
	s.want(s.till.pay("S-1", "b", body), "approved")
	s.holds(0, 1999)
}

func TestAShopWithoutAScannerTakesTheCodesThatTheTillReads(t *testing.T) {
	s := newStore(t, plan{})
	s.change("name = \"scanner\"\nkind = \"scanner\"", "name = \"second\"\nkind = \"reader\"")
	s.start()
	s.till.open("S-1", 1999)
	body := saleBy("wallet")
	s.refused(s.till.begin("S-1", "a", body), http.StatusConflict, "no_scanner")
	body["code"] = s.code("alipay")
	s.want(s.till.pay("S-1", "b", body), "approved")
	s.holds(0, 1999)
}

// Of two attempts that wait for a card at one reader the first would get the second one's swipe.
func TestASwipePaysForTheCustomerThatTheTillHasAsked(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1000)
	s.till.open("S-2", 500)
	s.till.begin("S-1", "a", saleBy("card"))
	s.refused(s.till.begin("S-2", "a", saleBy("card")), http.StatusConflict, "counter_busy")
	s.want(s.till.send(http.MethodPost, pathOf("S-1", "a")+"/cancel", nil), "not_paid")
	s.want(s.till.payCard("S-2", "a", testCard(1)), "approved")
	s.holds(500, 0)
}
