package acquirer_test

import (
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// asks puts a digit into the header of the answers to a type of message, or to all of them.
func asks(mti string, s setup, digit byte) answerer {
	return func(req, reply *iso8583.Message) func([]byte) []byte {
		if req.MTI == mti || mti == "" {
			header := []byte(reply.Header)
			header[s.requestDigit-1] = digit
			reply.Header = string(header)
		}
		return nil
	}
}

func TestHeaderThatAsksForASignOnGetsOneBeforeTheNextRequest(t *testing.T) {
	for name, step := range map[string]func(t *testing.T, b *bench, sale payment.Attempt){
		"refund": func(t *testing.T, b *bench, sale payment.Attempt) { b.approved(t, payment.KindRefund, 100, &sale) },
		"void":   func(t *testing.T, b *bench, sale payment.Attempt) { b.approved(t, payment.KindVoid, 700, &sale) },
		"reversal": func(t *testing.T, b *bench, sale payment.Attempt) {
			b.undone(t, sale)
		},
		"settlement": func(t *testing.T, b *bench, _ payment.Attempt) {
			s := b.settling(t, payment.StepTotals, nil, payment.Totals{Sales: payment.Sum{Count: 1, Amount: 700}})
			if out := b.settle(t, s); out.Outcome != payment.Balanced {
				t.Errorf("settlement: %+v, want balanced", out)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				sale := b.approved(t, payment.KindSale, 700, nil)
				h.answers(asks("", b.setup, '3'))
				step(t, b, sale)
				h.answers(nil)
				b.approved(t, payment.KindSale, 800, nil)
				if n := len(h.requests("0800")); n != 2 {
					t.Errorf("%d sign-ons, want a second one before the next request", n)
				}
			})
		})
	}
}

func TestSignOnWhoseAnswerAsksForASignOnIsEnough(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		h.answers(asks("0800", b.setup, '3'))
		b.approved(t, payment.KindSale, 700, nil)
		if n := len(h.requests("0800")); n != 1 {
			t.Errorf("%d sign-ons, want 1", n)
		}
	})
}

func TestOtherRequestsOfAHeaderAreSaidOnce(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		h.answers(asks("0200", b.setup, '1'))
		b.approved(t, payment.KindSale, 700, nil)
		b.approved(t, payment.KindSale, 800, nil)
		if n := strings.Count(b.log.String(), "download parameters"); n != 1 {
			t.Errorf("the log says it %d times, want once", n)
		}
		if n := len(h.requests("0800")); n != 1 {
			t.Errorf("%d sign-ons, want 1", n)
		}
	})
}

func TestAnswerWithAWrongMACLeadsToOtherKeys(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		h.answers(func(req, _ *iso8583.Message) func([]byte) []byte {
			if h.sets < 2 && req.MTI != "0800" {
				return forged
			}
			return nil
		})
		at, ans := b.pay(t, payment.KindSale, 700, nil)
		if ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonBadAnswer {
			t.Errorf("got %s, want unknown for a bad MAC", show(ans))
		}
		b.undone(t, at)
		if n := len(h.requests("0800")); n != 2 {
			t.Errorf("%d sign-ons, want a second one before the reversal", n)
		}
	})
}
