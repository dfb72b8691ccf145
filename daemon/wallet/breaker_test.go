package wallet_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// unclear makes n payments whose outcome nobody knows, and gives the last.
func (s *shop) unclear(n int) (last payment.Attempt) { return s.unclearBy(walletsim.Unavailable, n) }

func (s *shop) unclearBy(fault walletsim.Fault, n int) (last payment.Attempt) {
	s.t.Helper()
	s.rules(walletsim.Rule{Fault: fault})
	for range n {
		a, in := s.sale(1999)
		if ans := s.authorize(a, in); ans.Outcome != payment.Unknown {
			s.t.Fatalf("answer %+v", ans)
		}
		last = a
	}
	return last
}

func TestAfterThreeUnclearPaymentsNoMoreAreBegunAndNoCodeIsRead(t *testing.T) {
	each(t, func(s *shop) {
		s.unclear(2)
		if err := s.w.Ready(s.t.Context()); err != nil {
			s.t.Fatalf("after two: %v", err)
		}
		s.unclear(1)
		if len(s.w.Concerns()) != 1 || s.w.Concerns()[0].Code != "wallet_suspect" {
			s.t.Errorf("concerns %+v", s.w.Concerns())
		}
		r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "CNY", Code: payment.NewSecret([]byte("900000000000000000"))}
		_, err := s.w.Collect(s.t.Context(), r)
		wantProblem(s.t, err, "wallet_suspect", http.StatusServiceUnavailable)
	})
}

func TestTheConcernOfASuspectGatewaySaysWhatWasAnswered(t *testing.T) {
	for fault, want := range map[walletsim.Fault]string{
		walletsim.ServerError: "HTTP status 502", walletsim.HTML: "an HTML page with HTTP status 200", walletsim.BadSignature: "signature",
	} {
		t.Run(string(fault), func(t *testing.T) {
			each(t, func(s *shop) {
				s.unclearBy(fault, 3)
				if told := s.w.Concerns(); len(told) != 1 || !strings.Contains(told[0].Detail, want) {
					s.t.Errorf("concerns %+v, want %q", told, want)
				}
			})
		})
	}
}

func TestASuspectGatewayIsAskedAgainAndOpensWhenItMakesSense(t *testing.T) {
	each(t, func(s *shop) {
		s.unclear(3)
		_ = s.w.Ready(s.t.Context()) // asks, and gets no sense
		s.rules()
		if len(s.w.Concerns()) != 1 {
			s.t.Fatal("it has opened by itself")
		}
		time.Sleep(5 * time.Second)
		if err := s.w.Ready(s.t.Context()); err != nil || len(s.w.Concerns()) != 0 {
			s.t.Errorf("after an answer that makes sense: %v, %v", err, s.w.Concerns())
		}
		a, in := s.sale(500)
		if ans := s.authorize(a, in); ans.Outcome != payment.Approved {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

func TestReversalsGoOnAtASuspectGatewayAndOpenIt(t *testing.T) {
	each(t, func(s *shop) {
		a := s.unclear(3)
		s.rules()
		time.Sleep(20 * time.Second)
		s.wantUndone(a, s.undo(&a, 10))
		if len(s.w.Concerns()) != 0 {
			s.t.Errorf("concerns %+v", s.w.Concerns())
		}
	})
}

// One of two gateways that makes no sense closes nothing for the other's customers.
func TestOneSuspectGatewayLeavesTheOther(t *testing.T) {
	each(t, func(s *shop) {
		s.unclear(3)
		s.rules(walletsim.Rule{Wallet: s.name, Fault: walletsim.Unavailable})
		if err := s.w.Ready(s.t.Context()); err != nil {
			s.t.Errorf("ready: %v", err)
		}
		if c := s.w.Concerns(); len(c) != 1 {
			s.t.Errorf("concerns %+v", c)
		}
	})
}

// The clock is wrong when the order is sent, and right when it is asked for: then nothing is the matter with it any more.
func TestAClockThatIsADayOffIsNamedByHowFarUntilItIsRight(t *testing.T) {
	for by, want := range map[time.Duration]string{26 * time.Hour: "26h0m0s ahead of", -30 * time.Hour: "30h0m0s behind"} {
		each(t, func(s *shop) {
			s.offset = by
			a, in := s.sale(1999)
			if ans := s.authorize(a, in); ans.Outcome != payment.Unknown {
				s.t.Fatalf("answer %+v", ans)
			}
			c := s.w.Concerns()
			if s.kind == wechatV3 { // it takes no request whose time is five minutes off, and does not sign what it says then
				if len(c) != 0 {
					s.t.Errorf("concerns %+v, of an answer that proves nothing", c)
				}
			} else if len(c) != 1 || c[0].Code != "clock_off" || !strings.Contains(c[0].Detail, want) {
				s.t.Errorf("concerns %+v, want %q", c, want)
			}
			s.offset = 0
			if ans := s.w.Ask(s.t.Context(), a); ans.Outcome != payment.Unknown || len(s.w.Concerns()) != 0 {
				s.t.Errorf("with the clock set right: %+v, %+v", ans, s.w.Concerns())
			}
			if a, in = s.sale(500); s.authorize(a, in).Outcome != payment.Approved || len(s.w.Concerns()) != 0 {
				s.t.Errorf("the next payment: %+v", s.w.Concerns())
			}
		})
	}
}
