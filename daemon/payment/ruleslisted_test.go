package payment

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestSalesThatLookAlikeAreListedAndAlarmedAndNoMoneyMovesForThem(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused, Code: "64"}}}
	purse := &script{pol: walletPolicy}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		pay := func(client, id string, amount Cents) {
			t.Helper()
			purse.mu.Lock()
			purse.answers = []Answer{yes(amount)}
			purse.mu.Unlock()
			if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: client, ID: id, Amount: amount, Currency: "CNY"}); err != nil {
				t.Fatal(err)
			}
			r := request(id, "a", RailWallet)
			r.Key.Client, r.Code = client, NewSecret([]byte("28"+id))
			b.said(r, SaidApproved)
		}
		b.open("unclean", 1000)
		pay("till", "before", 1000)
		b.said(request("unclean", "a", RailCard), SaidNeedsAttention)
		pay("till", "twin", 1000)
		pay("till", "other-amount", 999)
		pay("other", "other-till", 1000)
		time.Sleep(20 * time.Minute)
		pay("till", "much-later", 1000)
		o, err := b.desk.Owed(b.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range o.LookAlikes {
			got = append(got, l.Unclean+" "+l.Approved)
		}
		if want := []string{"unclean/a before/a", "unclean/a twin/a"}; !slices.Equal(got, want) {
			t.Errorf("listed are %q, want %q", got, want)
		}
		b.concern("look_alike")
		if want := "[authorize a authorize a authorize a authorize a authorize a]"; purse.calls() != want || len(o.Pairs) > 0 {
			t.Errorf("money moves: %s, pairs %+v", purse.calls(), o.Pairs)
		}
	})
}

func TestOfTooManyLookAlikesTheOldestAreListedAndTheRestIsCounted(t *testing.T) {
	const twins, more = MaxLookAlikes + 7, 7
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused, Code: "64"}}}
	purse := &script{pol: walletPolicy}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		b.open("unclean", 1000)
		b.said(request("unclean", "a", RailCard), SaidNeedsAttention)
		for i := range twins {
			purse.mu.Lock()
			purse.answers = []Answer{yes(1000)}
			purse.mu.Unlock()
			id := fmt.Sprintf("twin%03d", i)
			b.open(id, 1000)
			r := request(id, "a", RailWallet)
			r.Code = NewSecret([]byte("28" + id))
			b.said(r, SaidApproved)
		}
		o, err := b.desk.Owed(b.ctx, "till")
		if err != nil || len(o.LookAlikes) != MaxLookAlikes || o.MoreAlike != more {
			t.Fatalf("%d listed and %d more, %v; want %d and %d", len(o.LookAlikes), o.MoreAlike, err, MaxLookAlikes, more)
		}
		for i, l := range o.LookAlikes {
			if want := fmt.Sprintf("twin%03d/a", i); l.Approved != want {
				t.Fatalf("at %d stands %s, want the oldest first: %s", i, l.Approved, want)
			}
		}
		if o, err := b.desk.Owed(b.ctx, "other"); err != nil || len(o.Stuck)+len(o.LookAlikes)+o.MoreAlike > 0 {
			t.Errorf("another till is told of %+v, %v", o, err)
		}
		if got, want := len(b.desk.Health(b.ctx).Problems), MaxLookAlikes+2; got != want {
			t.Errorf("%d concerns, want %d: what is stuck, the look-alikes that are listed, and how many are not", got, want)
		}
	})
}

func TestARefundThatIsNotAnsweredLooksLikeNoPayment(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}} // and no word about the refund
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("t", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(request("t", "a", RailCard), SaidApproved)
		if _, err := b.desk.Pay(b.ctx, naming("s", "r", KindRefund, "a", 0)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if o, err := b.desk.Owed(b.ctx, ""); err != nil || len(o.Open) != 1 || len(o.LookAlikes) > 0 {
			t.Errorf("owed is %+v, %v", o, err)
		}
	})
}

func TestAPartThatIsAcceptedLeavesTheSaleOpenForTheRest(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(400)}}
	purse := &script{pol: walletPolicy, answers: []Answer{yes(600)}}
	withDesk(t, card, purse, Rules{AcceptPartial: true}, func(b *bench) {
		b.open("s", 1000)
		if a := b.said(request("s", "a", RailCard), SaidApproved); a.Approved != 400 {
			t.Errorf("the part is %d", a.Approved)
		}
		if s, err := b.desk.Sale(b.ctx, "till", "s"); err != nil || s.Net() != 400 || s.Rest() != 600 {
			t.Errorf("paid %d, rest %d, %v", s.Net(), s.Rest(), err)
		}
		r := request("s", "b", RailWallet)
		r.Code = NewSecret([]byte("281234567890123456"))
		if a := b.said(r, SaidApproved); a.Amount != 600 {
			t.Errorf("the rest was asked for as %d", a.Amount)
		}
		_, err := b.pay(request("s", "c", RailCard))
		b.refused(err, "sale_paid")
	})
}

func TestWhatIsStuckNeitherGatesNorShutsTheShop(t *testing.T) {
	card := newSettlingCard(Answer{}, yes(200), yes(300))
	card.undos = []Undo{{Outcome: Refused, Code: "64"}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		for id, amount := range map[string]Cents{"s": 100, "t": 200, "u": 300} {
			b.open(id, amount)
		}
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		b.said(request("t", "a", RailCard), SaidApproved)
		begun := time.Now()
		got := b.closed(CloseBatch{By: "schedule", scheduled: "2026-11-28"}, BatchClosed)
		if len(got.Open) != 1 || got.Open[0].State != Stuck || time.Since(begun) > time.Second {
			t.Errorf("after %v closed as %+v", time.Since(begun), got)
		}
		b.said(request("u", "a", RailCard), SaidApproved)
		_, err := b.pay(request("s", "b", RailCard))
		b.refused(err, "sale_needs_attention") // its own sale stays locked
	})
}
