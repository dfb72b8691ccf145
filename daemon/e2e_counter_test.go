package main

import (
	"net/http"
	"testing"
)

func TestAShopWithoutAReaderTakesNoCardAndSaysWhy(t *testing.T) {
	s := newStore(t, plan{})
	s.change("name = \"reader\"\nkind = \"reader\"", "name = \"second\"\nkind = \"scanner\"")
	s.start()
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
