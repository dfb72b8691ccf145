//go:build proof && linux

package proof

import (
	"context"
	"math/rand/v2"
	"time"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// faults are what the other side does wrong in a round; every rule is meant for one sale, by its amount.
type faults struct {
	host   []hostsim.Rule
	wallet []walletsim.Rule
}

// set hands the rules to the simulators.
func (f *faults) set(ctx context.Context, s *shop) error {
	if err := s.hostDoes(ctx, f.host...); err != nil {
		return err
	}
	return s.gatewayDoes(ctx, f.wallet...)
}

// Spans of the faults that wait.
const (
	aMoment = 300 * time.Millisecond
	tooLong = 1500 * time.Millisecond // than the host's time-out
)

// What may go wrong with a card message; some of it is half as likely to be drawn by standing here once.
var (
	cardFaults = []hostsim.Rule{
		{Do: hostsim.CommitSilent},
		{Do: hostsim.CommitSilent},
		{Do: hostsim.Silent},
		{Do: hostsim.Close},
		{Do: hostsim.CommitClose},
		{Do: hostsim.Reset},
		{Do: hostsim.HalfFrame},
		{Do: hostsim.Garbage},
		{Do: hostsim.BadMAC},
		{Do: hostsim.Delay, Delay: hostsim.Span(aMoment)},
		{Do: hostsim.Delay, Delay: hostsim.Span(aMoment)},
		{Do: hostsim.Late, Delay: hostsim.Span(tooLong)},
		{Do: hostsim.Held, Delay: hostsim.Span(aMoment)},
		{Do: hostsim.Decline, Code: "51"},
		{Do: hostsim.Partial, Value: 1},
		{Do: hostsim.WrongAmount, Value: 1},
		{Do: hostsim.Duplicate},
		{Do: hostsim.Slow},
	}
	reversalFaults = []hostsim.Rule{
		{Do: hostsim.Silent},
		{Do: hostsim.CommitSilent},
		{Do: hostsim.Close},
		{Do: hostsim.Reset},
		{Do: hostsim.BadMAC},
		{Do: hostsim.ReverseCode, Code: "96"},
		{Do: hostsim.ReverseCode, Code: "01"}, // refused: a person decides
	}
	payFaults = []walletsim.Rule{
		{Fault: walletsim.Reset},
		{Fault: walletsim.Reset, Commit: true},
		{Fault: walletsim.Silence},
		{Fault: walletsim.Silence, Commit: true},
		{Fault: walletsim.ServerError, Commit: true},
		{Fault: walletsim.Unavailable},
		{Fault: walletsim.Unavailable, Commit: true},
		{Fault: walletsim.UserPaying, Waits: 2},
		{Fault: walletsim.UserPaying, Waits: -1},
		{Fault: walletsim.Delay, Delay: walletsim.Span(aMoment)},
		{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(aMoment)},
		{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(tooLong)},
		{Fault: walletsim.Half},
		{Fault: walletsim.BadSignature},
		{Fault: walletsim.WrongAmount},
	}
	queryFaults = []walletsim.Rule{
		{Fault: walletsim.Reset, Times: 1},
		{Fault: walletsim.Unavailable, Times: 3},
		{Fault: walletsim.BadSignature, Times: 2},
		{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(aMoment), Times: 2},
	}
	cancelFaults = []walletsim.Rule{
		{Fault: walletsim.Retry, Times: 2},
		{Fault: walletsim.Reset, Commit: true, Times: 1},
		{Fault: walletsim.Reset, Times: 1},
		{Fault: walletsim.Ignored, Times: 1},
		{Fault: walletsim.Unavailable, Times: 1},
	}
	refundFaults = []walletsim.Rule{
		{Fault: walletsim.Reset, Commit: true, Times: 1},
		{Fault: walletsim.Reset, Times: 1},
		{Fault: walletsim.Unavailable, Times: 2},
		{Fault: walletsim.DelayAnswer, Delay: walletsim.Span(aMoment), Times: 1},
	}
)

// draw adds what goes wrong with a customer's purchase.
func (f *faults) draw(rng *rand.Rand, c *customer) {
	card := func(kind string, of []hostsim.Rule, percent int) {
		if rng.IntN(100) < percent {
			r := of[rng.IntN(len(of))]
			r.Kind, r.Amount, r.Times = kind, c.amount, 1
			f.host = append(f.host, r)
		}
	}
	wallet := func(call string, of []walletsim.Rule, percent int) {
		if rng.IntN(100) < percent {
			r := of[rng.IntN(len(of))]
			r.Call, r.Amount = call, c.amount
			f.wallet = append(f.wallet, r)
		}
	}
	if c.rail == "pre-auth" {
		card(hostsim.KindPreAuth, cardFaults, 55)
		card(hostsim.KindPreAuthVoid, cardFaults[:13], 40)
		card(hostsim.KindCompletion, cardFaults[:13], 40)
		card(hostsim.KindReversal, reversalFaults, 35)
	}
	if c.rail == "card" || c.other == "card" {
		card(hostsim.KindSale, cardFaults, 55)
		card(hostsim.KindReversal, reversalFaults, 35)
		card(hostsim.KindVoid, cardFaults[:13], 40)
		card(hostsim.KindRefund, cardFaults[:13], 40)
	}
	if c.rail == "wallet" || c.rail == "any" || c.other == "wallet" {
		wallet(walletsim.CallPay, payFaults, 55)
		wallet(walletsim.CallQuery, queryFaults, 40)
		wallet(walletsim.CallCancel, cancelFaults, 40)
		wallet(walletsim.CallRefund, refundFaults, 40)
	}
}
