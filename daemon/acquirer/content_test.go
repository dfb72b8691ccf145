package acquirer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// A host that sends the card back, in answers of which some are broken, must not bring it into the log or into what a
// cashier or technician is told.
func TestNothingOfACardIsInLogsAndAnswersWhateverTheHostSays(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		r := rand.New(rand.NewPCG(8583, 3))
		track := strings.ReplaceAll(testTrack2, "=", "D")
		h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0800" {
				return nil
			}
			reply.Set(2, testPAN)
			reply.Set(35, track)
			return func(packed []byte) []byte { return broken(r, packed) }
		})
		var told strings.Builder
		outcomes := map[payment.Outcome]int{}
		for range 300 {
			at, ans := b.pay(t, payment.KindSale, 700, nil)
			outcomes[ans.Outcome]++
			at.Sealed = nil // by the core
			fmt.Fprintf(&told, "%s %+v\n", show(ans), ans.Host)
			for _, m := range ans.Messages {
				told.Write(m.Fields)
			}
			if ans.Outcome == payment.Unknown {
				u := b.undo(t, at)
				fmt.Fprintf(&told, "%s %s\n", u.Code, u.Text)
			}
		}
		b.Flush(t.Context())
		for _, m := range b.scribe.messages { // late ones
			told.Write(m.Fields)
		}
		text := told.String() + b.log.String()
		for i := range len(testPAN+"D2712") - 6 { // zeros follow
			if strings.Contains(text, track[i:i+7]) {
				t.Errorf("seven digits of the card, from the %dth, are in the log or in an answer", i+1)
			}
		}
		if outcomes[payment.Unknown] < 10 || outcomes[payment.Approved] == 0 {
			t.Errorf("outcomes are %v, want of every kind", outcomes)
		}
	})
}

// broken plants a fault in an answer, or none.
func broken(r *rand.Rand, good []byte) []byte {
	at := r.IntN(len(good))
	switch r.IntN(6) {
	case 0:
		return slices.Delete(slices.Clone(good), at, at+1)
	case 1:
		return slices.Insert(slices.Clone(good), at, byte(r.IntN(256)))
	case 2:
		return good[:at]
	case 3:
		return slices.Concat(good, good[at:])
	case 4:
		bad := slices.Clone(good)
		bad[at] ^= 1 << r.IntN(8)
		return bad
	default:
		return good
	}
}
