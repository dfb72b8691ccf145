package wallet_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet/alipay"
)

func TestAnAttemptOfAWalletOrMerchantNoLongerConfiguredWaitsUntilItIsPutBackForAWeek(t *testing.T) {
	each(t, func(s *shop) {
		for _, c := range []struct{ what, with string }{
			{`"wallet":"` + s.name + `"`, `"wallet":"gone"`},
			{`"merchant":"` + s.merchant() + `"`, `"merchant":"elsewhere"`},
		} {
			a := s.unanswered(true)
			kept := a.Data
			a.Data = bytes.Replace(kept, []byte(c.what), []byte(c.with), 1)
			if bytes.Equal(a.Data, kept) {
				s.t.Fatalf("no %s in %s", c.what, kept)
			}
			for range 3 { // nobody is asked: another merchant's gateway would accept to cancel what it does not know
				time.Sleep(time.Minute)
				if u := s.reverse(&a); u.Outcome != payment.Again || u.Code != "not_configured" || !strings.Contains(u.Text, "back") || len(u.Messages) > 0 {
					s.t.Errorf("undo %+v", u)
				}
			}
			if ans := s.ask(a); ans.Outcome != payment.Unknown {
				s.t.Errorf("ask %+v", ans)
			}
			_, err := s.w.Plan(payment.Request{Key: a.Key, Kind: payment.KindRefund, Amount: 1, Currency: "CNY", Original: &a}, nil, payment.Numbers{Order: "R1"})
			wantProblem(s.t, err, "unsupported_wallet", 409)
			if s.net(a) == 0 {
				s.t.Error("nothing is paid any more")
			}
			late := a
			late.SentAt = s.now().Add(-8 * 24 * time.Hour)
			if u := s.reverse(&late); u.Outcome != payment.WindowOver {
				s.t.Errorf("after a week: undo %+v", u)
			}
			a.Data = kept
			s.wantUndone(a, s.undo(&a, 10))
		}
	})
}

func TestNotesThatCannotBeReadAreForAPerson(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		a.Data = []byte(`{`)
		if u := s.reverse(&a); u.Outcome != payment.Refused || u.Code != "unplanned" {
			s.t.Errorf("undo %+v", u)
		}
	})
}

// merchant is who the shop is at its gateway.
func (s *shop) merchant() string {
	if s.name == alipay.Name {
		return sellerID
	}
	return "1900000001"
}
