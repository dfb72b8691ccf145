package main

import (
	"testing"

	"posd/daemon/payment"
	"posd/daemon/receipt"
)

func TestInConfirmModeAReceiptAwaitsTheTillAlsoWhereAPersonFoundItPaid(t *testing.T) {
	for _, state := range []payment.State{payment.ApprovedState, payment.SettledPaid} {
		for _, acked := range []bool{false, true} {
			w, due := wordingDue(payment.Attempt{Kind: payment.KindSale, State: state, Confirm: true, Acked: acked})
			if w != receipt.Paid || due != acked {
				t.Errorf("%s, acknowledged %v: %v, %v", state, acked, w, due)
			}
		}
	}
}
