package acquirer_test

import (
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// balances lets the host tell the text in field 54, and bends the answer besides.
func balances(text string, bend func([]byte) []byte) answerer {
	return func(req, reply *iso8583.Message) func([]byte) []byte {
		if req.MTI != "0200" {
			return nil
		}
		reply.Set(54, text)
		return bend
	}
}

func TestBalanceIsTold(t *testing.T) {
	for text, want := range map[string]payment.Cents{
		"0002156C000000012345":                          12345,
		"1002156D000000000500":                          -500,
		"0001156C000000099999" + "0002156C000000012345": 12345, // the ledger's, and what is available
		"0001156C000000099999":                          99999,
		"0002156C000000000000":                          0,
	} {
		t.Run(text, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				h.answers(balances(text, nil))
				_, ans := b.pay(t, payment.KindBalance, 0, nil)
				if ans.Outcome != payment.Approved || ans.Amount != 0 || ans.Balance == nil || *ans.Balance != (payment.Balance{Amount: want, Currency: "CNY"}) {
					t.Errorf("got %s with %v, want approved with %d", show(ans), ans.Balance, want)
				}
				m := h.last(t, "0200")
				if strings.ReplaceAll(m[35], "=", "D") != strings.ReplaceAll(testTrack2, "=", "D") || strings.Trim(m[4], "0") != "" {
					t.Errorf("the request names another card, or an amount: %q", m[4])
				}
			})
		})
	}
}

// It moves no money, so whatever goes wrong it did not happen, and nothing is reversed.
func TestBalanceThatIsNotBelievedIsNone(t *testing.T) {
	const good = "0002156C000000012345"
	for name, answer := range map[string]answerer{
		"silence":          balances(good, silent),
		"bad MAC":          balances(good, forged),
		"another currency": balances("0002840C000000012345", nil),
		"no sign":          balances("0002156X000000012345", nil),
		"no amount":        balances("0002156C00000001234X", nil),
		"too short":        balances("0002156C0000000123", nil),
		"nothing":          balances("", nil),
		"no code": func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Unset(39)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				b.ready(t)
				h.answers(answer)
				at, ans := b.pay(t, payment.KindBalance, 0, nil)
				if ans.Outcome != payment.Declined || ans.Code != "no_answer" || ans.Text == "" || ans.Balance != nil {
					t.Errorf("got %s with %v, want declined by no_answer", show(ans), ans.Balance)
				}
				if u := b.undo(t, at); u.Outcome != payment.Refused || u.Code != "no_reversal" {
					t.Errorf("reversal: %+v, want none", u)
				}
			})
		})
	}
}

func TestBalanceThatIsDeclinedSaysWhy(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		b.ready(t)
		h.answers(func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(39, "51")
			return nil
		})
		if _, ans := b.pay(t, payment.KindBalance, 0, nil); ans.Outcome != payment.Declined || ans.Code != "51" {
			t.Errorf("got %s, want declined by 51", show(ans))
		}
	})
}

func TestBalanceIsNoTransactionWithAnAmountOrACardAfterwards(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		b.ready(t)
		at, _ := b.plan(t, payment.KindBalance, 0, nil)
		if len(at.Sealed) > 0 {
			t.Error("card data is sealed for a balance")
		}
		if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Declined || len(h.requests("0200")) > 0 {
			t.Errorf("without its card: %s, want declined unsent", show(ans))
		}
	})
}
