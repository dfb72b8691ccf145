package payment

import (
	"context"
	"strings"
	"testing"
	"time"
)

// lender is a wallet that leaves codes which begin with 62 to a terminal.
type lender struct {
	*script
	terminal Tender
}

func (l *lender) TenderFor(a *Attempt, in Input) Tender {
	if c, ok := in.(*simInput); ok && strings.HasPrefix(c.code, "62") || a != nil && a.Numbers.Terminal != "" {
		return l.terminal
	}
	return l
}

func scanned(sale, attempt, code string) Request {
	r := request(sale, attempt, RailWallet)
	r.Code = NewSecret([]byte(code))
	return r
}

func TestACodeThatTravelsThroughTheTerminalKeepsTheTerminalsRules(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000)}}
	qr := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}}
	purse := &lender{script: &script{pol: walletPolicy}, terminal: qr}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 1000)
		a, err := b.pay(scanned("s", "a", "6200000000000000001"))
		if err != nil || a.State != Reversing || a.Rail != RailWallet || a.Numbers.Terminal != cardPolicy.Terminal || a.Numbers.Trace == 0 {
			t.Fatalf("a silent host leaves %+v (%v), want it reversing on the wallets' rail, with the terminal's numbers", a, err)
		}
		_, err = b.pay(request("t", "c", RailCard))
		b.refused(err, "reversal_pending")
		qr.mu.Lock()
		qr.undos = []Undo{{Outcome: Confirmed}}
		qr.mu.Unlock()
		b.said(scanned("t", "b", "6200000000000000002"), SaidApproved)
		b.said(request("s", "d", RailCard), SaidApproved)
		if purse.calls() != "[]" {
			t.Errorf("the gateway was asked %s", purse.calls())
		}
	})
}

func TestAVoidGoesTheWayOfItsOriginal(t *testing.T) {
	qr := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}}
	purse := &lender{script: &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000)}}, terminal: qr}
	withTenders(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 1000)
		b.said(scanned("s", "a", "6200000000000000001"), SaidApproved)
		b.said(naming("s", "v", KindVoid, "a", 0), SaidApproved)
		b.said(scanned("t", "a", "1300000000000000001"), SaidApproved)
		b.said(naming("t", "v", KindVoid, "a", 0), SaidApproved)
		if qr.calls() != "[authorize a authorize v]" || purse.calls() != "[authorize a authorize v]" {
			t.Errorf("the terminal was asked %s, the gateway %s", qr.calls(), purse.calls())
		}
	})
}

// unready is a terminal whose host cannot be reached.
type unready struct{ *script }

func (unready) Ready(context.Context) error {
	return &Problem{Code: "acquirer_offline", Status: 503, Detail: "no host", Remedy: "look"}
}

func TestACodeForATerminalThatIsNotReadyIsNotSent(t *testing.T) {
	qr := unready{&script{pol: cardPolicy}}
	purse := &lender{script: &script{pol: walletPolicy}, terminal: qr}
	shown := &simInput{}
	purse.collect = func(context.Context, Request) (Input, error) {
		time.Sleep(time.Second)
		shown.code = "6200000000000000001"
		return shown, nil
	}
	withTenders(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		_, err := b.pay(scanned("s", "a", "6200000000000000001"))
		b.refused(err, "acquirer_offline")
		a := b.said(request("s", "b", RailWallet), SaidNotPaid)
		if a.Code != "acquirer_offline" || qr.calls() != "[]" || purse.calls() != "[]" {
			t.Errorf("the scanned code ends with %q; the terminal was asked %s", a.Code, qr.calls())
		}
		if strings.Contains(shown.code, "62") {
			t.Error("the code was not wiped")
		}
	})
}
