package payment

import (
	"strings"
	"testing"
	"time"
)

// bare is a way to pay whose device is not there.
type bare struct{ *script }

func (bare) CanCollect() error {
	return &Problem{Code: "no_reader", Status: 409, Detail: "there is no reader", Remedy: "configure one"}
}

func TestWhatNoDeviceCanCollectIsRefusedBeforeItIsJournaled(t *testing.T) {
	card := bare{&script{pol: cardPolicy, answers: []Answer{yes(1000)}}}
	purse := bare{&script{pol: walletPolicy, answers: []Answer{yes(1000)}}}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		for _, rail := range []Rail{RailCard, RailWallet, RailAny} {
			_, err := b.desk.Pay(b.ctx, request("s", "a", rail))
			b.refused(err, "no_reader")
		}
		if s, err := b.desk.Sale(b.ctx, "till", "s"); err != nil || len(s.Attempts) != 0 {
			t.Errorf("the sale has %d attempts (%v), want none", len(s.Attempts), err)
		}
		b.said(scanned("s", "code", "2800000000000000001"), SaidApproved) // which the till has read itself
	})
}

func TestOfAnyRailTheOneWithADeviceIsTaken(t *testing.T) {
	card := bare{&script{pol: cardPolicy}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000)}}
	withTenders(t, card, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		if a := b.said(request("s", "a", RailAny), SaidApproved); a.Rail != RailWallet {
			t.Errorf("paid by %s, want the wallet", a.Rail)
		}
	})
}

// atOneReader lets a test have a card reader and a scanner, at which a customer takes a minute.
func atOneReader(t *testing.T, answers []Answer, test func(b *bench)) {
	t.Helper()
	card := &script{pol: cardPolicy, answers: answers, collect: shownAfterAMinute}
	purse := &script{pol: walletPolicy, answers: answers, collect: shownAfterAMinute}
	card.pol.OneCustomer, purse.pol.OneCustomer = true, true
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("first", 1000)
		b.open("second", 500)
		test(b)
	})
}

func (b *bench) begin(r Request) {
	b.t.Helper()
	if _, err := b.desk.Pay(b.ctx, r); err != nil {
		b.t.Fatal(err)
	}
}

func TestWhileACustomerIsExpectedNoOtherIsAskedAtTheSameDevice(t *testing.T) {
	atOneReader(t, nil, func(b *bench) {
		b.begin(request("first", "a", RailCard))
		for _, rail := range []Rail{RailCard, RailAny} {
			_, err := b.desk.Pay(b.ctx, request("second", "b", rail))
			b.refused(err, "counter_busy")
			if !strings.Contains(err.Error(), "first/a") {
				t.Errorf("%v does not name the attempt that waits", err)
			}
		}
		b.begin(request("first", "a", RailCard))    // a repeat finds its own
		b.begin(request("second", "w", RailWallet)) // at the other device
		_, err := b.desk.Pay(b.ctx, request("second", "b", RailCard))
		b.refused(err, "sale_locked") // which says more
	})
}

func TestACustomerWhoIsGoneMakesRoomForTheNext(t *testing.T) {
	for name, goes := range map[string]func(b *bench){
		"cancelled": func(b *bench) {
			if _, err := b.desk.Cancel(b.ctx, Key{"till", "first", "a"}); err != nil {
				b.t.Fatal(err)
			}
		},
		"has paid": func(*bench) { time.Sleep(61 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			atOneReader(t, []Answer{yes(1000), yes(500)}, func(b *bench) {
				b.begin(request("first", "a", RailAny))
				goes(b)
				b.begin(request("second", "b", RailCard))
			})
		})
	}
}
