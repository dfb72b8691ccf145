package acquirer_test

import (
	"testing"
	"testing/synctest"

	"posd/daemon/payment"
)

// The wallet rail asks whether the terminal is ready beside the card's lane: its sign-on may come between an attempt's
// numbers and its request.
func TestSaleNumberedBeforeAnothersSignOnIsNotSentIntoTheOldBatch(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.ready(t)
			at, in := b.plan(t, payment.KindSale, 700, nil)
			b.host.SetBatch(s.terminal, "000008")
			b.boot(t)
			b.ready(t)
			if ans := b.Authorize(t.Context(), at, in); ans.Outcome != payment.NotSent || ans.Code != "batch_changed" {
				t.Errorf("got %s, want not sent by batch_changed", show(ans))
			}
			b.left(t, 0)
		})
	})
}
