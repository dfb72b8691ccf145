package acquirer_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

// served runs a test against a host with a ledger, under every dialect.
func served(t *testing.T, test func(t *testing.T, b *bench), rules ...hostsim.Rule) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) { test(t, start(t, s, rules...)) })
	})
}

func TestReservedMoneyIsTakenAndGivenBack(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		pre := b.approved(t, payment.KindPreAuth, 5000, nil)
		b.left(t, 0)
		completion := b.approved(t, payment.KindCompletion, 4000, &pre)
		b.left(t, 4000)
		b.approved(t, payment.KindVoid, 4000, &completion)
		b.left(t, 0)
		again := b.approved(t, payment.KindCompletion, 3000, &pre)
		b.left(t, 3000)
		b.approved(t, payment.KindRefund, 1000, &again)
		b.left(t, 2000)
		other := b.approved(t, payment.KindPreAuth, 700, nil)
		b.approved(t, payment.KindVoid, 700, &other)
		b.left(t, 2000)
	})
}

func TestWhatWasReservedOrTakenWithoutAnAnswerIsReversed(t *testing.T) {
	for _, kind := range []string{"pre-auth", "pre-auth-void", "completion", "completion-void"} {
		t.Run(kind, func(t *testing.T) {
			served(t, func(t *testing.T, b *bench) {
				for _, c := range chains {
					if c.name != kind {
						continue
					}
					at, _, ans := c.walk(t, b)
					if ans.Outcome != payment.Unknown {
						t.Fatalf("got %s, want unknown", show(ans))
					}
					b.boot(t) // and posd was restarted meanwhile
					b.undone(t, at)
					want := int64(0)
					if kind == "completion-void" { // it is taken back, so the completion stands
						want = 700
					}
					b.left(t, want)
				}
			}, hostsim.Rule{Kind: kind, Do: hostsim.CommitSilent})
		})
	}
}

func TestBalanceIsTheHosts(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		if err := b.host.SetBalance(testPAN, 123456); err != nil {
			t.Fatal(err)
		}
		_, ans := b.pay(t, payment.KindBalance, 0, nil)
		if ans.Outcome != payment.Approved || ans.Balance == nil || ans.Balance.Amount != 123456 {
			t.Errorf("got %s with %v, want 123456", show(ans), ans.Balance)
		}
	})
}

func TestScannedCodesAreInTheHostsLedger(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		q := purse(t, b)
		sale, ans := scan(t, b, q, payment.KindSale, nil)
		if ans.Outcome != payment.Approved {
			t.Fatalf("got %s, want approved", show(ans))
		}
		b.left(t, 700)
		void, ans := scan(t, b, q, payment.KindVoid, &sale)
		if ans.Outcome != payment.Approved {
			t.Errorf("void: %s, want approved", show(ans))
		}
		b.left(t, 0)
		void.Reason = payment.ReasonOther
		if u := q.Reverse(t.Context(), void); u.Outcome != payment.Confirmed {
			t.Errorf("reversal of the void: %+v, want it confirmed", u)
		}
		b.left(t, 700)
		if _, ans = scan(t, b, q, payment.KindRefund, &sale); ans.Outcome != payment.Approved {
			t.Errorf("refund: %s, want approved", show(ans))
		}
		b.left(t, 0)
	})
}

func TestBatchThatBalancesIsClosedAtOnce(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		items, totals := batchOf(t, b)
		if out := b.settle(t, b.settling(t, payment.StepTotals, items, totals)); out.Outcome != payment.Balanced {
			t.Errorf("got outcome %d by %s, %s; want balanced", out.Outcome, out.Code, out.Text)
		}
		if all := b.host.Batches(); len(all) != 1 || !all[0].Balanced || !all[0].Closed {
			t.Errorf("the host has %+v, want one batch, balanced and closed", all)
		}
	})
}

func TestBatchThatDoesNotBalanceIsHealedByItsUpload(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		items, totals := batchOf(t, b)
		first := b.settling(t, payment.StepTotals, items, totals)
		for range 2 { // the answer was lost once, or posd was restarted
			if out := b.settle(t, first); out.Outcome != payment.Unbalanced {
				t.Fatalf("got outcome %d by %s, %s; want unbalanced", out.Outcome, out.Code, out.Text)
			}
			b.boot(t)
		}
		size := b.Policy().UploadSize
		for from := 0; from < len(items); from += size {
			s := b.settling(t, payment.StepUpload, items[from:min(from+size, len(items))], totals)
			for range 2 {
				if out := b.settle(t, s); out.Outcome != payment.Accepted {
					t.Errorf("upload from %d: outcome %d by %s, %s; want accepted", from, out.Outcome, out.Code, out.Text)
				}
			}
		}
		end := b.settling(t, payment.StepEnd, nil, totals)
		for range 2 {
			if out := b.settle(t, end); out.Outcome != payment.Accepted {
				t.Errorf("end: outcome %d by %s, %s; want accepted", out.Outcome, out.Code, out.Text)
			}
		}
		if all := b.host.Batches(); len(all) != 1 || !all[0].Healed() {
			t.Errorf("the host has %+v, want one batch that is healed", all)
		}
	}, hostsim.Rule{Kind: "settlement", Do: hostsim.Unbalanced})
}

func TestNoCardNumberOfAnyKindIsKept(t *testing.T) {
	for _, c := range chains {
		t.Run(c.name, func(t *testing.T) {
			served(t, func(t *testing.T, b *bench) {
				at, orig, ans := c.walk(t, b)
				b.undo(t, at)
				at.Sealed, orig.Sealed = nil, nil // what the core seals
				journal, err := json.Marshal([]any{at, orig, ans, b.scribe.messages})
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(journal)+b.log.String(), testPAN[6:13]) {
					t.Error("the journal or the log holds a card number")
				}
			})
		})
	}
}
