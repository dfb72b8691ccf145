package wallet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// unanswered is a sale whose pay got no answer; paid tells whether it was carried out.
func (s *shop) unanswered(paid bool) payment.Attempt {
	s.t.Helper()
	s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Silence, Commit: paid})
	a, in := s.sale(1999)
	if ans := s.authorize(a, in); ans.Outcome != payment.Unknown {
		s.t.Fatalf("pay: %+v", ans)
	}
	s.rules()
	return a
}

// wantUndone checks that an undoing ended well and that no money is left.
func (s *shop) wantUndone(a payment.Attempt, u payment.Undo) {
	s.t.Helper()
	if u.Outcome != payment.Confirmed || s.net(a) != 0 {
		s.t.Errorf("undo %+v, net %d", u, s.net(a))
	}
}

func TestAPaidOrderIsCancelledAndConfirmedByQuery(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		s.wantUndone(a, s.undo(&a, 3))
	})
}

func TestAnUnpaidOrderIsBurntAndConfirmed(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		s.wantUndone(a, s.undo(&a, 3))
		if l := s.g.Ledger(); len(l) != 1 || l[0].Kind != walletsim.Closed {
			s.t.Errorf("ledger %+v", l)
		}
	})
}

func TestARequestThatArrivesAfterTheCancelTakesNothing(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Delay, Delay: walletsim.Span(40 * time.Second)})
		a, in := s.sale(1999)
		s.authorize(a, in)
		s.wantUndone(a, s.undo(&a, 5))
		time.Sleep(time.Minute)
		if s.net(a) != 0 {
			s.t.Errorf("net %d after the late request", s.net(a))
		}
	})
}

func TestWeChatIsNotReversedBefore15Seconds(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "wechat")
		defer s.close()
		a, in := s.sale(1999)
		s.authorize(a, in)
		time.Sleep(4 * time.Second)
		u := s.reverse(&a)
		if u.Outcome != payment.Again || u.After != 11*time.Second || len(u.Messages) != 0 {
			t.Errorf("after 4 s: %+v", u)
		}
		time.Sleep(u.After)
		s.wantUndone(a, s.reverse(&a))
	})
}

func TestAClockSetBackDoesNotHoldAReversalForEver(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "wechat")
		defer s.close()
		a := s.unanswered(true)
		s.offset = -48 * time.Hour
		s.wantUndone(a, s.undo(&a, 4))
	})
}

// undoFaults are what can go wrong while undoing a paid order, in calls of cancel or query.
var undoFaults = map[string][]walletsim.Rule{
	"to be called again":      {{Call: walletsim.CallCancel, Times: 3, Fault: walletsim.Retry}},
	"called again, but done":  {{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Retry, Commit: true}},
	"no answer":               {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Silence}},
	"answer lost":             {{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Silence, Commit: true}},
	"5xx":                     {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.ServerError}},
	"html":                    {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.HTML}},
	"unavailable":             {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Unavailable}},
	"unsigned":                {{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Unsigned}},
	"said done, and is not":   {{Call: walletsim.CallCancel, Times: 3, Fault: walletsim.Ignored}},
	"query unanswered":        {{Call: walletsim.CallQuery, Times: 2, Fault: walletsim.Silence}},
	"query badly signed":      {{Call: walletsim.CallQuery, Times: 2, Fault: walletsim.BadSignature}},
	"query of another order":  {{Call: walletsim.CallQuery, Times: 2, Fault: walletsim.WrongOrder}},
	"query unavailable":       {{Call: walletsim.CallQuery, Times: 2, Fault: walletsim.Unavailable}},
	"refused for a while":     {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Refuse, Code: "SOME_REFUSAL"}},
	"refused, and the refund": {{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Refuse, Code: "X"}, {Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Silence, Commit: true}},
}

func TestAReversalOutlivesEveryFault(t *testing.T) {
	for name, rules := range undoFaults {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *shop) {
				a := s.unanswered(true)
				s.rules(rules...)
				s.wantUndone(a, s.undo(&a, 12))
			})
		})
	}
}

// TestAnOrderThatAppearsBetweenTheTwoQueriesIsReversed: the gateway says "cancelled", knows no order, and the payment arrives
// only then. One query would have been believed.
func TestAnOrderThatAppearsBetweenTheTwoQueriesIsReversed(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(
			walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Delay, Delay: walletsim.Span(24 * time.Second)},
			walletsim.Rule{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Ignored},
		)
		a, in := s.sale(1999)
		s.authorize(a, in)
		s.wantUndone(a, s.undo(&a, 30))
		captured := false
		for _, e := range s.g.Ledger() {
			captured = captured || e.Kind == walletsim.Capture
		}
		if !captured {
			s.t.Error("the test shows nothing: the late payment was never made")
		}
	})
}

// passed is a wait that a rule asks for; a second less is not enough.
func (s *shop) passed(a *payment.Attempt, wait time.Duration) payment.Undo {
	s.t.Helper()
	time.Sleep(wait - time.Second)
	if u := s.reverse(a); u.Outcome != payment.Again || u.After != time.Second {
		s.t.Fatalf("a second before its time: %+v", u)
	}
	time.Sleep(time.Second)
	return s.reverse(a)
}

func TestAnAbsentOrderNeedsTwoQueriesFarEnoughApart(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		time.Sleep(2 * time.Minute) // nothing of it is under way any more
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
		u := s.reverse(&a)
		if u.Outcome != payment.Again || u.After != 15*time.Second {
			s.t.Fatalf("first: %+v", u)
		}
		s.offset = 24 * time.Minute // a jump of the wall clock is no waiting
		if s.kind == wechatV3 {
			s.offset = 4 * time.Minute // what is further from the gateway's clock is not believed at all
		}
		if u = s.passed(&a, 15*time.Second); u.Outcome != payment.Confirmed {
			s.t.Errorf("after 15 s: %+v", u)
		}
	})
}

// TestAnAbsentOrderIsAskedForWhileItsPaymentMayBeUnderWay: a cancel of what has not come yet cancels nothing, and a gateway
// may say all the same that it did.
func TestAnAbsentOrderIsAskedForWhileItsPaymentMayBeUnderWay(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		time.Sleep(15*time.Second - time.Since(a.SentAt))
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
		u := s.reverse(&a)
		for u.Outcome == payment.Again && u.After == 15*time.Second {
			time.Sleep(u.After)
			u = s.reverse(&a)
			if len(u.Messages) != 2 {
				s.t.Errorf("an accepted cancel is sent again: %d messages", len(u.Messages))
			}
		}
		if u.Outcome != payment.Confirmed {
			s.t.Errorf("undo %+v", u)
		}
		if got := s.now().Sub(a.SentAt); got != 2*time.Minute {
			s.t.Errorf("given up after %v", got)
		}
	})
}

func TestAPaymentThatArrivesAfterTwoQueriesKnewNothingIsGivenBack(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(
			walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Delay, Delay: walletsim.Span(100 * time.Second)},
			walletsim.Rule{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Ignored},
		)
		a, in := s.sale(1999)
		s.authorize(a, in)
		time.Sleep(5 * time.Second)
		s.wantUndone(a, s.undo(&a, 20))
	})
}

func TestNotesOutliveARestart(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		time.Sleep(2 * time.Minute)
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
		s.reverse(&a)
		time.Sleep(16 * time.Second)
		s.w = s.newWallet(s.link)
		if u := s.reverse(&a); u.Outcome != payment.Confirmed {
			s.t.Errorf("undo %+v", u)
		}
	})
}

func TestAWaitingOrderIsNoProofAndIsCancelledAgain(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(
			walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.UserPaying, Waits: -1},
			walletsim.Rule{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Ignored},
		)
		a, in := s.sale(1999)
		s.authorize(a, in)
		time.Sleep(15 * time.Second)
		if u := s.reverse(&a); u.Outcome != payment.Again {
			s.t.Fatalf("first: %+v", u)
		}
		s.phone.Confirm() // the customer types the password after all
		s.wantUndone(a, s.undo(&a, 6))
	})
}

// TestAWaitingOrderThatWasNotCancelledIsCancelledAgain: else it could be paid until the gateway gives it up.
func TestAWaitingOrderThatWasNotCancelledIsCancelledAgain(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(
			walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.UserPaying, Waits: -1},
			walletsim.Rule{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Ignored},
		)
		a, in := s.sale(1999)
		s.authorize(a, in)
		time.Sleep(15 * time.Second)
		s.wantUndone(a, s.undo(&a, 3))
	})
}

// TestAnAbsentOrderIsNoProofBeforeACancelIsAccepted: its request can be on its way still.
func TestAnAbsentOrderIsNoProofBeforeACancelIsAccepted(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Retry})
		if u := s.undo(&a, 60); u.Outcome != payment.Again {
			s.t.Errorf("undo %+v", u)
		}
		s.rules()
		s.wantUndone(a, s.undo(&a, 3))
	})
}

func TestPastTheWindowTheUndoIsARefund(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		s.offset = 8 * 24 * time.Hour
		s.g.SetClock(s.offset)
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Silence, Commit: true})
		s.wantUndone(a, s.undo(&a, 4))
		for _, e := range s.g.Ledger() {
			if e.Kind == walletsim.Return && e.Refund != a.Numbers.Order+"R" {
				s.t.Errorf("returned by %+v", e)
			}
		}
	})
}

func TestPastTheWindowWithTheRefundRefusedAPersonDecides(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		s.offset = 8 * 24 * time.Hour
		s.g.SetClock(s.offset)
		code := map[string]string{"alipay": "ACQ.SELLER_BALANCE_NOT_ENOUGH", "wechat": "NOTENOUGH", wechatMD5: "NOTENOUGH", wechatV3: "NOT_ENOUGH"}[s.kind]
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Fault: walletsim.Refuse, Code: code})
		if u := s.undo(&a, 3); u.Outcome != payment.WindowOver || u.Code != code || u.Text == "" {
			s.t.Errorf("undo %+v", u)
		}
	})
}

func TestPastTheWindowAnOrderThatNeverWasIsConfirmed(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		s.offset = 8 * 24 * time.Hour
		s.g.SetClock(s.offset)
		s.wantUndone(a, s.undo(&a, 4))
	})
}

// TestNoChargeIsLostUnderRandomFaults drives attempts as the desk does, under seeds, and compares with the ledger: what
// was approved is charged, what was declined, not sent or undone is not, at once and after all late requests.
func TestNoChargeIsLostUnderRandomFaults(t *testing.T) {
	keys()
	ends := map[string]int{}
	for seed := range uint64(200) {
		for _, name := range everyKind {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				s := newShop(t, name, func(o *walletsim.Options) { o.Fault = randomFault(r) })
				defer s.close()
				a, in := s.sale(1999)
				types := time.Duration(r.IntN(70)) * time.Second
				go func() { // the customer, who is asked for the password, types it when he likes
					time.Sleep(types)
					s.phone.Confirm()
				}()
				end := s.play(a, in)
				time.Sleep(2 * time.Minute)
				want := int64(0)
				if end == "approved" {
					want = 1999
				}
				if s.net(a) != want {
					t.Errorf("seed %d %s: %s, but net %d", seed, name, end, s.net(a))
				}
				ends[end]++
			})
		}
	}
	for _, end := range []string{"approved", "declined", "reversed"} {
		if ends[end] == 0 {
			t.Errorf("no attempt was %s in %v", end, ends)
		}
	}
	t.Log(ends)
}

// randomFault spoils every second call.
func randomFault(r *rand.Rand) func(walletsim.Request) (walletsim.Rule, bool) {
	faults := walletsim.Faults()
	return func(walletsim.Request) (walletsim.Rule, bool) {
		f := walletsim.Rule{
			Fault: faults[r.IntN(len(faults))], Commit: r.IntN(2) == 0, Waits: r.IntN(4),
			Delay: walletsim.Span(time.Duration(r.IntN(20)) * time.Second), Code: "ACQ.PAYMENT_AUTH_CODE_INVALID",
		}
		return f, r.IntN(2) == 0
	}
}

// play is the desk's and the reverser's loop without a journal.
func (s *shop) play(a payment.Attempt, in payment.Input) string {
	ans := s.authorize(a, in)
	for {
		switch {
		case ans.Outcome == payment.Approved:
			return "approved"
		case ans.Outcome == payment.Declined:
			return "declined"
		case ans.Outcome == payment.NotSent:
			return "unsent"
		case ans.Hopeless, s.now().After(a.Deadline):
			if u := s.undo(&a, 60); u.Outcome != payment.Confirmed {
				return fmt.Sprintf("not undone: %+v", u)
			}
			return "reversed"
		}
		time.Sleep(ans.After)
		ans = s.ask(a)
	}
}
