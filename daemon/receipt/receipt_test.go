package receipt_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/receipt"
	"posd/drivers/printer"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	zone   = time.FixedZone("CST", 8*3600)
	paidAt = time.Date(2026, 11, 22, 11, 58, 3, 0, time.UTC)
)

var shop = receipt.Shop{
	NameZH: "示例便利店（浦东店）", NameEN: "Example Corner Shop", Address: "上海市浦东新区示例路1号",
	Till: "till-3", Merchant: "123456789012345", Terminal: "12345678",
}

func card(kind payment.Kind, state payment.State) receipt.Slip {
	return receipt.Slip{
		Shop: shop,
		Sale: payment.Sale{Amount: 123450, Currency: "CNY", Reference: "till 3 / 0042"},
		Attempt: payment.Attempt{
			Key: payment.Key{Client: "till", Sale: "s42", Attempt: "a1"}, Rail: payment.RailCard, Kind: kind, State: state,
			Amount: 123450, Approved: 123450, Currency: "CNY", Instrument: "622848******0007", ShortID: "7K3QZD",
			Numbers:   payment.Numbers{Terminal: "12345678", Batch: "000001", Trace: 42},
			Host:      payment.HostNumbers{Reference: "261122000042", Approval: "A12345", Batch: "000001"},
			DecidedAt: paidAt,
		},
		Language: receipt.Chinese, Now: paidAt.Add(time.Second).In(zone),
	}
}

func wallet(kind payment.Kind, state payment.State) receipt.Slip {
	s := card(kind, state)
	s.Attempt.Rail, s.Attempt.Instrument = payment.RailWallet, "alipay"
	s.Attempt.Numbers = payment.Numbers{Order: "7K3QZD0000000000000000000042"}
	s.Attempt.Host = payment.HostNumbers{Reference: "2026112222001400001000000042", Wallet: "alipay"}
	return s
}

// alipay is what customers call the wallet.
var alipay = map[string]string{receipt.Chinese: "支付宝", receipt.English: "Alipay"}

// slips are what the golden files show.
func slips() map[string]receipt.Slip {
	m := map[string]receipt.Slip{}
	for _, st := range []payment.State{
		payment.ApprovedState, payment.Reversing, payment.Reversed, payment.Stuck,
	} {
		m["sale-card-"+string(st)] = card(payment.KindSale, st)
	}
	m["sale-wallet-approved"] = wallet(payment.KindSale, payment.ApprovedState)
	m["void-card-approved"] = card(payment.KindVoid, payment.ApprovedState)
	m["void-card-reversed"] = card(payment.KindVoid, payment.Reversed)
	m["pre-auth-approved"] = card(payment.KindPreAuth, payment.ApprovedState)
	m["pre-auth-reversing"] = card(payment.KindPreAuth, payment.Reversing)
	completion := card(payment.KindCompletion, payment.ApprovedState)
	completion.Attempt.Amount, completion.Attempt.Approved = 100000, 100000
	completion.Sale.Attempts = []payment.Attempt{completion.Attempt}
	m["completion-approved"] = completion
	freed := card(payment.KindVoid, payment.ApprovedState)
	freed.Attempt.Original = "p1"
	freed.Sale.Attempts = []payment.Attempt{{Key: payment.Key{Attempt: "p1"}, Kind: payment.KindPreAuth}}
	m["void-pre-auth-approved"] = freed
	balance := card(payment.KindBalance, payment.ApprovedState)
	balance.Attempt.Amount, balance.Attempt.Approved = 0, 0
	balance.Attempt.Balance = &payment.Balance{Amount: -123450, Currency: "CNY"}
	m["balance"] = balance
	m["refund-wallet-approved"] = wallet(payment.KindRefund, payment.ApprovedState)
	m["refund-wallet-stuck"] = wallet(payment.KindRefund, payment.Stuck)
	again := card(payment.KindSale, payment.ApprovedState)
	again.Copy, again.Now = true, paidAt.Add(3*time.Hour).In(zone)
	m["copy-late"] = again
	part := card(payment.KindSale, payment.ApprovedState)
	part.Attempt.Approved = 100000
	part.Sale.Attempts = []payment.Attempt{part.Attempt}
	m["partial"] = part
	pair := wallet(payment.KindRefund, payment.ApprovedState)
	pair.Attempt.System = true
	m["paid-twice"] = pair
	return m
}

// show draws a slip as a golden file has it: for three widths of paper, with codes and cuts in words.
func show(d printer.Document) string {
	var b strings.Builder
	for _, columns := range []int{32, 42, 48} {
		fmt.Fprintf(&b, "%d columns\n+%s+\n", columns, strings.Repeat("-", columns))
		rows, _ := printer.Layout(d, columns)
		for _, r := range rows {
			text := r.String()
			if r.Kind != printer.Text && r.Kind != printer.Rule {
				text = strings.TrimSpace(fmt.Sprintf("[%s %s]", r.Kind, r.Data))
			}
			b.WriteString("|" + text + "\n")
		}
	}
	return b.String()
}

func TestSlipsAreAsTheGoldenFilesShow(t *testing.T) {
	for name, s := range slips() {
		for _, language := range []string{receipt.Chinese, receipt.English} {
			t.Run(name+"."+language, func(t *testing.T) {
				s.Language, s.Wallet = language, alipay[language]
				s.Wording, _ = receipt.WordingOf(s.Attempt)
				golden(t, name+"."+language, show(s.Document()))
			})
		}
	}
}

// golden compares with a file, or writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v, got\n%s", file, err, got)
	}
}

// states is every kind in every state.
func states(use func(payment.Kind, payment.State)) {
	for _, k := range []payment.Kind{
		payment.KindSale, payment.KindVoid, payment.KindRefund, payment.KindPreAuth, payment.KindCompletion, payment.KindBalance,
	} {
		for _, st := range payment.States() {
			use(k, st)
		}
	}
}

func TestOnlyAPaidSaleGetsAReceipt(t *testing.T) {
	states(func(k payment.Kind, st payment.State) {
		s := card(k, st)
		var ok bool
		if s.Wording, ok = receipt.WordingOf(s.Attempt); !ok {
			return
		}
		s.Language = receipt.English
		text := strings.Join(receipt.Lines(s.Document(), 48), "\n")
		paid := (k == payment.KindSale || k == payment.KindCompletion) && (st == payment.ApprovedState || st == payment.SettledPaid)
		if is := !strings.Contains(text, "THIS IS NOT A RECEIPT"); is != paid || (s.Wording == receipt.Paid) != paid {
			t.Errorf("%s %s is a receipt: %v, want %v\n%s", k, st, is, paid, text)
		}
	})
}

func TestEveryWordingHasWordsThatFit(t *testing.T) {
	states(func(k payment.Kind, st payment.State) {
		for _, language := range []string{receipt.Chinese, receipt.English} {
			s := card(k, st)
			s.Language = language
			var ok bool
			if s.Wording, ok = receipt.WordingOf(s.Attempt); !ok {
				continue
			}
			for _, columns := range []int{32, 42, 48} {
				rows, missing := printer.Layout(s.Document(), columns)
				titles := 0
				for _, r := range rows {
					for _, run := range r.Runs {
						if run.Double && strings.TrimSpace(run.Text) != "" {
							titles++
						}
					}
				}
				if len(missing) > 0 || titles == 0 || titles > 2 {
					t.Errorf("%s %s %s at %d: missing %q, title in %d rows", k, st, language, columns, string(missing), titles)
				}
			}
		}
	})
}

func TestNothingIsPrintedWhereNothingIsKnown(t *testing.T) {
	for _, st := range []payment.State{
		payment.Created, payment.Sent, payment.Unsent, payment.Cancelled, payment.DeclinedState,
	} {
		if w, ok := receipt.WordingOf(payment.Attempt{Kind: payment.KindSale, State: st}); ok {
			t.Errorf("%s says %q", st, w)
		}
	}
	for _, k := range []payment.Kind{payment.KindSale, payment.KindPreAuth, payment.KindCompletion} {
		voided := payment.Attempt{Kind: k, State: payment.ApprovedState, Voided: true}
		if w, _ := receipt.WordingOf(voided); w != receipt.Voided {
			t.Errorf("a voided %s says %q", k, w)
		}
	}
	if w, ok := receipt.WordingOf(payment.Attempt{Kind: payment.KindBalance, State: payment.DeclinedState}); ok {
		t.Errorf("a balance that was not told says %q", w)
	}
}

func TestNoSlipHasALongNumberOfACard(t *testing.T) {
	long := regexp.MustCompile(`\b(4|62)\d{11,18}\b`)
	for name, s := range slips() {
		s.Wording, _ = receipt.WordingOf(s.Attempt)
		if text := strings.Join(receipt.Lines(s.Document(), 48), "\n"); long.MatchString(text) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestASlipIsNamedByItsTruth(t *testing.T) {
	s := card(payment.KindSale, payment.Reversing)
	s.Wording = receipt.NotPaidYet
	first := s.ID()
	s.Wording = receipt.Cancelled
	second := s.ID()
	s.Copy = true
	if first == second || second == s.ID() || first != "till/s42/a1/not-paid-yet" {
		t.Errorf("%q, %q, %q", first, second, s.ID())
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		n        payment.Cents
		currency string
		zh, en   string
	}{
		{1999, "CNY", "￥19.99", "CNY 19.99"},
		{5, "CNY", "￥0.05", "CNY 0.05"},
		{0, "CNY", "￥0.00", "CNY 0.00"},
		{123456789, "CNY", "￥1,234,567.89", "CNY 1,234,567.89"},
		{-1999, "CNY", "￥-19.99", "CNY -19.99"},
		{1999, "JPY", "JPY 1,999", "JPY 1,999"},
		{1999, "KWD", "KWD 1.999", "KWD 1.999"},
		{100, "USD", "USD 1.00", "USD 1.00"},
	} {
		if zh, en := receipt.Money(c.n, c.currency, "zh"), receipt.Money(c.n, c.currency, "en"); zh != c.zh || en != c.en {
			t.Errorf("%d %s: got %q, %q, want %q, %q", c.n, c.currency, zh, en, c.zh, c.en)
		}
	}
}

func ExampleLines() {
	s := receipt.Slip{
		Shop: receipt.Shop{NameEN: "Example Corner Shop"},
		Sale: payment.Sale{Amount: 1999, Currency: "CNY", Reference: "0042"},
		Attempt: payment.Attempt{
			Rail: payment.RailWallet, Kind: payment.KindSale, State: payment.ApprovedState, Instrument: "alipay",
			Amount: 1999, Approved: 1999, Currency: "CNY", ShortID: "7K3QZD", DecidedAt: paidAt,
		},
		Wording: receipt.Paid, Wallet: "Alipay", Language: receipt.English, Now: paidAt,
	}
	fmt.Println(strings.Join(receipt.Lines(s.Document(), 32), "\n"))
	// Output:
	//       Example Corner Shop
	// --------------------------------
	//             PAID
	// --------------------------------
	// Type                        Sale
	// Paid with                 Alipay
	// Sale                        0042
	// Time         2026-11-22 11:58:03
	// --------------------------------
	// Amount                 CNY 19.99
	// --------------------------------
	//              7K3QZD
}
