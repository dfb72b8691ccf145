package wallet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// A payment that never came leaves nothing to reverse. WeChat Pay v3 may say so instead of accepting the reverse; two queries
// apart prove it then, as they do after an accepted one.
func TestAReverseOfWhatNeverCameEndsByTwoQueriesApart(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, wechatV3)
		defer s.close()
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Silence},
			walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Refuse, Code: "ORDER_NOT_EXIST"})
		a, in := s.sale(1999)
		s.authorize(a, in)
		begin := time.Now()
		if u := s.undo(&a, 12); u.Outcome != payment.Confirmed || time.Since(begin) < 15*time.Second {
			t.Errorf("undo after %s: %+v", time.Since(begin), u)
		}
	})
}

// The gateway may know nothing of it at first, and be paid all the same: the request was under way.
func TestAReverseThatWasToldOfNoOrderGivesBackWhatArrivesLater(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, wechatV3)
		defer s.close()
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Delay, Delay: walletsim.Span(25 * time.Second)},
			walletsim.Rule{Call: walletsim.CallCancel, Times: 1, Fault: walletsim.Refuse, Code: "ORDER_NOT_EXIST"})
		a, in := s.sale(1999)
		s.authorize(a, in)
		if u := s.undo(&a, 60); u.Outcome != payment.Confirmed {
			t.Errorf("undo: %+v", u)
		}
		if s.net(a) != 0 || len(s.g.Ledger()) < 2 {
			t.Errorf("the gateway holds %d; its ledger has %v", s.net(a), s.g.Ledger())
		}
	})
}
