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

func TestThePosdThatShipsTakesMoneyAndItsBooksAgree(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{payment: "accept_partial = true"})
	ctx := t.Context()
	want := func(a said, err error, state string) {
		t.Helper()
		if err != nil || a.State != state {
			t.Fatalf("%q (%v), want %q: %s\n%s", a.State, err, state, a.Raw, tail(s.path("logs/posd.json")))
		}
	}
	for i, sale := range []string{"S-1", "S-2", "S-3", "S-4", "S-5"} {
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
	if err := s.hostDoes(ctx, hostsim.Rule{Kind: "sale", Do: hostsim.Partial, Value: 400}); err != nil {
		t.Fatal(err)
	}
	a, err = s.payByCard(ctx, "S-5", "a", 5)
	want(a, err, payment.SaidApproved)
	if a, err := s.till.ack(ctx, "S-5"); err != nil || a.refused() {
		t.Fatalf("ack: %v %s", err, a.Raw)
	}
	a, err = s.giveBack(ctx, "S-1", "v", "void", "a")
	want(a, err, payment.SaidApproved)
	a, err = s.giveBack(ctx, "S-2", "r", "refund", "a")
	want(a, err, payment.SaidApproved)
	s.mustNotSell(t, "S-2", "S-3")
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
	s.spoiltSlipsAreSeen(t)
}

// mustNotSell tries to pay sales once more that are paid, or were refunded: only a new sale may be paid for either.
func (s *shop) mustNotSell(t *testing.T, sales ...string) {
	t.Helper()
	for _, sale := range sales {
		code, err := s.code(t.Context(), walletsim.WeChatName)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.payByCode(t.Context(), sale, "b", code); err != nil || a.Code != "sale_paid" {
			t.Errorf("rule 10: %s was paid, and another attempt is answered %v %s", sale, err, a.Raw)
		}
	}
}

// spoiltSlipsAreSeen changes the amount on a receipt of a shop in which all is well: the check must see it.
func (s *shop) spoiltSlipsAreSeen(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.path(slipFile))
	spoilt := strings.Replace(string(text), "CNY 4.00", "CNY 10.04", 1)
	if err != nil || spoilt == string(text) {
		t.Fatalf("no slip says what was paid of a part: %v\n%s", err, text)
	}
	if err := os.WriteFile(s.path(slipFile), []byte(spoilt), 0o600); err != nil {
		t.Fatal(err)
	}
	broken, err := s.check(t.Context())
	if err != nil || len(broken) != 1 || !strings.HasPrefix(broken[0], "rule 14: a slip of S-5/a says 10.04, and it is 400") {
		t.Errorf("a receipt over another amount: the check says %q (%v)", broken, err)
	}
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
func TestThePosdThatShipsIsHeldToBooksAndASpoiltOneIsSeen(t *testing.T) {
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
	book := func(old, new string) string { return strings.ReplaceAll(string(ledger), old, new) }
	hears := func(old, new string) []heard {
		told := slices.Clone(truth)
		for i := range told {
			told[i].raw = strings.ReplaceAll(told[i].raw, old, new)
		}
		return told
	}
	for name, spoil := range map[string]struct {
		ledger string
		told   []heard
		last   []said
		want   string
	}{
		"captured twice":          {ledger: string(ledger) + string(ledger), told: truth, want: "I3"},
		"charge without intent":   {ledger: string(ledger) + book(a.Numbers.Order, "X"), told: truth, want: "I1"},
		"nothing was captured":    {told: truth, want: "I2"},
		"approval that is gone":   {ledger: string(ledger), told: append(slices.Clone(truth), heard{sale: "S-1", attempt: "b", state: "approved"}), want: "I10"},
		"another word afterwards": {ledger: string(ledger), told: append(slices.Clone(truth), heard{sale: "S-1", attempt: "a", state: "declined", asked: time.Now()}), want: "I4"},
		"less was captured":       {ledger: book(`"amount":1000`, `"amount":900`), told: truth, want: "I3: the journal has 1000"},
		"more was told":           {ledger: string(ledger), told: hears(`"approved":1000`, `"approved":1001`), want: `I3: the till was told "approved" of S-1/a with 1001`},
		"another slip was told":   {ledger: string(ledger), told: hears("CNY 10.00", "CNY 1,010.00"), want: "rule 14: a slip of S-1/a says 1,010.00"},
		"another sum was told":    {ledger: string(ledger), told: truth, last: []said{{ID: "S-1", Amount: 1000, Rest: 1000}}, want: "I3: the till is told that sale S-1 over 1000 has 0 paid"},
	} {
		s.told, s.last = spoil.told, spoil.last
		if err := os.WriteFile(s.path(walletLedger), []byte(spoil.ledger), 0o600); err != nil {
			t.Fatal(err)
		}
		broken, err := s.check(ctx)
		if err != nil || !slices.ContainsFunc(broken, func(b string) bool { return strings.HasPrefix(b, spoil.want) }) {
			t.Errorf("%s: the check says %q (%v), want a breach of %s", name, broken, err, spoil.want)
		}
	}
}
