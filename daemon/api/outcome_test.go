package api

import (
	"strings"
	"testing"

	"posd/daemon/payment"
)

func TestNobodyIsToldToPayAgainForAVoidOrARefund(t *testing.T) {
	for _, kind := range []payment.Kind{payment.KindVoid, payment.KindRefund} {
		for state := range ofPayment {
			p := problemIn(payment.Attempt{Kind: kind, State: state})
			if p == nil {
				t.Fatalf("nothing is said of a %s that is %s", kind, state)
			}
			said := strings.ReplaceAll(p.Detail+"; "+p.Remedy, "does not pay again", "")
			for _, wrong := range []string{"pay again", "pays again", "another card", "not paid", "charged", "have paid"} {
				if strings.Contains(said, wrong) {
					t.Errorf("of a %s that is %s it says: %s", kind, state, said)
				}
			}
		}
	}
}

func TestEveryKindThatMovesMoneyHasWordsForEachOutcome(t *testing.T) {
	for _, kind := range []payment.Kind{payment.KindSale, payment.KindPreAuth, payment.KindCompletion, payment.KindVoid, payment.KindRefund} {
		for state, as := range ofPayment {
			p := problemIn(payment.Attempt{Kind: kind, State: state})
			if p == nil || p.Code != as.Code || p.Detail == "" || p.Remedy == "" {
				t.Errorf("of a %s that is %s it says %+v", kind, state, p)
			}
		}
	}
}
