package wallet_test

import (
	"slices"
	"testing"
	"time"

	"posd/daemon/bill"
	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/hwtest/walletsim"
)

// clocks moves the wall clocks of posd and of the gateway against the real one.
func (s *shop) clocks(posd, gateway time.Duration) {
	s.offset = posd
	s.g.SetClock(gateway)
}

// givesUp is when a gateway gives up a payment that its customer does not finish; cancels is how long one can be cancelled.
func (s *shop) givesUp() time.Duration {
	if s.kind == alipay.Name {
		return 3 * time.Minute
	}
	return 45 * time.Second
}

func (s *shop) cancels() time.Duration {
	if s.kind == alipay.Name {
		return 24 * time.Hour
	}
	return 7 * 24 * time.Hour
}

// tooLittle is a gateway's word for a refund that the shop's account there cannot pay.
func (s *shop) tooLittle() string {
	switch s.kind {
	case alipay.Name:
		return "ACQ.SELLER_BALANCE_NOT_ENOUGH"
	case wechatV3:
		return "NOT_ENOUGH"
	}
	return "NOTENOUGH"
}

// endStuck is a sale that a person has to decide.
const endStuck = "stuck"

// clockFault is trouble with time: rules, what the clocks do once the payment was asked for, and how the sale ends.
type clockFault struct {
	rules  []walletsim.Rule
	turn   func(*shop) // after pay was answered or not
	asks   int
	want   string
	holds  bool // the gateway's ledger holds the money in the end
	refund bool // the money went back by a refund, since cancelling was over
}

var unfinished = []walletsim.Rule{{Call: walletsim.CallPay, Times: 1, Fault: walletsim.UserPaying, Waits: -1}}

// lost is a payment that was taken, and of which posd finds nothing out in so many queries.
func lost(queries int) []walletsim.Rule {
	return []walletsim.Rule{
		{Call: walletsim.CallPay, Times: 1, Fault: walletsim.Reset, Commit: true},
		{Call: walletsim.CallQuery, Times: queries, Fault: walletsim.ServerError},
	}
}

var clockFaults = map[string]clockFault{
	"the gateway gives an unfinished payment up, and posd asks": {
		rules: unfinished, asks: 6, want: endUndone,
		turn: func(s *shop) { s.clocks(s.givesUp(), s.givesUp()) },
	},
	"the gateway has given it up when posd cancels": {
		rules: unfinished, want: endUndone,
		turn: func(s *shop) { s.clocks(s.givesUp(), s.givesUp()) },
	},
	"the customer finishes in the last second": {
		rules: unfinished, asks: 200, want: endPaid, holds: true,
		turn: func(s *shop) { s.clocks(0, s.givesUp()-10*time.Second); s.phone.Confirm() },
	},
	"the customer finishes too late": {
		rules: unfinished, asks: 6, want: endUndone,
		turn: func(s *shop) { s.clocks(0, s.givesUp()+time.Second); s.phone.Confirm() },
	},
	"posd is back when the window of cancelling is over": {
		rules: lost(3), asks: 3, want: endUndone, refund: true,
		turn: func(s *shop) { s.clocks(s.cancels()+time.Minute, s.cancels()+time.Minute) },
	},
	"the window is over by the gateway's clock only": {
		rules: lost(3), asks: 3, want: endUndone, refund: true,
		turn: func(s *shop) { s.clocks(s.cancels()-time.Minute, s.cancels()+time.Minute) },
	},
	"the window is over by posd's clock only": {
		rules: lost(3), asks: 3, want: endUndone, refund: true,
		turn: func(s *shop) { s.clocks(s.cancels()+time.Minute, s.cancels()-time.Minute) },
	},
	"the last minute of the window": {
		rules: lost(3), asks: 3, want: endUndone,
		turn: func(s *shop) { s.clocks(s.cancels()-time.Minute, s.cancels()-time.Minute) },
	},
	"a payment that never came, and the window is over": {
		rules: []walletsim.Rule{{Call: walletsim.CallPay, Times: 1, Fault: walletsim.Reset}}, asks: 3, want: endUndone,
		turn: func(s *shop) { s.clocks(s.cancels()+time.Minute, s.cancels()+time.Minute) },
	},
	"the refund after the window is lost, and repeated under its number": {
		rules: append(lost(3), walletsim.Rule{Call: walletsim.CallRefund, Times: 2, Fault: walletsim.Reset, Commit: true}), asks: 3, want: endUndone, refund: true,
		turn: func(s *shop) { s.clocks(s.cancels()+time.Minute, s.cancels()+time.Minute) },
	},
	"the refund after the window is refused": {
		rules: lost(3), asks: 3, want: endStuck, holds: true,
		turn: func(s *shop) {
			s.clocks(s.cancels()+time.Minute, s.cancels()+time.Minute)
			s.rules(append(lost(3)[1:], walletsim.Rule{Call: walletsim.CallRefund, Fault: walletsim.Refuse, Code: s.tooLittle()})...)
		},
	},
}

// late plays settle's part when a clock decides: it asks, and undoes until that ends, or only a person can go on.
func (s *shop) late(a *payment.Attempt, in payment.Input, c clockFault) string {
	s.t.Helper()
	ans := s.authorize(*a, in)
	if c.turn != nil {
		c.turn(s)
	}
	for i := 0; i < c.asks && ans.Outcome != payment.Approved && !ans.Hopeless; i++ {
		ans = s.ask(*a)
	}
	if ans.Outcome == payment.Approved {
		return endPaid
	}
	for range 400 {
		switch u := s.reverse(a); u.Outcome {
		case payment.Confirmed:
			return endUndone
		case payment.WindowOver:
			return endStuck
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
	return "never ends"
}

// TestEveryFaultOfTimeOverHTTPEndsAsTheLedgerSays holds the tender against what gateways do when time runs out.
func TestEveryFaultOfTimeOverHTTPEndsAsTheLedgerSays(t *testing.T) {
	keys()
	for name, c := range clockFaults {
		for _, kind := range everyKind {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := newHTTPShop(t, kind)
				s.rules(c.rules...)
				a, in := s.sale(1999)
				s.wantEnd(a, s.late(&a, in, c), c)
			})
		}
	}
}

func (s *shop) wantEnd(a payment.Attempt, end string, c clockFault) {
	s.t.Helper()
	s.server.Close() // waits for what is still under way
	var holds int64
	if c.holds {
		holds = int64(a.Amount)
	}
	if end != c.want || s.net(a) != holds {
		s.t.Errorf("the sale ends %q, want %q; the gateway holds %d, want %d", end, c.want, s.net(a), holds)
	}
	refunds := 0
	for _, e := range s.g.Ledger() {
		if e.Kind == walletsim.Return && e.Refund != "" {
			refunds++
		}
	}
	if refunds != map[bool]int{true: 1}[c.refund] {
		s.t.Errorf("%d refunds in the ledger %v", refunds, s.g.Ledger())
	}
}

// untilMidnight is how far the clocks have to be moved for it to be so long before midnight in Beijing.
func untilMidnight(before time.Duration) time.Duration {
	now := time.Now().In(bill.Beijing)
	y, m, d := now.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, bill.Beijing).Add(-before).Sub(now)
}

// TestMidnightBetweenPaymentAndReversal: a payment of one day that is undone on the next stands in two bills, and in neither
// is the shop's money missing.
func TestMidnightBetweenPaymentAndReversal(t *testing.T) {
	keys()
	for name, c := range map[string]struct {
		sameDay bool
		after   time.Duration // of midnight
		refund  bool
	}{
		"a minute later": {false, time.Minute, false}, "an hour later": {false, time.Hour, false},
		"where cancels are of the day, within its buffer": {true, 10 * time.Minute, false},
		"where cancels are of the day, and it is over":    {true, 20 * time.Minute, true},
	} {
		for _, kind := range everyKind {
			if c.sameDay && kind != alipay.Name {
				continue
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := newHTTPShop(t, kind, func(o *walletsim.Options) { o.Alipay.SameDay = c.sameDay })
				eve := untilMidnight(time.Minute)
				s.clocks(eve, eve)
				day := s.now()
				s.rules(lost(3)...)
				a, in := s.sale(1999)
				f := clockFault{asks: 3, want: endUndone, refund: c.refund, turn: func(s *shop) {
					next := eve + time.Minute + c.after
					s.clocks(next, next)
				}}
				s.wantEnd(a, s.late(&a, in, f), f)
				if first, second := s.kindsOn(day), s.kindsOn(day.Add(24*time.Hour)); !slices.Equal(first, []bill.Kind{bill.Took}) ||
					len(second) != 1 || second[0] == bill.Took {
					t.Errorf("the bill of the day has %v, that of the next day %v", first, second)
				}
			})
		}
	}
}

// kindsOn reads what the bill of a day in Beijing says.
func (s *shop) kindsOn(at time.Time) (kinds []bill.Kind) {
	s.t.Helper()
	y, m, d := at.In(bill.Beijing).Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, bill.Beijing)
	text, err := s.g.Bill(walletsim.Bill{Wallet: s.name, From: from, Until: from.AddDate(0, 0, 1)})
	if err != nil {
		s.t.Fatal(err)
	}
	brand, _ := wallet.Lookup(s.name)
	b, err := bill.Read(*brand.Bill, text)
	if err != nil || len(b.Refused) > 0 {
		s.t.Fatalf("%v, refused %v", err, b.Refused)
	}
	for _, r := range b.Rows {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}
