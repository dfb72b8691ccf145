//go:build proof && linux

package proof

import (
	"testing"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// In confirm mode a payment that the till acknowledges stays, one that it does not goes back, and no receipt comes before
// the acknowledgement.
func TestThePosdThatShipsKeepsOnlyWhatItsTillHasAcknowledged(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{payment: "confirm_mode = true\nconfirm_within = \"5s\""})
	ctx := t.Context()
	for i, sale := range []string{"S-1", "S-2"} {
		if a, err := s.till.openSale(ctx, sale, int64(1000+i)); err != nil || a.refused() {
			t.Fatalf("open: %v %s", err, a.Raw)
		}
		code, err := s.code(ctx, walletsim.AlipayName)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.payByCode(ctx, sale, "a", code); err != nil || a.State != payment.SaidApproved {
			t.Fatalf("pay: %v %s", err, a.Raw)
		}
	}
	if a, err := s.till.ack(ctx, "S-1"); err != nil || a.refused() {
		t.Fatalf("ack: %v %s", err, a.Raw)
	}
	if err := s.rest(ctx); err != nil { // what is paid has its receipt, so that what was not acknowledged is not paid any more
		t.Fatal(err)
	}
	for sale, want := range map[string]string{"S-1": payment.SaidApproved, "S-2": payment.SaidReversed} {
		if a, err := s.till.get(ctx, attemptPath(sale, "a")); err != nil || a.State != want {
			t.Errorf("rule 12: %s/a is %q (%v), want %q: only S-1 was acknowledged", sale, a.State, err, want)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.mustAgree(t)
}
