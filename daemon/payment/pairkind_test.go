package payment

import (
	"testing"
	"time"
)

func TestWhatReservesGoesBeforeWhatWasPaid(t *testing.T) {
	of := func(id string, kind Kind, st State) Attempt {
		a := Attempt{Key: Key{"c", "s", id}, Kind: kind, Rail: RailCard, State: st, Amount: 10}
		if st == ApprovedState {
			a.Approved, a.Told = 10, SaidApproved
		}
		return a
	}
	completion := func(st State) Attempt { c := of("c", KindCompletion, st); c.Original = "a"; return c }
	wallet := of("b", KindSale, ApprovedState)
	wallet.Rail = RailWallet
	open, undoing := Pair{State: PairOpen}, Pair{State: PairUndoing, Undo: "a"}
	for _, c := range []struct {
		name string
		p    Pair
		s    []Attempt
		want pairMove
	}{
		{"pre-auth, then a sale", open, []Attempt{of("a", KindPreAuth, ApprovedState), of("b", KindSale, ApprovedState)}, pairMove{to: PairUndoing, undo: "a", reverse: true}},
		{"sale, then a pre-auth", open, []Attempt{of("a", KindSale, SettledPaid), of("b", KindPreAuth, ApprovedState)}, pairMove{to: PairUndoing, undo: "b", reverse: true}},
		{"pre-auth settled as standing, and a wallet: no wallet is refunded for it", open, []Attempt{of("a", KindPreAuth, SettledPaid), wallet}, pairMove{to: PairUndoing, undo: "a"}},
		{"the pre-auth is not freed: a person, and no payment goes", undoing, []Attempt{of("a", KindPreAuth, Stuck), of("b", KindSale, ApprovedState)}, pairMove{to: PairFailed}},
		{"two pre-auths: the first goes", open, []Attempt{of("a", KindPreAuth, ApprovedState), of("b", KindPreAuth, ApprovedState)}, pairMove{to: PairUndoing, undo: "a", reverse: true}},
		{"two pre-auths, the first is not freed: a person says first what it holds", undoing, []Attempt{of("a", KindPreAuth, Stuck), of("b", KindPreAuth, ApprovedState)}, pairMove{}},
		{"pre-auth that is being completed", open, []Attempt{of("a", KindPreAuth, ApprovedState), of("b", KindSale, ApprovedState), completion(Stuck)}, pairMove{}},
		{"pre-auth that is completed", open, []Attempt{of("a", KindPreAuth, ApprovedState), of("b", KindSale, ApprovedState), completion(ApprovedState)}, pairMove{to: PairResolved}},
		{"completion that is taken back, by a refund", open, []Attempt{of("a", KindCompletion, ApprovedState), of("b", KindSale, ApprovedState)}, pairMove{to: PairUndoing, undo: "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.p.First, c.p.Second = "a", "b"
			if got := decidePair(Sale{Amount: 10, Attempts: c.s}, c.p, nil); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestACompletionThatPassesTheLockIsHalfOfAPair(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), {}, yes(1000), yes(1000)}, undos: []Undo{{Outcome: Refused}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved)
		r := insist("a", RailCard)
		b.said(r, SaidNeedsAttention)
		c := naming("s", "c", KindCompletion, "p", 0)
		_, err := b.pay(c)
		b.refused(err, "sale_needs_attention")
		c.Override = &Override{By: "chief", Reason: "the guest leaves"}
		b.said(c, SaidApproved)
		b.settle("a", "paid")
		b.holds(1000)
		if want := "[authorize p authorize a reverse a authorize c authorize undo-a]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
	})
}

func TestAPreAuthOfAPairThatAPersonSaysStandsIsVoided(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000), yes(1000)}, undos: []Undo{{Outcome: Refused}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidNeedsAttention)
		b.said(insist("a", RailCard), SaidApproved)
		b.settle("p", "paid")
		time.Sleep(time.Second)
		b.holds(1000)
		a, err := b.desk.Attempt(b.ctx, Key{"till", "s", "undo-p"})
		if err != nil || a.Kind != KindVoid || !a.System || a.Said() != SaidApproved {
			t.Errorf("the pre-auth was freed by %+v %v", a, err)
		}
		b.said(preAuth("s", "p"), SaidVoided)
	})
}
