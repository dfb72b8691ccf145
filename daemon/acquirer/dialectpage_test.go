package acquirer_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// pageSetup is the dialect that the page for integrators writes, put together of its blocks.
func pageSetup(t *testing.T) setup {
	t.Helper()
	page, err := os.ReadFile("../../iso8583/dialects/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```toml example\\.toml\n(.*?)^```$").FindAllSubmatch(page, -1) {
		file.Write(block[1])
	}
	d, err := iso8583.Load("example.toml", []byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	return setup{dialect: d, terminal: "10000001", merchant: "898000000000001", noAnswer: "68"}
}

// A page that ends with a dialect which only decodes would teach half of it: the till makes a day of payments with it.
func TestPageForIntegratorsEndsWithATillThatTakesMoney(t *testing.T) {
	s := pageSetup(t)
	synctest.Test(t, func(t *testing.T) {
		b := start(t, s)
		c := openCounter(t, b)
		c.day()
		b.left(t, 2200)
		if done := c.closed(payment.BatchClosed); done.Number != "000007" {
			t.Errorf("batch %s was closed, want the one that the host told in field 48", done.Number)
		}
	})
}

func TestPageForIntegratorsReversesWhatWasNotAnswered(t *testing.T) {
	s := pageSetup(t)
	synctest.Test(t, func(t *testing.T) {
		b := start(t, s, hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.CommitSilent})
		at, ans := b.pay(t, payment.KindSale, 700, nil)
		if ans.Outcome != payment.Unknown {
			t.Errorf("a sale without answer: %s", show(ans))
		}
		b.left(t, 700)
		b.undone(t, at)
		b.left(t, 0)
		never := hostsim.Rule{Kind: "sale", Do: hostsim.Silent}
		b.rules(t, never)
		at, _ = b.pay(t, payment.KindSale, 700, nil)
		if u := b.undo(t, at); u.Outcome != payment.InDoubt || b.Policy().InFlightMax != 90*time.Second {
			t.Errorf("reversal of a sale that the host never saw: %+v", u)
		}
	})
}
