package acquirer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/drivers/port"
	"posd/hwtest/hostsim"
)

// TestSaleIsPaidOnlyWhenEveryCheckHolds lets the host answer a sale wrongly in every way, and then reverses what came
// of it.
func TestSaleIsPaidOnlyWhenEveryCheckHolds(t *testing.T) {
	for name, c := range map[string]struct {
		rule   hostsim.Rule
		reason payment.Reason
	}{
		"wrong amount":     {hostsim.Rule{Do: hostsim.WrongAmount, Value: 70000}, payment.ReasonOther},
		"less, no partial": {hostsim.Rule{Do: hostsim.WrongAmount, Value: 699}, payment.ReasonOther},
		"wrong trace":      {hostsim.Rule{Do: hostsim.WrongTrace}, payment.ReasonNoAnswer}, // nobody's answer
		"bad MAC":          {hostsim.Rule{Do: hostsim.BadMAC}, payment.ReasonBadAnswer},
		"no MAC":           {hostsim.Rule{Do: hostsim.NoMAC}, payment.ReasonBadAnswer},
		"lost answer":      {hostsim.Rule{Do: hostsim.CommitSilent}, payment.ReasonNoAnswer},
		"too late":         {hostsim.Rule{Do: hostsim.Delay, Delay: hostsim.Span(61 * time.Second)}, payment.ReasonNoAnswer},
		"half a frame":     {hostsim.Rule{Do: hostsim.HalfFrame}, payment.ReasonNoAnswer},
		"closed":           {hostsim.Rule{Do: hostsim.CommitClose}, payment.ReasonNoAnswer},
		"garbage":          {hostsim.Rule{Do: hostsim.Garbage}, payment.ReasonNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s setup) {
				synctest.Test(t, func(t *testing.T) {
					c.rule.Kind = "sale"
					b := start(t, s, c.rule)
					at, ans := b.pay(t, payment.KindSale, 700, nil)
					if ans.Outcome != payment.Unknown || ans.Reason != c.reason {
						t.Errorf("got %s; want unknown for %s", show(ans), c.reason)
					}
					b.left(t, 700)
					b.undone(t, at)
					b.left(t, 0)
				})
			})
		})
	}
}

func TestSignedDeclineIsADecline(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Decline, Code: "51"})
			_, ans := b.pay(t, payment.KindSale, 700, nil)
			if ans.Outcome != payment.Declined || ans.Code != "51" || ans.Text == "" {
				t.Errorf("got %s; want declined by 51", show(ans))
			}
			b.left(t, 0)
		})
	})
}

// A void of another amount than its sale's is declined; here the host's no is not believable, or lacks its MAC.
func TestDeclineWithAWrongMACIsUnknownAndWithoutOneADecline(t *testing.T) {
	for do, want := range map[hostsim.Action]payment.Outcome{hostsim.BadMAC: payment.Unknown, hostsim.NoMAC: payment.Declined} {
		t.Run(string(do), func(t *testing.T) {
			each(t, func(t *testing.T, s setup) {
				synctest.Test(t, func(t *testing.T) {
					b := start(t, s, hostsim.Rule{Kind: "void", Do: do})
					sale := b.approved(t, payment.KindSale, 5000, nil)
					if _, ans := b.pay(t, payment.KindVoid, 4999, &sale); ans.Outcome != want || ans.Code != "64" {
						t.Errorf("got %s; want outcome %d by 64", show(ans), want)
					}
				})
			})
		})
	}
}

func TestPartialApprovalTellsItsAmount(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Partial, Value: 300})
			at, ans := b.pay(t, payment.KindSale, 700, nil)
			if ans.Outcome != payment.Approved || ans.Amount != 300 {
				t.Errorf("got %s; want 300 approved", show(ans))
			}
			b.left(t, 300)
			at.Reason = payment.ReasonUnwanted
			b.undone(t, at)
			b.left(t, 0)
		})
	})
}

func TestDuplicateAnswerIsOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Duplicate})
			b.approved(t, payment.KindSale, 700, nil)
			b.approved(t, payment.KindSale, 800, nil)
			b.left(t, 1500)
		})
	})
}

func TestHostThatLostTheKeysDeclinesAndIsSignedOnToAgain(t *testing.T) {
	for _, code := range []string{"A0", "99"} {
		t.Run(code, func(t *testing.T) {
			each(t, func(t *testing.T, s setup) {
				synctest.Test(t, func(t *testing.T) {
					b := start(t, s, hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.KeyLoss, Code: code})
					_, ans := b.pay(t, payment.KindSale, 700, nil)
					if ans.Outcome != payment.Declined || ans.Code != code {
						t.Errorf("got %s; want declined by %s", show(ans), code)
					}
					b.approved(t, payment.KindSale, 800, nil)
					b.left(t, 800)
					if n := count(b.scribe.names(), "out 0800"); n != 2 {
						t.Errorf("%d sign-ons, want 2", n)
					}
				})
			})
		})
	}
}

func TestAnotherBatchAtTheHostMeansSignOnAndItsNumber(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.ready(t)
			b.host.SetBatch(s.terminal, "000008")
			_, ans := b.pay(t, payment.KindSale, 700, nil)
			if ans.Outcome != payment.Declined || ans.Code != "77" {
				t.Errorf("got %s; want declined by 77", show(ans))
			}
			at := b.approved(t, payment.KindSale, 800, nil)
			if at.Numbers.Batch != "000008" {
				t.Errorf("batch is %s, want the host's 000008", at.Numbers.Batch)
			}
		})
	})
}

func TestReversalSignsOnWhenAsked(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s,
				hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent},
				hostsim.Rule{Kind: "reversal", Times: 1, Do: hostsim.KeyLoss})
			at, _ := b.pay(t, payment.KindSale, 700, nil)
			if u := b.undo(t, at); u.Outcome != payment.Again || u.Code != "A0" {
				t.Errorf("first try: %+v, want again by A0", u)
			}
			b.undone(t, at)
			b.left(t, 0)
		})
	})
}

func TestReversalAnswersMeanWhatTheDialectSays(t *testing.T) {
	for code, want := range map[string]payment.UndoOutcome{
		"01": payment.Refused, "64": payment.Refused, "12": payment.InDoubt, "25": payment.InDoubt,
		"96": payment.Again, "XX": payment.Again,
	} {
		t.Run(code, func(t *testing.T) {
			each(t, func(t *testing.T, s setup) {
				synctest.Test(t, func(t *testing.T) {
					b := start(t, s,
						hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent},
						hostsim.Rule{Kind: "sale-reversal", Do: hostsim.ReverseCode, Code: code})
					at, _ := b.pay(t, payment.KindSale, 700, nil)
					if u := b.undo(t, at); u.Outcome != want || u.Code != code {
						t.Errorf("outcome %d by %s, want %d", u.Outcome, u.Code, want)
					}
				})
			})
		})
	}
}

func TestReversalIsConfirmedByAnAnswerThatPassesTheChecksOnly(t *testing.T) {
	for name, rule := range map[string]hostsim.Rule{
		"bad MAC":      {Do: hostsim.BadMAC},
		"no MAC":       {Do: hostsim.NoMAC},
		"wrong trace":  {Do: hostsim.WrongTrace},
		"wrong amount": {Do: hostsim.WrongAmount, Value: 1},
		"silence":      {Do: hostsim.Silent},
		"closed":       {Do: hostsim.Close},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s setup) {
				synctest.Test(t, func(t *testing.T) {
					rule.Kind, rule.Times = "reversal", 1
					b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}, rule)
					at, _ := b.pay(t, payment.KindSale, 700, nil)
					if u := b.undo(t, at); u.Outcome != payment.Again {
						t.Errorf("first try: %+v, want again", u)
					}
				})
			})
		})
	}
}

func TestRefundIsRepeatedUnderItsNumberAndBookedOnce(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "refund", Times: 1, Do: hostsim.CommitSilent})
			sale := b.approved(t, payment.KindSale, 5000, nil)
			at, ans := b.pay(t, payment.KindRefund, 1500, &sale)
			if ans.Outcome != payment.Unknown {
				t.Errorf("first try: %s, want unknown", show(ans))
			}
			at.Asks = 1
			b.boot(t) // and posd was restarted meanwhile
			if ans = b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Approved {
				t.Errorf("second try: %s, want approved", show(ans))
			}
			b.left(t, 3500)
		})
	})
}

// A repeated refund that is told to sign on first was perhaps booked by its first copy.
func TestRepeatedRefundToldToSignOnStaysUnknown(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "refund", Nth: 1, Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "refund", Nth: 2, Do: hostsim.KeyLoss})
			sale := b.approved(t, payment.KindSale, 5000, nil)
			at, _ := b.pay(t, payment.KindRefund, 1500, &sale)
			at.Asks = 1
			for i, want := range []payment.Outcome{payment.Unknown, payment.Approved} {
				if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != want {
					t.Errorf("repetition %d: %s, want outcome %d", i+1, show(ans), want)
				}
			}
			b.left(t, 3500)
		})
	})
}

// A host that does not answer a repeated number again says nothing about the first copy.
func TestRepeatedRefundToldThatItsNumberWasSeenIsNoDecline(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s,
				hostsim.Rule{Kind: "refund", Nth: 1, Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "refund", Nth: 2, Do: hostsim.Decline, Code: "94"})
			sale := b.approved(t, payment.KindSale, 5000, nil)
			at, _ := b.pay(t, payment.KindRefund, 1500, &sale)
			at.Asks = 1
			if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Unknown || !ans.Hopeless {
				t.Errorf("repetition: %s, want unknown and hopeless", show(ans))
			}
			b.left(t, 3500)
		})
	})
}

func TestNoHostMeansNothingWasSent(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.down.Store(true)
			var p *payment.Problem
			if err := b.Ready(t.Context()); !errors.As(err, &p) || p.Code != "acquirer_offline" || p.Remedy == "" {
				t.Errorf("ready: %v, want acquirer_offline with a remedy", err)
			}
			b.down.Store(false)
			b.ready(t)
			at, in := b.plan(t, payment.KindSale, 700, nil)
			b.down.Store(true)
			if err := b.link.Close(); err != nil {
				t.Fatal(err)
			}
			if ans := b.Authorize(t.Context(), at, in); ans.Outcome != payment.NotSent {
				t.Errorf("sale: %s, want not sent", show(ans))
			}
		})
	})
}

func TestReversalWithoutItsDataIsRefusedAsLost(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			sale := b.approved(t, payment.KindSale, 5000, nil)
			void := b.approved(t, payment.KindVoid, 5000, &sale)
			void.Sealed = nil
			if u := b.undo(t, void); u.Outcome != payment.Refused || u.Code != "data_lost" || !strings.Contains(u.Text, "call the acquirer") {
				t.Errorf("void without its sealed card: %+v, want refused as data_lost", u)
			}
			sale.Data = nil
			if u := b.undo(t, sale); u.Outcome != payment.Refused || u.Code != "data_lost" {
				t.Errorf("sale without data: %+v, want refused as data_lost", u)
			}
		})
	})
}

func TestRequestThatCannotBeMadeIsAProblemWithARemedy(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		b := start(t, s)
		for name, r := range map[string]payment.Request{
			"currency":    {Kind: payment.KindSale, Amount: 1, Currency: "EUR"},
			"amount":      {Kind: payment.KindSale, Amount: 0, Currency: "CNY"},
			"no_original": {Kind: payment.KindVoid, Amount: 1, Currency: "CNY"},
			"no_card":     {Kind: payment.KindSale, Amount: 1, Currency: "CNY"},
		} {
			var p *payment.Problem
			if _, err := b.Plan(r, nil, payment.Numbers{}); !errors.As(err, &p) || p.Code != name || p.Remedy == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestCardWithoutTheTrackThatTheAcquirerWantsIsReadAgain(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			r := payment.Request{Kind: payment.KindSale, Amount: 700, Currency: "CNY"}
			half := card()
			half.Track2 = port.Secret{}
			b.next = half
			in := b.swipe(t, r)
			var p *payment.Problem
			if _, err := b.Plan(r, in, payment.Numbers{Batch: "000001", Trace: 1}); !errors.As(err, &p) || p.Code != "card_unreadable" {
				t.Errorf("got %v, want card_unreadable", err)
			}
		})
	})
}

func TestOneExchangeAtATime(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.Late, Delay: hostsim.Span(10 * time.Second)})
			b.ready(t)
			begin := time.Now()
			var both sync.WaitGroup
			for range 2 {
				at, in := b.plan(t, payment.KindSale, 700, nil)
				both.Go(func() {
					if ans := b.Authorize(t.Context(), at, in); ans.Outcome != payment.Approved {
						t.Errorf("got %s, want approved", show(ans))
					}
				})
			}
			both.Wait()
			if took := time.Since(begin); took < 20*time.Second {
				t.Errorf("two answers of 10 s each came after %v: both were under way at once", took)
			}
		})
	})
}

func TestCollectEndsWithItsContext(t *testing.T) {
	b := start(t, dialects(t)["harbour"])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if in, err := b.Collect(ctx, payment.Request{Kind: payment.KindSale}); in != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", in, err)
	}
	if in, err := b.Collect(ctx, payment.Request{Kind: payment.KindVoid}); in != nil || err != nil {
		t.Errorf("void: got %v, %v; want neither", in, err)
	}
}

func TestSignOnRefusalsAreToldApart(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sign-on", Times: 1, Do: hostsim.Decline, Code: "58"})
			var p *payment.Problem
			if err := b.Ready(t.Context()); !errors.As(err, &p) || p.Code != "sign_on_refused" || !strings.Contains(p.Detail, "58") {
				t.Errorf("got %v, want sign_on_refused by 58", err)
			}
			b.ready(t)
		})
	})
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}
