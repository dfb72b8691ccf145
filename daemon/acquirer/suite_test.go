package acquirer_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

func TestSaleVoidRefundAndReversalInEveryDialect(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			first := b.approved(t, payment.KindSale, 1999, nil)
			if first.Host.Reference == "" || first.Host.Approval == "" || first.Host.Batch != "000007" {
				t.Errorf("host numbers are %+v", first.Host)
			}
			b.left(t, 1999)
			void := b.approved(t, payment.KindVoid, 1999, &first)
			b.left(t, 0)
			void.Reason = payment.ReasonOther
			b.undone(t, void) // the void is taken back, its sale stands again
			b.left(t, 1999)

			second := b.approved(t, payment.KindSale, 5000, nil)
			b.approved(t, payment.KindRefund, 1500, &second)
			b.left(t, 1999+3500)

			b.rules(t, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent})
			lost, ans := b.pay(t, payment.KindSale, 700, nil)
			if ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonNoAnswer {
				t.Errorf("lost answer: %s", show(ans))
			}
			b.left(t, 1999+3500+700)
			b.undone(t, lost)
			b.left(t, 1999+3500)
		})
	})
}

func TestSignOnComesOnceAndBringsBatchAndKeys(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.ready(t)
			b.ready(t)
			if got := b.scribe.names(); !slices.Equal(got, []string{"out 0800", "in 0810"}) {
				t.Errorf("messages are %v, want one sign-on", got)
			}
			if b.scribe.batch != "000007" {
				t.Errorf("batch is %s, want the host's 000007", b.scribe.batch)
			}
		})
	})
}

func TestReversalAfterRestartSignsOnFirst(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent})
			at, _ := b.pay(t, payment.KindSale, 700, nil)
			b.boot(t)
			b.scribe.messages = nil
			b.undone(t, at)
			b.left(t, 0)
			if got := b.scribe.names(); len(got) != 4 || got[0] != "out 0800" {
				t.Errorf("messages are %v, want sign-on and reversal", got)
			}
		})
	})
}

func TestReversalNamesItsReason(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Silent})
			at, _ := b.pay(t, payment.KindSale, 700, nil)
			u := b.undo(t, at)
			if u.Outcome != payment.InDoubt || u.Code != "25" {
				t.Errorf("reversal of a sale that the host never saw: %+v, want in doubt by 25", u)
			}
			var fields map[string]string
			if err := json.Unmarshal(u.Messages[0].Fields, &fields); err != nil {
				t.Fatal(err)
			}
			if fields["39"] != s.noAnswer || fields["11"] != at.Numbers.Trace.String() {
				t.Errorf("reversal has F39 %s and F11 %s, want %s and %s", fields["39"], fields["11"], s.noAnswer, at.Numbers.Trace)
			}
		})
	})
}

// The sale's copy that is still on its way when the reversal is asked for is what "in doubt" is about.
func TestRequestOvertakenByItsReversalIsReversedInTheSecondTry(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Held, Delay: hostsim.Span(70 * time.Second)})
			at, _ := b.pay(t, payment.KindSale, 700, nil)
			if u := b.undo(t, at); u.Outcome != payment.InDoubt {
				t.Errorf("first try: %+v, want in doubt", u)
			}
			time.Sleep(b.Policy().InFlightMax)
			b.left(t, 700)
			b.undone(t, at)
			b.left(t, 0)
			b.Flush(t.Context())
			if got := b.scribe.names(); !slices.Contains(got, "late 0210") {
				t.Errorf("messages are %v, want the late answer among them", got)
			}
		})
	})
}

func TestLateAnswerNeverAnswersTheReversal(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s,
				hostsim.Rule{Kind: "sale", Do: hostsim.Late},
				hostsim.Rule{Kind: "reversal", Times: 1, Do: hostsim.ReverseCode, Code: "96"})
			at, ans := b.pay(t, payment.KindSale, 700, nil)
			if ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonNoAnswer {
				t.Errorf("sale: %s, want no answer", show(ans))
			}
			// The approval comes now, just before the host's answer to the reversal, under the same trace number.
			if u := b.undo(t, at); u.Outcome != payment.Again || u.Code != "96" {
				t.Errorf("first try: %+v, want again by 96", u)
			}
			b.undone(t, at)
			b.left(t, 0)
			if got := b.scribe.names(); !slices.Contains(got, "late 0210") {
				t.Errorf("messages are %v, want the late answer among them", got)
			}
		})
	})
}

func TestNoCardNumberIsKept(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			at := b.approved(t, payment.KindSale, 1999, nil)
			b.approved(t, payment.KindVoid, 1999, &at)
			b.rules(t, hostsim.Rule{Kind: "sale", Do: hostsim.Garbage})
			bad, ans := b.pay(t, payment.KindSale, 700, nil)
			b.undone(t, bad)

			journal, err := json.Marshal([]any{at, bad, b.scribe.messages, ans.Text, b.host.Ledger()})
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{testPAN, testPAN[4:], testTrack2} {
				if bytes.Contains(journal, []byte(secret)) {
					t.Error("the journal or ledger holds card data")
				}
				if strings.Contains(b.log.String(), secret) {
					t.Error("the log holds card data")
				}
			}
		})
	})
}
