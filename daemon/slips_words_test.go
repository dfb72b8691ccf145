package main

import (
	"testing"

	"posd/daemon/payment"
	"posd/daemon/receipt"
)

func TestInConfirmModeAReceiptAwaitsTheTillButNotWhereAPersonFoundItPaid(t *testing.T) {
	for state, row := range map[payment.State]struct{ acked, due bool }{
		payment.ApprovedState: {false, false},
		payment.SettledPaid:   {false, true},
	} {
		a := payment.Attempt{Kind: payment.KindSale, State: state, Confirm: true, Acked: row.acked}
		if w, due := wordingDue(a); w != receipt.Paid || due != row.due {
			t.Errorf("%s: %v, %v", state, w, due)
		}
	}
	if _, due := wordingDue(payment.Attempt{Kind: payment.KindSale, State: payment.ApprovedState, Confirm: true, Acked: true}); !due {
		t.Error("no receipt of what is acknowledged")
	}
}
