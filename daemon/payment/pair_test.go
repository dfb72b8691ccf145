package payment

import "testing"

func TestASuspectPairLosesExactlyOneOfItsPayments(t *testing.T) {
	sale := func(id string, rail Rail, st State) Attempt {
		a := Attempt{Key: Key{"c", "s", id}, Kind: KindSale, Rail: rail, State: st, Amount: 10}
		if st == ApprovedState {
			a.Approved, a.Told = 10, SaidApproved
		}
		return a
	}
	card, purse := RailCard, RailWallet
	refund := func(st State) *Attempt { return &Attempt{Kind: KindRefund, State: st} }
	for _, c := range []struct {
		name          string
		p             Pair
		first, second Attempt
		via           *Attempt
		want          pairMove
	}{
		{"first still stuck", Pair{State: PairOpen}, sale("a", card, Stuck), sale("b", purse, ApprovedState), nil, pairMove{}},
		{"first reversed", Pair{State: PairOpen}, sale("a", card, Reversed), sale("b", purse, ApprovedState), nil, pairMove{to: PairResolved}},
		{"second declined", Pair{State: PairOpen}, sale("a", card, Stuck), sale("b", purse, DeclinedState), nil, pairMove{to: PairResolved}},
		{"card settled as paid: the wallet is refunded", Pair{State: PairOpen}, sale("a", card, SettledPaid), sale("b", purse, ApprovedState), nil, pairMove{to: PairUndoing, undo: "b"}},
		{"wallet settled as paid: it goes, the approved card stays", Pair{State: PairOpen}, sale("a", purse, SettledPaid), sale("b", card, ApprovedState), nil, pairMove{to: PairUndoing, undo: "a"}},
		{"two cards: the one that was not told approved goes", Pair{State: PairOpen}, sale("a", card, SettledPaid), sale("b", card, ApprovedState), nil, pairMove{to: PairUndoing, undo: "a"}},
		{"refund under way", Pair{State: PairUndoing, Undo: "b", Via: "undo-b"}, sale("a", card, SettledPaid), sale("b", purse, ApprovedState), refund(Sent), pairMove{}},
		{"refund refused: the other one goes", Pair{State: PairUndoing, Undo: "b", Via: "undo-b"}, sale("a", card, SettledPaid), sale("b", purse, ApprovedState), refund(DeclinedState), pairMove{to: PairUndoing, undo: "a"}},
		{"both refused: a person", Pair{State: PairUndoing, Undo: "a", Via: "undo-a", Tried: []string{"b"}}, sale("a", card, SettledPaid), sale("b", purse, ApprovedState), refund(DeclinedState), pairMove{to: PairFailed}},
		{"resolved stays", Pair{State: PairResolved}, sale("a", card, SettledPaid), sale("b", purse, ApprovedState), nil, pairMove{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.p.First, c.p.Second = "a", "b"
			s := Sale{Amount: 10, Attempts: []Attempt{c.first, c.second}}
			if got := decidePair(s, c.p, c.via); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAfterTheRefundThePairIsResolved(t *testing.T) {
	first := Attempt{Key: Key{"c", "s", "a"}, Kind: KindSale, Rail: RailCard, State: SettledPaid, Amount: 10}
	second := Attempt{Key: Key{"c", "s", "b"}, Kind: KindSale, Rail: RailWallet, State: ApprovedState, Amount: 10, Approved: 10, Refunded: 10}
	p := Pair{First: "a", Second: "b", State: PairUndoing, Undo: "b", Via: "undo-b"}
	s := Sale{Amount: 10, Attempts: []Attempt{first, second}}
	if got := decidePair(s, p, &Attempt{Kind: KindRefund, State: ApprovedState}); got.to != PairResolved {
		t.Errorf("got %+v", got)
	}
}
