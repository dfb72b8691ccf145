package payment

import (
	"context"
	"testing"
	"time"
)

func preAuth(sale, id string) Request {
	return Request{Key: Key{"till", sale, id}, Rail: RailCard, Kind: KindPreAuth}
}

// naming is a void, refund or completion.
func naming(sale, id string, kind Kind, original string, amount Cents) Request {
	return Request{Key: Key{"till", sale, id}, Kind: kind, Amount: amount, Original: &Attempt{Key: Key{Attempt: original}}}
}

func sentOf(kind Kind) Attempt {
	a := sentSale()
	a.Kind = kind
	if kind == KindBalance {
		a.Amount = 0
	}
	if originals[kind] != nil {
		a.Original = "o"
	}
	return a
}

func TestWhatAnAnswerMeansToTheKindsThatAreNoSale(t *testing.T) {
	yes := func(amount Cents) event { return event{answer: &Answer{Outcome: Approved, Amount: amount}} }
	standing := sentOf(KindPreAuth)
	standing.State, standing.Approved, standing.Confirm = ApprovedState, 1000, true
	captured := sentOf(KindCompletion)
	captured.State, captured.Approved, captured.Confirm = ApprovedState, 1000, true
	stuck := func(kind Kind) Attempt { a := sentOf(kind); a.State = Stuck; return a }
	paid := event{verdict: &Settlement{As: "paid"}}
	for _, c := range []struct {
		name string
		a    Attempt
		ev   event
		r    Rules
		want string
	}{
		{"pre-auth approved", sentOf(KindPreAuth), yes(1000), Rules{}, " attempt.approved"},
		{"pre-auth of a part", sentOf(KindPreAuth), yes(400), Rules{}, " attempt.reversing"},
		{"pre-auth of a part, by setting", sentOf(KindPreAuth), yes(400), Rules{AcceptPartial: true}, " attempt.approved"},
		{"pre-auth unknown", sentOf(KindPreAuth), event{answer: &Answer{}}, Rules{}, " attempt.reversing"},
		{"pre-auth after a restart", sentOf(KindPreAuth), event{restart: true}, Rules{}, " attempt.reversing"},
		{"pre-auth cancelled while it is sent", sentOf(KindPreAuth), event{stop: ReasonCancelled}, Rules{}, " attempt.reversing"},
		{"pre-auth cancelled when it stands", standing, event{stop: ReasonCancelled}, Rules{}, ""},
		{"pre-auth of a pair", standing, event{stop: ReasonUnwanted}, Rules{}, " attempt.reversing"},
		{"pre-auth never acknowledged", standing, event{lapsed: true}, Rules{}, " attempt.reversing"},
		{"pre-auth settled as paid", stuck(KindPreAuth), paid, Rules{}, " attempt.settled"},
		{"completion approved", sentOf(KindCompletion), yes(1000), Rules{}, " attempt.approved"},
		{"completion of a part", sentOf(KindCompletion), yes(400), Rules{AcceptPartial: true}, " attempt.reversing"},
		{"completion unknown", sentOf(KindCompletion), event{answer: &Answer{}}, Rules{}, " attempt.reversing"},
		{"completion after a restart", sentOf(KindCompletion), event{restart: true}, Rules{}, " attempt.reversing"},
		{"completion never acknowledged", captured, event{lapsed: true}, Rules{}, " attempt.reversing"},
		{"completion settled as paid", stuck(KindCompletion), paid, Rules{}, " attempt.settled"},
		{"void settled as paid", stuck(KindVoid), paid, Rules{}, " attempt.settled attempt.voided"},
		{"balance told", sentOf(KindBalance), yes(0), Rules{}, " attempt.approved"},
		{"balance told, with an amount", sentOf(KindBalance), yes(700), Rules{}, " attempt.approved"},
		{"balance declined", sentOf(KindBalance), event{answer: &Answer{Outcome: Declined}}, Rules{}, " attempt.declined"},
		{"balance not sent", sentOf(KindBalance), event{answer: &Answer{Outcome: NotSent}, first: true}, Rules{}, " attempt.unsent"},
		{"balance unknown", sentOf(KindBalance), event{answer: &Answer{}}, Rules{}, " attempt.declined"},
		{"balance after a restart", sentOf(KindBalance), event{restart: true}, Rules{}, " attempt.declined"},
		{"balance cancelled while it is sent", sentOf(KindBalance), event{stop: ReasonCancelled}, Rules{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(c.a, c.ev, cardPolicy, c.r.withDefaults())
			if got := kinds(d); got != c.want {
				t.Fatalf("journals%s, want%s", got, c.want)
			}
			if c.a.Kind == KindBalance && c.want == " attempt.declined" && c.ev.answer.unknown() && d.facts[0].Answer.Code != "no_answer" {
				t.Errorf("an unknown balance ends with %+v", d.facts[0].Answer)
			}
			if ans := d.facts; c.a.Kind == KindBalance && len(ans) > 0 && ans[0].Answer.Amount != 0 {
				t.Errorf("a balance moves %d", ans[0].Answer.Amount)
			}
		})
	}
}

// unknown tells that nobody said anything: nil is a restart.
func (a *Answer) unknown() bool { return a == nil || a.Outcome == Unknown }

func TestAKindOfTheTendersOwnThatMovesNoMoneyIsNeverReversed(t *testing.T) {
	pol := Policy{Terminal: "T", Inquiries: []Kind{"card-check"}}
	for _, ev := range []event{{answer: &Answer{}}, {restart: true}} {
		if got := kinds(decide(sentOf("card-check"), ev, pol, Rules{}.withDefaults())); got != " attempt.declined" {
			t.Errorf("journals%s", got)
		}
	}
}

func TestWhatAPreAuthHoldsAndLocks(t *testing.T) {
	auth := func(st State, approved Cents, voided bool) Attempt {
		return Attempt{Key: Key{Attempt: "p"}, Kind: KindPreAuth, State: st, Amount: 10, Approved: approved, Voided: voided}
	}
	done := func(st State, approved Cents, voided bool) []Attempt {
		return []Attempt{auth(ApprovedState, 10, false), {Key: Key{Attempt: "c"}, Kind: KindCompletion, Original: "p", State: st, Amount: 10, Approved: approved, Voided: voided}}
	}
	for _, c := range []struct {
		name                      string
		attempts                  []Attempt
		net, rest, reserved, open Cents
		locked                    bool
	}{
		{"sent", []Attempt{auth(Sent, 0, false)}, 0, 10, 0, 10, true},
		{"approved", []Attempt{auth(ApprovedState, 10, false)}, 0, 10, 10, 10, true},
		{"approved for a part", []Attempt{auth(ApprovedState, 4, false)}, 0, 10, 4, 6, false},
		{"declined", []Attempt{auth(DeclinedState, 0, false)}, 0, 10, 0, 10, false},
		{"reversing", []Attempt{auth(Reversing, 0, false)}, 0, 10, 0, 10, true},
		{"reversed", []Attempt{auth(Reversed, 0, false)}, 0, 10, 0, 10, false},
		{"stuck", []Attempt{auth(Stuck, 0, false)}, 0, 10, 0, 10, true},
		{"settled as standing", []Attempt{auth(SettledPaid, 0, false)}, 0, 10, 10, 10, true},
		{"settled as not standing", []Attempt{auth(SettledNotPaid, 0, false)}, 0, 10, 0, 10, false},
		{"voided", []Attempt{auth(ApprovedState, 10, true)}, 0, 10, 0, 10, false},
		{"being completed", done(Sent, 0, false), 0, 10, 0, 10, true},
		{"completion declined", done(DeclinedState, 0, false), 0, 10, 10, 10, true},
		{"completed", done(ApprovedState, 10, false), 10, 0, 0, 0, true},
		{"completed for less", done(ApprovedState, 7, false), 7, 3, 0, 3, false},
		{"completion voided", done(ApprovedState, 10, true), 0, 10, 10, 10, true},
		{"completion reversed", done(Reversed, 0, false), 0, 10, 10, 10, true},
		{"completion stuck", done(Stuck, 0, false), 0, 10, 0, 10, true},
		{"balance", []Attempt{{Kind: KindBalance, State: Sent}, {Kind: KindBalance, State: ApprovedState}}, 0, 10, 0, 10, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Sale{Amount: 10, Attempts: c.attempts}
			if _, locked := s.Lock(); s.Net() != c.net || s.Rest() != c.rest || s.Reserved() != c.reserved || s.open() != c.open || locked != c.locked {
				t.Errorf("net %d, rest %d, reserved %d, open %d, locked %v, want %+v", s.Net(), s.Rest(), s.Reserved(), s.open(), locked, c)
			}
		})
	}
}

func TestAPreAuthIsCompletedOnceAndNeverForMoreThanItHolds(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(800), yes(800), yes(1000)}, plan: Plan{Sealed: []byte("4111111111111111")}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		p := b.said(preAuth("s", "p"), SaidApproved)
		_, err := b.pay(request("s", "a", RailCard))
		b.refused(err, "sale_reserved")
		_, err = b.pay(naming("s", "r", KindRefund, "p", 0))
		b.refused(err, "not_refundable")
		_, err = b.pay(naming("s", "c0", KindCompletion, "p", 1001))
		b.refused(err, "completion_too_high")
		_, err = b.pay(naming("s", "c0", KindCompletion, "none", 0))
		b.refused(err, "not_found")
		b.said(naming("s", "c1", KindCompletion, "p", 800), SaidApproved)
		_, err = b.pay(naming("s", "c2", KindCompletion, "p", 100))
		b.refused(err, "pre_auth_completed")
		_, err = b.pay(naming("s", "v0", KindVoid, "p", 0))
		b.refused(err, "pre_auth_completed")
		b.holds(800)
		if v := b.said(naming("s", "v1", KindVoid, "c1", 0), SaidApproved); v.Amount != 800 {
			t.Errorf("the void of the completion is over %d", v.Amount)
		}
		if open, err := b.desk.book.opened(b.ctx, p); err != nil || open.Sealed == nil {
			t.Errorf("what the next completion needs is gone: %v", err)
		}
		b.said(naming("s", "c3", KindCompletion, "p", 0), SaidApproved)
		b.holds(1000)
	})
}

func TestAVoidedPreAuthFreesItsSale(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(1000), yes(1000)}, plan: Plan{Sealed: []byte("4111111111111111")}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		p := b.said(preAuth("s", "p"), SaidApproved)
		b.said(naming("s", "v", KindVoid, "p", 0), SaidApproved)
		b.said(preAuth("s", "p"), SaidVoided)
		if open, err := b.desk.book.opened(b.ctx, p); err != nil || open.Sealed != nil {
			t.Errorf("sealed data outlives the void: %v", err)
		}
		_, err := b.pay(naming("s", "c", KindCompletion, "p", 0))
		b.refused(err, "original_not_paid")
		b.said(request("s", "a", RailCard), SaidApproved)
	})
}

func TestRefundsAndVoidsOfACompletionNeverExceedIt(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(600), yes(200), yes(400)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved)
		b.said(naming("s", "c", KindCompletion, "p", 600), SaidApproved)
		_, err := b.pay(naming("s", "r0", KindRefund, "c", 601))
		b.refused(err, "refund_too_high")
		b.said(naming("s", "r1", KindRefund, "c", 200), SaidApproved)
		_, err = b.pay(naming("s", "v", KindVoid, "c", 0))
		b.refused(err, "already_refunded")
		b.said(naming("s", "r2", KindRefund, "c", 0), SaidApproved)
		b.holds(0)
		_, err = b.pay(naming("s", "c2", KindCompletion, "p", 0))
		b.refused(err, "pre_auth_completed")
	})
}

func TestACompletionOfUnknownOutcomeIsReversedAndThePreAuthStands(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), {}, yes(1000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved)
		b.said(naming("s", "c", KindCompletion, "p", 0), SaidReversed)
		b.said(naming("s", "d", KindCompletion, "p", 0), SaidApproved)
		if want := "[authorize p authorize c reverse c authorize d]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
	})
}

func TestABalanceIsToldAndARepeatGetsTheSame(t *testing.T) {
	has := Balance{Amount: -250, Currency: "CNY"}
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), {Outcome: Approved, Balance: &has}, {}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(preAuth("s", "p"), SaidApproved) // a locked sale
		ask := func(id string) Request {
			return Request{Key: Key{"till", "s", id}, Rail: RailCard, Kind: KindBalance}
		}
		for range 2 {
			if a := b.said(ask("b"), SaidApproved); a.Balance == nil || *a.Balance != has || a.Approved != 0 || a.Amount != 0 {
				t.Errorf("the balance is told as %+v", a)
			}
		}
		if a := b.said(ask("silent"), SaidDeclined); a.Code != "no_answer" || a.Balance != nil {
			t.Errorf("without an answer it is told %q, %+v", a.Code, a.Balance)
		}
		if want := "[authorize p authorize b authorize silent]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
	})
}

func TestABalanceOfBeforeTheRestartDidNothing(t *testing.T) {
	withPower(t, func(ctx context.Context, start func(card, purse Tender) (*Desk, func())) {
		card := &silentCard{&script{pol: cardPolicy}}
		d, stop := start(card, nil)
		if _, err := d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY"}); err != nil {
			t.Fatal(err)
		}
		k := Key{"till", "s", "b"}
		if _, err := d.Pay(ctx, Request{Key: k, Rail: RailCard, Kind: KindBalance}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		stop()
		d, stop = start(card, nil)
		defer stop()
		if a, err := d.Attempt(ctx, k); err != nil || a.State != DeclinedState || a.Code != "no_answer" {
			t.Errorf("after the restart it is %s %q (%v)", a.State, a.Code, err)
		}
		if card.calls() != "[authorize b]" {
			t.Errorf("the host was asked %s", card.calls())
		}
	})
}

// silentCard is a card whose host never answers, for as long as posd runs.
type silentCard struct{ *script }

func (s *silentCard) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	s.note("authorize", a)
	<-ctx.Done()
	return Answer{}
}

func TestABalancePassesTheGateAsAnyCardRequest(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidReversing)
		_, err := b.pay(Request{Key: Key{"till", "s", "b"}, Rail: RailCard, Kind: KindBalance})
		b.refused(err, "reversal_pending")
	})
}

func TestTheWalletKnowsNoneOfTheCardsOwnKinds(t *testing.T) {
	purse := &script{pol: walletPolicy}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		for _, rail := range []Rail{RailWallet, RailAny} {
			for _, kind := range []Kind{KindPreAuth, KindBalance} {
				_, err := b.pay(Request{Key: Key{"till", "s", "x"}, Kind: kind, Rail: rail})
				b.refused(err, "card_only")
			}
		}
		r := naming("s", "x", KindCompletion, "p", 0)
		r.Rail = RailWallet
		_, err := b.pay(r)
		b.refused(err, "card_only")
		_, err = b.pay(preAuth("s", "x"))
		b.refused(err, "rail_unavailable")
	})
}

func TestAPreAuthThatIsNotAcknowledgedIsReversedUnlessItIsCompleted(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(1000), yes(2000), yes(2000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{ConfirmMode: true}, func(b *bench) {
		b.open("silent", 1000)
		b.said(preAuth("silent", "p"), SaidApproved)
		time.Sleep(2 * time.Minute)
		b.said(preAuth("silent", "p"), SaidReversed)
		b.open("s", 2000)
		b.said(preAuth("s", "p"), SaidApproved)
		b.said(naming("s", "c", KindCompletion, "p", 0), SaidApproved)
		b.ack("s")
		time.Sleep(2 * time.Minute)
		b.holds(2000)
	})
}
