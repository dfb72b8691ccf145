package payment

import "testing"

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
