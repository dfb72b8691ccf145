package payment

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// duplicate is what a host says of a copy of a refund that it has had: nobody knows whether that was done.
var duplicate = Answer{Hopeless: true, Code: "94"}

func TestTheOtherOfAPairIsLeftAloneUntilTheFirstUndoIsProvenRefused(t *testing.T) {
	for _, c := range []struct {
		verdict    string
		undo, stay State
	}{{"paid", SettledPaid, ApprovedState}, {"not-paid", SettledNotPaid, Reversed}} {
		t.Run(c.verdict, func(t *testing.T) {
			card := &script{
				pol: cardPolicy, answers: []Answer{{}, yes(1000), {}, duplicate},
				undos: []Undo{{Outcome: Refused, Code: "01"}, {Outcome: Confirmed}},
			}
			withDesk(t, card, nil, Rules{}, func(b *bench) {
				b.open("s", 1000)
				b.said(request("s", "a", RailCard), SaidNeedsAttention)
				b.told(insist("c", RailCard))
				b.settle("a", "paid")
				time.Sleep(time.Hour)
				b.stands("undo-a", Stuck)
				b.stands("c", ApprovedState)
				b.settle("undo-a", c.verdict)
				b.stands("undo-a", c.undo)
				b.stands("c", c.stay)
				b.holds(1000)
			})
		})
	}
}

// told pays, and the till hears that it is approved.
func (b *bench) told(r Request) Attempt {
	b.t.Helper()
	a := b.said(r, SaidApproved)
	if err := b.desk.Told(b.ctx, a); err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) stands(attempt string, want State) {
	b.t.Helper()
	if a, ok := b.sale("s").Find(attempt); !ok || a.State != want {
		b.t.Errorf("%s is %q (found %v), want %s", attempt, a.State, ok, want)
	}
}

// pending is a wallet whose customer has not said yes yet, and is asked again after a minute; pair has it passed by a card.
var pending = Answer{Outcome: Pending, After: time.Minute}

// pair opens a sale with a wallet payment w that may yet be paid, and a card payment c that a supervisor has let through.
func (b *bench) pair() (c Attempt) {
	b.t.Helper()
	b.open("s", 1000)
	if _, err := b.desk.Pay(b.ctx, byCode("s", "w", "281234567890123456")); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
	return b.told(insist("c", RailCard))
}

func undoing(id string, kind Kind, orig Attempt, amount Cents) Request {
	return Request{Key: Key{"till", "s", id}, Kind: kind, Original: &orig, Amount: amount}
}

// slowly is a tender that takes a while to get ready, when it is told so.
type slowly struct {
	*script
	slow atomic.Bool
}

func (s *slowly) Ready(ctx context.Context) error {
	if s.slow.Load() {
		time.Sleep(20 * time.Second)
	}
	return ctx.Err()
}

func TestWhilePosdGivesBackOneOfAPairNobodyUndoesEither(t *testing.T) {
	for _, kind := range []Kind{KindVoid, KindRefund} {
		for _, ready := range []bool{false, true} { // the undoing is not begun yet; it is sent and not answered
			card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000)}}
			purse := &slowly{script: &script{pol: walletPolicy, plan: Plan{Deadline: time.Hour}, answers: []Answer{pending, yes(1000), {}, {}, {}, {}, {}, yes(1000)}}}
			withTenders(t, card, purse, Rules{}, func(b *bench) {
				c := b.pair()
				purse.slow.Store(!ready)
				time.Sleep(62 * time.Second) // the wallet turns out to be paid
				_, err := b.pay(undoing("v", kind, c, 0))
				b.refused(err, "pair_undoing")
				w, _ := b.sale("s").Find("w")
				_, err = b.pay(undoing("r", KindRefund, w, 0))
				if err == nil {
					t.Error("a till may refund what posd is giving back")
				}
				time.Sleep(10 * time.Minute)
				b.holds(1000)
				b.stands("c", ApprovedState)
				b.said(undoing("v2", KindVoid, c, 0), SaidApproved) // and then it may
			})
		}
	}
}

func TestNothingOfAPairIsUndoneWhileATillUndoesTheOther(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		last Answer
		net  Cents
		stay string
	}{{KindRefund, yes(1000), 1000, "w"}, {KindRefund, Answer{Outcome: Declined, Code: "05"}, 1000, "c"}} {
		card := &script{pol: cardPolicy, answers: []Answer{yes(1000), {}, {}, {}, {}, {}, {}, {}, c.last, c.last, c.last}}
		purse := &giving{&script{pol: walletPolicy, plan: Plan{Deadline: time.Hour}}}
		withTenders(t, card, purse, Rules{}, func(b *bench) {
			paid := b.pair()
			if _, err := b.desk.Pay(b.ctx, undoing("r", c.kind, paid, 0)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(70 * time.Second) // the wallet turns out to be paid, and the refund has no answer yet
			if _, begun := b.sale("s").Find("undo-w"); begun {
				t.Error("posd gives the wallet back while the card may be given back already")
			}
			time.Sleep(time.Hour)
			b.stands(c.stay, ApprovedState)
			b.holds(c.net)
		})
	}
}

// giving is a gateway whose customer pays after a minute, and that gives back what it is asked for.
type giving struct{ *script }

func (g *giving) Authorize(_ context.Context, a Attempt, _ Input) Answer {
	g.note("authorize", a)
	if a.Kind == KindSale {
		return pending
	}
	return yes(a.Amount)
}

func (g *giving) Ask(_ context.Context, a Attempt) Answer { return yes(a.Amount) }

func TestWhatATillHasRefundedIsNotKeptFromTheOtherOfThePair(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(300)}}
	withTenders(t, card, &giving{&script{pol: walletPolicy, plan: Plan{Deadline: time.Hour}}}, Rules{}, func(b *bench) {
		c := b.pair()
		b.said(undoing("r", KindRefund, c, 300), SaidApproved)
		time.Sleep(time.Hour) // the wallet turns out to be paid: all of it goes back
		b.holds(700)
		b.stands("c", ApprovedState)
	})
}

func TestWhatIsPaidForARefundedPartIsNoExcess(t *testing.T) {
	s := Sale{Amount: 1000, Attempts: []Attempt{
		{Key: Key{Attempt: "c"}, Kind: KindSale, State: ApprovedState, Amount: 1000, Approved: 1000, Refunded: 300},
		{Key: Key{Attempt: "r"}, Kind: KindRefund, State: ApprovedState, Amount: 300, Approved: 300, Original: "c"},
		{Key: Key{Attempt: "d"}, Kind: KindSale, State: ApprovedState, Amount: 300, Approved: 300},
	}}
	if got := decideSalePair(s, Pair{First: "c", Second: "d", State: PairOpen}, nil, ""); got.to != PairResolved {
		t.Errorf("what was refunded was paid again, and the pair moves: %+v", got)
	}
}

func TestWhatIsLeftOfAPartlyRefundedCardOfAPairIsRefunded(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(300), yes(700)}, undos: []Undo{{Outcome: Confirmed}}}
	purse := &script{pol: walletPolicy, plan: Plan{Deadline: time.Hour, FirstAsk: 10 * time.Minute}, answers: []Answer{{Outcome: Pending}, yes(1000), {Outcome: Declined, Code: "no"}}}
	withDesk(t, card, purse, Rules{}, func(b *bench) {
		c := b.pair()
		b.said(undoing("r", KindRefund, c, 300), SaidApproved)
		time.Sleep(24 * time.Hour) // the wallet is paid, and its refund is refused: the card goes
		b.stands("undo-w", DeclinedState)
		b.stands("undo-c", ApprovedState)
		b.holds(1000)
	})
}
