//go:build proof && linux

package proof

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

func TestTheShopOfProcessesTakesMoneyAndItsBooksAgree(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{})
	ctx := t.Context()
	want := func(a said, err error, state string) {
		t.Helper()
		if err != nil || a.State != state {
			t.Fatalf("%q (%v), want %q: %s\n%s", a.State, err, state, a.Raw, tail(s.path("logs/posd.json")))
		}
	}
	for i, sale := range []string{"S-1", "S-2", "S-3", "S-4"} {
		if a, err := s.till.openSale(ctx, sale, int64(1000+i)); err != nil || a.refused() {
			t.Fatalf("open: %v %s", err, a.Raw)
		}
	}
	code := func(wallet string) string {
		c, err := s.code(ctx, wallet)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, err := s.payByCard(ctx, "S-1", "a", 1)
	want(a, err, payment.SaidApproved)
	a, err = s.payByCode(ctx, "S-2", "a", code(walletsim.AlipayName))
	want(a, err, payment.SaidApproved)
	a, err = s.payByAny(ctx, "S-3", "a", code(walletsim.WeChatName))
	want(a, err, payment.SaidApproved)
	if err := s.hostDoes(ctx, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}); err != nil {
		t.Fatal(err)
	}
	a, err = s.payByCard(ctx, "S-4", "a", 4)
	want(a, err, payment.SaidReversed)
	a, err = s.giveBack(ctx, "S-1", "v", "void", "a")
	want(a, err, payment.SaidApproved)
	a, err = s.giveBack(ctx, "S-2", "r", "refund", "a")
	want(a, err, payment.SaidApproved)
	if err := s.again(ctx); err != nil {
		t.Fatal(err)
	}
	if b, err := s.till.closeBatch(ctx, wait); err != nil || b.State != string(payment.BatchClosed) {
		t.Fatalf("batch: %v %s", err, b.Raw)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.mustAgree(t)
}

// mustAgree fails the test with every breach that a check finds.
func (s *shop) mustAgree(t *testing.T) {
	t.Helper()
	broken, err := s.check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

// The checks must see what they are for: each row spoils one book of a shop in which all is well.
func TestTheChecksSeeABookThatWasSpoilt(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{bare: true})
	ctx := t.Context()
	code, err := s.code(ctx, walletsim.AlipayName)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.till.openSale(ctx, "S-1", 1000); err != nil || a.refused() {
		t.Fatalf("open: %v %s", err, a.Raw)
	}
	a, err := s.payByCode(ctx, "S-1", "a", code)
	if err != nil || a.State != payment.SaidApproved {
		t.Fatalf("pay: %v %s", err, a.Raw)
	}
	if a, err := s.till.ack(ctx, "S-1"); err != nil || a.refused() {
		t.Fatalf("ack: %v %s", err, a.Raw)
	}
	s.kill()
	s.mustAgree(t)
	ledger, err := os.ReadFile(s.path(walletLedger))
	if err != nil {
		t.Fatal(err)
	}
	truth := s.told
	for name, spoil := range map[string]struct {
		ledger string
		told   []heard
		want   string
	}{
		"captured twice":          {ledger: string(ledger) + string(ledger), told: truth, want: "I3"},
		"charge without intent":   {ledger: string(ledger) + strings.ReplaceAll(string(ledger), a.Numbers.Order, "X"), told: truth, want: "I1"},
		"nothing was captured":    {told: truth, want: "I2"},
		"approval that is gone":   {ledger: string(ledger), told: append(slices.Clone(truth), heard{sale: "S-1", attempt: "b", state: "approved"}), want: "I10"},
		"another word afterwards": {ledger: string(ledger), told: append(slices.Clone(truth), heard{sale: "S-1", attempt: "a", state: "declined", asked: time.Now()}), want: "I4"},
	} {
		s.told = spoil.told
		if err := os.WriteFile(s.path(walletLedger), []byte(spoil.ledger), 0o600); err != nil {
			t.Fatal(err)
		}
		broken, err := s.check(ctx)
		if err != nil || !slices.ContainsFunc(broken, func(b string) bool { return strings.HasPrefix(b, spoil.want) }) {
			t.Errorf("%s: the check says %q (%v), want a breach of %s", name, broken, err, spoil.want)
		}
	}
}
