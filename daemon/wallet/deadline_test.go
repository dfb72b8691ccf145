package wallet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/hwtest/walletsim"
)

// TestPayWaitsNoLongerThanTheDeadline: a shop that sets a short deadline is not held up by one call that hangs.
func TestPayWaitsNoLongerThanTheDeadline(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, alipay.Name)
		defer s.close()
		p, err := alipay.New(alipay.Options{
			URL: "http://gateway.test/gateway.do", AppID: "2021000000000001", SellerID: sellerID, Key: keys()[0],
			GatewayKey: &keys()[1].PublicKey, Transport: s.link, Now: s.now, Deadline: 3 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		routes := []wallet.Route{{Wallet: alipay.Name, Prefixes: []string{"90"}, Min: 18, Max: 18}}
		if s.w, err = wallet.New(wallet.Options{Providers: []wallet.Provider{p}, Routes: routes, Now: s.now}); err != nil {
			t.Fatal(err)
		}
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Silence})
		a, in := s.sale(1999)
		began := time.Now()
		ans := s.authorize(a, in)
		if took := time.Since(began); took != 3*time.Second || ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonNoAnswer {
			t.Errorf("after %s: %+v, want unknown after 3s", took, ans)
		}
	})
}
