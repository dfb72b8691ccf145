package main

import (
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
)

func TestNoReceiptIsShownOrPrintedBeforeTheAcknowledgement(t *testing.T) {
	h := &house{cfg: &config.Config{}, w: world{Now: time.Now}}
	a := payment.Attempt{Kind: payment.KindSale, State: payment.ApprovedState, Amount: 10, Approved: 10, Currency: "CNY", Print: true, Confirm: true}
	s := payment.Sale{Amount: 10, Currency: "CNY", Attempts: []payment.Attempt{a}}
	if _, due := h.slip(s, a); due || h.slipLines(s, a) != nil {
		t.Error("a receipt comes before the acknowledgement")
	}
	a.Acked = true
	if _, due := h.slip(s, a); !due || h.slipLines(s, a) == nil {
		t.Error("no receipt comes after the acknowledgement")
	}
}
