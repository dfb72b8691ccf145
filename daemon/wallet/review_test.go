package wallet_test

import (
	"testing"

	"posd/daemon/payment"
	"posd/daemon/wallet/alipay"
	"posd/hwtest/walletsim"
)

// A shop whose settings are refused since its last try does not know what became of that one: who took the refusal for a
// final no would give the money back a second time, under another number.
func TestASettingThatIsRefusedSaysNothingOfTheRefundSentBefore(t *testing.T) {
	each(t, func(s *shop) {
		code := "NO_AUTH"
		if s.name == alipay.Name {
			code = "ACQ.INVALID_PARAMETER"
		}
		first, in := s.sale(2000)
		s.authorize(first, in)
		back := s.sent(payment.Request{Kind: payment.KindRefund, Amount: 500, Currency: "CNY", Original: &first}, nil)
		s.rules(
			walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Silence, Commit: true},
			walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Refuse, Code: code},
		)
		s.authorize(back, nil)
		back.Asks = 1
		if ans := s.authorize(back, nil); ans.Outcome != payment.Unknown || ans.Code != code {
			s.t.Errorf("a refused setting: %+v", ans)
		}
		if ans := s.authorize(back, nil); ans.Outcome != payment.Approved {
			s.t.Errorf("repeated: %+v", ans)
		}
		fresh := s.sent(payment.Request{Kind: payment.KindRefund, Amount: 500, Currency: "CNY", Original: &first}, nil)
		s.rules(walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Refuse, Code: code})
		if ans := s.authorize(fresh, nil); ans.Outcome != payment.Declined {
			s.t.Errorf("a refund that was never sent before: %+v", ans)
		}
	})
}
