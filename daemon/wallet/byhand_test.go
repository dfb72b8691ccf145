package wallet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// byHand is a refund that somebody made at the merchant's page: posd knows nothing of it.
func (s *shop) byHand(a payment.Attempt, amount payment.Cents) {
	s.t.Helper()
	back := s.sent(payment.Request{Kind: payment.KindRefund, Amount: amount, Currency: "CNY", Original: &a}, nil)
	if ans := s.authorize(back, nil); ans.Outcome != payment.Approved {
		s.t.Fatalf("refund by hand: %+v", ans)
	}
}

// passes lets the gateway's window of cancelling end.
func (s *shop) passes() { s.clocks(8*24*time.Hour, 8*24*time.Hour) }

// eachWeChat runs a test over the versions of WeChat Pay, whose orders say REFUND of a part as of all.
func eachWeChat(t *testing.T, test func(*shop)) {
	t.Helper()
	keys()
	for _, kind := range everyKind[1:] {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, kind)
				defer s.close()
				test(s)
			})
		})
	}
}

// wantHonest checks that an undoing says confirmed when the gateway holds nothing, and nothing else then.
func (s *shop) wantHonest(a payment.Attempt, u payment.Undo, want payment.UndoOutcome) {
	s.t.Helper()
	if u.Outcome != want || u.Outcome == payment.Confirmed != (s.net(a) == 0) || s.net(a) < 0 {
		s.t.Errorf("undo %+v, want %d; the gateway holds %d", u, want, s.net(a))
	}
}

// tells is what ends an order of which a part was given back by hand: version 2 tells how much went back, so that the rest
// can follow; version 3 tells it of a refund only whose number one knows, so that a person has to look.
func (s *shop) tells(otherwise payment.UndoOutcome) payment.UndoOutcome {
	if s.kind == wechatV3 {
		return otherwise
	}
	return payment.Confirmed
}

// refusals are cancels that the gateway will not carry out.
func refusals() walletsim.Rule {
	return walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Refuse, Code: "TRADE_ERROR"}
}

func TestAPartRefundedByHandIsNoProofAfterTheWindow(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		s.byHand(a, 1)
		s.passes()
		s.wantHonest(a, s.undo(&a, 10), s.tells(payment.WindowOver))
	})
}

func TestAPartRefundedByHandIsNoProofWhereTheCancelIsRefused(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		s.byHand(a, 1)
		s.rules(refusals())
		s.wantHonest(a, s.undo(&a, 10), s.tells(payment.Refused))
	})
}

func TestAPartRefundedByHandIsNoProofWhereTheCancelDoesNothing(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		s.byHand(a, 1)
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
		s.wantHonest(a, s.undo(&a, 20), s.tells(payment.Refused))
	})
}

func TestTheRestOfWhatWasRefundedByHandIsCancelled(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		s.byHand(a, 1)
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Times: 2, Fault: walletsim.Silence})
		s.wantHonest(a, s.undo(&a, 10), payment.Confirmed)
	})
}

// TestAllOfItRefundedByHandIsNotGivenBackAgain: version 3 cannot tell that it was all.
func TestAllOfItRefundedByHandIsNotGivenBackAgain(t *testing.T) {
	for name, begin := range map[string]func(*shop){
		"inside the window":          func(*shop) {},
		"inside, the cancel refused": func(s *shop) { s.rules(refusals()) },
		"after it":                   (*shop).passes,
	} {
		t.Run(name, func(t *testing.T) {
			eachWeChat(t, func(s *shop) {
				a := s.unanswered(true)
				s.byHand(a, 1999)
				begin(s)
				u := s.undo(&a, 20)
				ended := u.Outcome == payment.Confirmed || s.kind == wechatV3 && (u.Outcome == payment.Refused || u.Outcome == payment.WindowOver)
				if !ended || s.net(a) != 0 {
					s.t.Errorf("undo %+v; the gateway holds %d", u, s.net(a))
				}
			})
		})
	}
}

// TestOurOwnRefundIsProofAfterARestart: that its number was answered stands in the notes.
func TestOurOwnRefundIsProofAfterARestart(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		time.Sleep(15 * time.Second)
		s.passes()
		if u := s.reverse(&a); u.Outcome != payment.Again || s.net(a) != 0 {
			s.t.Fatalf("refund: %+v, the gateway holds %d", u, s.net(a))
		}
		s.w = s.newWallet(s.link)
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Fault: walletsim.Refuse, Code: "X"},
			walletsim.Rule{Call: walletsim.CallRefundQuery, Fault: walletsim.Silence})
		s.wantHonest(a, s.undo(&a, 1), payment.Confirmed)
	})
}

// TestARefundWhoseAnswerWasLostIsFoundWithoutAnother: neither version gives the same money back under a second number.
func TestARefundWhoseAnswerWasLostIsFoundWithoutAnother(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		s.passes()
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Times: 2, Fault: walletsim.Silence, Commit: true})
		s.wantHonest(a, s.undo(&a, 8), payment.Confirmed)
		if returns := strings.Count(s.kinds(), "return"); returns != 1 {
			s.t.Errorf("given back %d times: %s", returns, s.kinds())
		}
	})
}

// TestOurOwnRefundIsNoProofOnceTheOrderIsSeenPaid: the gateway may close a refund that it had accepted.
func TestOurOwnRefundIsNoProofOnceTheOrderIsSeenPaid(t *testing.T) {
	eachWeChat(t, func(s *shop) {
		a := s.unanswered(true)
		time.Sleep(15 * time.Second)
		a.Undo.Progress = []byte(`{"refunded":true}`)
		s.passes()
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Reset})
		s.reverse(&a)
		s.byHand(a, 1)
		s.rules()
		s.wantHonest(a, s.undo(&a, 10), s.tells(payment.WindowOver))
	})
}

// TestAnUnansweredSumIsAskedForAgain: how much went back is not guessed.
func TestAnUnansweredSumIsAskedForAgain(t *testing.T) {
	for _, f := range []walletsim.Fault{walletsim.Silence, walletsim.BadSignature, walletsim.Unavailable, walletsim.WrongOrder, walletsim.HTML} {
		t.Run(string(f), func(t *testing.T) {
			eachWeChat(t, func(s *shop) {
				a := s.unanswered(true)
				s.byHand(a, 1)
				s.passes()
				s.rules(walletsim.Rule{Call: walletsim.CallRefundQuery, Times: 3, Fault: f})
				s.wantHonest(a, s.undo(&a, 10), s.tells(payment.WindowOver))
			})
		})
	}
}

// kinds are those of the ledger's entries.
func (s *shop) kinds() string {
	var all []string
	for _, e := range s.g.Ledger() {
		all = append(all, string(e.Kind))
	}
	return strings.Join(all, " ")
}

// The order is cancelled already; what says that it is paid is an answer from before.
func TestARefundThatIsRefusedForAnOldAnswerEndsNothing(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		if ans := s.ask(a); ans.Outcome != payment.Approved {
			s.t.Fatalf("ask %+v", ans)
		}
		time.Sleep(20 * time.Second)
		s.rules(walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.Silence})
		if u := s.reverse(&a); u.Outcome != payment.Again {
			s.t.Fatalf("undo %+v", u)
		}
		s.passes()
		s.rules(walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.Replay, Times: 1})
		if u := s.reverse(&a); u.Outcome != payment.Again {
			s.t.Fatalf("with an old answer: undo %+v", u)
		}
		s.wantUndone(a, s.undo(&a, 10))
	})
}
