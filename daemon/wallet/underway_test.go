package wallet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// TestAClockSetForwardMakesNoPaymentOlder: what was sent a moment ago is not past its time under way because the clock of a
// till that has just found the network was set right.
func TestAClockSetForwardMakesNoPaymentOlder(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(false)
		sent := time.Now().Add(-10 * time.Second)
		s.offset = 4 * time.Minute // more than the version 3 of WeChat Pay does not believe
		s.rules(walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
		if u := s.undo(&a, 20); u.Outcome != payment.Confirmed || time.Since(sent) < 2*time.Minute {
			s.t.Errorf("given up after %v: %+v", time.Since(sent), u)
		}
	})
}

// TestAClockSetForwardBringsNoReversalForward: WeChat Pay refuses one that comes too early, whatever our clock says.
func TestAClockSetForwardBringsNoReversalForward(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "wechat")
		defer s.close()
		a, in := s.sale(1999)
		s.authorize(a, in)
		s.offset = time.Hour
		time.Sleep(4 * time.Second)
		if u := s.reverse(&a); u.Outcome != payment.Again || u.After != 11*time.Second || len(u.Messages) != 0 {
			t.Errorf("after 4 s: %+v", u)
		}
	})
}

// TestAnOrderThatAnOlderVersionPlannedIsUndone: its data and its notes say less.
func TestAnOrderThatAnOlderVersionPlannedIsUndone(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unanswered(true)
		a.Data = []byte(`{"wallet":"` + s.name + `","order":"` + a.Numbers.Order + `"}`)
		a.Undo.Progress = []byte(`{"accepted":true,"held":{"wall":"2000-01-01T00:00:00Z","run":"1","since":1000000000}}`)
		s.wantUndone(a, s.undo(&a, 6))
	})
}

// TestALostPaymentThatIsCancelledEndsWithoutAnAlarm: to wait until it cannot arrive any more is nobody's trouble.
func TestALostPaymentThatIsCancelledEndsWithoutAnAlarm(t *testing.T) {
	for _, kind := range everyKind {
		t.Run(kind, func(t *testing.T) {
			keys()
			synctest.Test(t, func(t *testing.T) {
				o := newTill(t, kind)
				o.rules(
					walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Silence},
					walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Ignored})
				o.pay("S-1")
				time.Sleep(2 * time.Second)
				_, _ = o.desk.Cancel(t.Context(), o.owed[0])
				time.Sleep(3 * time.Minute)
				for _, a := range o.states(payment.Reversed) {
					if a.Undo.Alarmed {
						t.Errorf("an alarm after %d tries", a.Undo.Tries)
					}
					t.Logf("reversed %v after it was sent, in %d tries", a.DecidedAt.Sub(a.SentAt), a.Undo.Tries)
				}
				o.end()
				_ = o.j.Close()
				o.close()
			})
		})
	}
}

// newTill is a till with a desk, and a gateway that works.
func newTill(t *testing.T, kind string) *outage {
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{shop: newShop(t, kind), j: j}
	o.start()
	return o
}
