package acquirer_test

import (
	"slices"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// garbled is for answers that end too soon.
func garbled(b []byte) []byte { return b[:len(b)-9] }

func TestThreePaymentsInARowThatAreNotAnsweredWellAreAConcern(t *testing.T) {
	for name, tc := range map[string]struct {
		bend           func([]byte) []byte
		detail, remedy string
		warnings       int
	}{
		"wrong MACs":         {forged, "MAC", "tmk_file", 2},
		"silence":            {silent, "did not answer", "acquirer", 1},
		"unreadable answers": {garbled, "cannot be read", "dialect", 1},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				if b.setup.dialect.MACRule().Field == 0 && tc.warnings == 2 {
					return
				}
				b.ready(t)
				for n := range 4 {
					if c, doubtful := b.Suspect(); doubtful != (n >= 3) || doubtful && (!strings.Contains(c.Detail, tc.detail) || !strings.Contains(c.Remedy, tc.remedy)) {
						t.Errorf("after %d: %+v, %t", n, c, doubtful)
					}
					b.ready(t)
					h.answers(func(req, _ *iso8583.Message) func([]byte) []byte {
						if req.MTI == "0200" {
							return tc.bend
						}
						return nil
					})
					if _, ans := b.pay(t, payment.KindSale, 100, nil); ans.Outcome != payment.Unknown {
						t.Fatalf("got %s, want unknown", show(ans))
					}
				}
				if n := strings.Count(b.log.String(), "without an answer that"); n != tc.warnings {
					t.Errorf("warned %d times, want %d:\n%s", n, tc.warnings, b.log)
				}
				h.answers(nil)
				b.approved(t, payment.KindSale, 100, nil)
				if c, doubtful := b.Suspect(); doubtful {
					t.Errorf("after a good answer: %+v", c)
				}
			})
		})
	}
}

func TestABalanceThatNobodyTellsIsNoPaymentThatWentWrong(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		if !slices.Contains(b.Policy().Inquiries, payment.KindBalance) {
			return
		}
		for range 3 {
			b.ready(t)
			h.answers(func(*iso8583.Message, *iso8583.Message) func([]byte) []byte { return silent })
			b.pay(t, payment.KindBalance, 0, nil)
			h.answers(nil)
		}
		if c, doubtful := b.Suspect(); doubtful {
			t.Errorf("after three inquiries: %+v", c)
		}
	})
}

func TestASignOnWhoseAnswerHasNoMatchKeyIsUnreadableAndNotUnanswered(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		h.answers(func(*iso8583.Message, *iso8583.Message) func([]byte) []byte { return garbled })
		if err := b.Ready(t.Context()); err == nil || b.Trouble() == nil || b.Trouble().Code != "sign_on_unreadable" {
			t.Errorf("ready: %v, trouble %+v; want sign_on_unreadable", err, b.Trouble())
		}
		h.answers(nil)
		b.ready(t)
	})
}
