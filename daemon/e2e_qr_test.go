package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/hwtest/hostsim"
)

// openQRStore opens a store whose acquirer takes codes as well.
func openQRStore(t *testing.T, p plan) *store {
	t.Helper()
	s := newStore(t, p)
	s.change("[[wallet.route]]", `[wallet.unionpay]
enabled = true
[[wallet.route]]
provider = "unionpay"
prefixes = ["62"]
lengths = [19]
[[wallet.route]]`)
	s.start()
	return s
}

// qrCode is a customer's code of the wallet that the acquirer takes.
func qrCode(n int) string { return fmt.Sprintf("62%017d", 9_876_543_210_000+n) }

func TestACodeOfTheAcquirersWalletIsPaidVoidedAndRefundedOverTheCardHost(t *testing.T) {
	s := openQRStore(t, plan{})
	s.till.open("S-1", 1999)
	a := s.want(s.till.pay("S-1", "a", by(qrCode(1))), "approved")
	s.holds(1999, 0)
	if e := s.host.Ledger()[0]; e.Kind != hostsim.KindQRSale || e.Batch != "000007" {
		t.Errorf("the host has %+v, want a qr-sale of its batch", e)
	}
	if slip := s.slips(1)[0]; !strings.Contains(slip, "UnionPay") || !strings.Contains(slip, a.ShortID) {
		t.Errorf("slip lacks the wallet's name or the id:\n%s", slip)
	}
	s.want(s.till.pay("S-1", "v", undo("void", "a")), "approved")
	s.holds(0, 0)

	s.till.open("S-2", 500)
	body := saleBy("wallet")
	s.till.begin("S-2", "a", body)
	s.till.scan("S-2", "a", qrCode(2))
	s.want(s.till.pay("S-2", "a", body), "approved")
	s.want(s.till.pay("S-2", "r", undo("refund", "a")), "approved")
	s.holds(0, 0)
}

func TestASilentHostIsToldToReverseACodeAlsoAfterARestart(t *testing.T) {
	s := openQRStore(t, plan{patience: "3s"})
	s.rules(hostsim.Rule{Kind: "qr-sale", Times: 1, Do: hostsim.CommitSilent})
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(qrCode(1))), "reversed")
	s.holds(0, 0)

	s.rules(hostsim.Rule{Kind: "qr-sale", Times: 1, Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "reversal", Do: hostsim.Silent})
	s.till.open("S-2", 1999)
	s.till.begin("S-2", "a", by(qrCode(2)))
	s.eventually("its reversal was tried in vain", func() bool { return s.till.get(pathOf("S-2", "a")).Reversal.Tries > 0 })
	s.refused(s.till.payCard("S-2", "b", testCard(1)), http.StatusConflict, "sale_locked")
	s.stop() // first: an answer that comes while posd ends is lost, and to a repeat the host says that it has done so already
	s.rules()
	s.start()
	s.eventually("the code's sale is reversed", func() bool { return s.till.get(pathOf("S-2", "a")).State == "reversed" })
	s.holds(0, 0)
	s.want(s.till.payCard("S-2", "c", testCard(1)), "approved")
	s.holds(1999, 0)
}

// The same code again within a moment is the same customer's, and no second payment.
func TestACodeIsPaidOnceAndRestsNowhere(t *testing.T) {
	s := openQRStore(t, plan{})
	s.till.open("S-1", 1999)
	s.till.open("S-2", 1999)
	s.want(s.till.pay("S-1", "a", by(qrCode(7))), "approved")
	s.refused(s.till.pay("S-2", "a", by(qrCode(7))), http.StatusConflict, "code_in_use")
	s.holds(1999, 0)
	s.stop()
	files, err := filepath.Glob(s.path("data/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no journal: %v", err)
	}
	for _, file := range append(files, s.cfg.Log.File) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), qrCode(7)[6:]) {
			t.Errorf("%s holds a code", filepath.Base(file))
		}
	}
}
