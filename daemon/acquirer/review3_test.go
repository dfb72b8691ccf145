package acquirer_test

import (
	"testing"
	"testing/synctest"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/iso8583"
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

// The first copy may be booked in the batch that is over by now; a host that refuses the repetition does not speak of it.
func TestRepeatedRefundThatIsDeclinedInAnotherBatchIsForAPersonToDecide(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		sale := b.approved(t, payment.KindSale, 5000, nil)
		h.answers(func(*iso8583.Message, *iso8583.Message) func([]byte) []byte { return silent })
		at, ans := b.pay(t, payment.KindRefund, 1500, &sale)
		if ans.Outcome != payment.Unknown {
			t.Fatalf("the first copy: %s, want unknown", show(ans))
		}
		at.Asks = 1
		h.answers(func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(39, "58")
			return nil
		})
		b.scribe.batch = "000009"
		if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Unknown || !ans.Hopeless || ans.Code != "58" {
			t.Errorf("got %s, hopeless %t; want unknown and hopeless", show(ans), ans.Hopeless)
		}
		b.scribe.batch = at.Numbers.Batch
		if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Declined {
			t.Errorf("in its own batch: %s, want declined", show(ans))
		}
	})
}

// Hosts without an upload go on to the next batch and leave the difference to people: so must a supervisor be able to, or
// no batch ever balances again.
func TestBatchThatPeopleHaveClearedIsEndedByHand(t *testing.T) {
	everyPreset(t, func(t *testing.T, c *counter) {
		d := c.setup.dialect
		if !d.HasTransaction("settlement") || d.HasTransaction("batch-upload") {
			return
		}
		c.day()
		c.closed(payment.BatchRefused)
		done, err := c.desk.CloseBatch(t.Context(), payment.CloseBatch{By: "chief", Reason: "cleared with the acquirer", ByHand: true})
		if err != nil || done.State != payment.BatchSuperseded || done.Items == 0 {
			t.Fatalf("ended by hand: %+v %v", done, err)
		}
		c.pays(cardRequest("S-9", payment.KindSale), 100, payment.SaidApproved)
		if next := c.closed(payment.BatchClosed); next.Number != done.Next || next.Totals.Sales.Amount != 100 {
			t.Errorf("the next batch is %+v", next)
		}
	}, hostsim.Rule{Kind: "settlement", Times: 1, Do: hostsim.Unbalanced})
}
