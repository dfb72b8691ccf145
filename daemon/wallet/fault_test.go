package wallet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// payFaults is what pay must answer to each fault, and what the query afterwards finds.
var payFaults = map[string]struct {
	rule   walletsim.Rule
	want   payment.Outcome
	reason payment.Reason
	then   payment.Outcome // of the query
	net    int64
}{
	"silence before":      {walletsim.Rule{Fault: walletsim.Silence}, payment.Unknown, payment.ReasonNoAnswer, payment.Unknown, 0},
	"answer lost":         {walletsim.Rule{Fault: walletsim.Silence, Commit: true}, payment.Unknown, payment.ReasonNoAnswer, payment.Approved, 1999},
	"reset before":        {walletsim.Rule{Fault: walletsim.Reset}, payment.Unknown, payment.ReasonNoAnswer, payment.Unknown, 0},
	"reset after":         {walletsim.Rule{Fault: walletsim.Reset, Commit: true}, payment.Unknown, payment.ReasonNoAnswer, payment.Approved, 1999},
	"5xx before":          {walletsim.Rule{Fault: walletsim.ServerError}, payment.Unknown, payment.ReasonOther, payment.Unknown, 0},
	"5xx after":           {walletsim.Rule{Fault: walletsim.ServerError, Commit: true}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"html":                {walletsim.Rule{Fault: walletsim.HTML, Commit: true}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"half":                {walletsim.Rule{Fault: walletsim.Half}, payment.Unknown, payment.ReasonNoAnswer, payment.Approved, 1999},
	"unavailable":         {walletsim.Rule{Fault: walletsim.Unavailable}, payment.Unknown, payment.ReasonOther, payment.Unknown, 0},
	"unavailable, paid":   {walletsim.Rule{Fault: walletsim.Unavailable, Commit: true}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"unsigned":            {walletsim.Rule{Fault: walletsim.Unsigned}, payment.Unknown, payment.ReasonBadAnswer, payment.Approved, 1999},
	"bad signature":       {walletsim.Rule{Fault: walletsim.BadSignature}, payment.Unknown, payment.ReasonBadAnswer, payment.Approved, 1999},
	"wrong amount":        {walletsim.Rule{Fault: walletsim.WrongAmount}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"wrong order":         {walletsim.Rule{Fault: walletsim.WrongOrder}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"wrong merchant":      {walletsim.Rule{Fault: walletsim.WrongMerchant}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"wrong currency":      {walletsim.Rule{Fault: walletsim.WrongCurrency}, payment.Unknown, payment.ReasonOther, payment.Approved, 1999},
	"answer too late":     {walletsim.Rule{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(11 * time.Second)}, payment.Unknown, payment.ReasonNoAnswer, payment.Approved, 1999},
	"answer slow":         {walletsim.Rule{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(9 * time.Second)}, payment.Approved, "", payment.Approved, 1999},
	"request on its way":  {walletsim.Rule{Fault: walletsim.Delay, Delay: walletsim.Span(12 * time.Second)}, payment.Unknown, payment.ReasonNoAnswer, payment.Unknown, 0},
	"refused, nothing to": {walletsim.Rule{Fault: walletsim.Refuse, Code: "NEVER_HEARD_OF"}, payment.Unknown, payment.ReasonOther, payment.Unknown, 0},
}

func TestEveryFaultOfPayGivesTheRightAnswer(t *testing.T) {
	for name, c := range payFaults {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *shop) {
				c.rule.Call, c.rule.Times = walletsim.CallPay, 1
				s.rules(c.rule)
				a, in := s.sale(1999)
				ans := s.authorize(a, in)
				if ans.Outcome != c.want || c.want == payment.Unknown && ans.Reason != c.reason || ans.Hopeless {
					s.t.Errorf("pay: %+v, want %v %s", ans, c.want, c.reason)
				}
				if ask := s.ask(a); ask.Outcome != c.then {
					s.t.Errorf("query: %+v, want %v", ask, c.then)
				}
				if s.net(a) != c.net {
					s.t.Errorf("net %d, want %d", s.net(a), c.net)
				}
			})
		})
	}
}

func TestAReplayedYesIsNotBelieved(t *testing.T) {
	each(t, func(s *shop) {
		first, in := s.sale(1999)
		s.authorize(first, in)
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Replay})
		a, in := s.sale(1999)
		if ans := s.authorize(a, in); ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonOther {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

func TestRefusedForOurSettingsIsDeclinedOnlyWhenSigned(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "alipay")
		defer s.close()
		for code, want := range map[string]payment.Outcome{
			"ACQ.ACCESS_FORBIDDEN": payment.Declined, "ACQ.TRADE_HAS_CLOSE": payment.Declined,
			"ACQ.BUYER_BALANCE_NOT_ENOUGH": payment.Declined, "ACQ.PAYMENT_FAIL": payment.Declined,
			"ACQ.TRADE_HAS_SUCCESS": payment.Unknown, "ACQ.CONTEXT_INCONSISTENT": payment.Unknown,
		} {
			s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Refuse, Code: code})
			a, in := s.sale(100)
			if ans := s.authorize(a, in); ans.Outcome != want || ans.Code != code {
				t.Errorf("%s: %+v, want %v", code, ans, want)
			}
		}
		s = newShop(t, "alipay", func(o *walletsim.Options) { o.Alipay.MerchantKey = &keys()[1].PublicKey })
		defer s.close()
		a, in := s.sale(100)
		if ans := s.authorize(a, in); ans.Outcome != payment.Unknown {
			t.Errorf("an unsigned refusal: %+v", ans)
		}
	})
}

func TestAPaymentAtAnImplausibleTimeIsNotBelieved(t *testing.T) {
	each(t, func(s *shop) {
		for offset, want := range map[time.Duration]payment.Outcome{
			23 * time.Hour: payment.Approved, 25 * time.Hour: payment.Unknown, -25 * time.Hour: payment.Unknown,
		} {
			s.g.SetClock(offset)
			if s.kind == wechatV3 {
				want = payment.Unknown // its signatures are good for five minutes only
			}
			a, in := s.sale(100)
			if ans := s.authorize(a, in); ans.Outcome != want {
				s.t.Errorf("gateway's clock off by %s: %+v", offset, ans)
			}
		}
	})
}

func TestAnOrderFoundClosedIsHopeless(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.UserPaying, Waits: -1})
		a, in := s.sale(100)
		s.authorize(a, in)
		s.g.SetClock(3 * time.Minute) // the gateway gives up
		if ans := s.ask(a); ans.Outcome != payment.Unknown || !ans.Hopeless {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

// TestWeChatPaymentErrorIsReversedNotDeclined: PAYERROR says "please reverse the order".
func TestWeChatPaymentErrorIsReversedNotDeclined(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "wechat")
		defer s.close()
		a, in := s.sale(2_000_000)
		if ans := s.authorize(a, in); ans.Outcome != payment.Unknown || ans.Code != "NOTENOUGH" {
			t.Errorf("pay: %+v", ans)
		}
		if ans := s.ask(a); ans.Outcome != payment.Unknown || !ans.Hopeless || ans.Code != "PAYERROR" {
			t.Errorf("query: %+v", ans)
		}
		if u := s.undo(&a, 5); u.Outcome != payment.Confirmed {
			t.Errorf("undo: %+v", u)
		}
	})
}
