package payment

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// swallowed is a wallet whose first payment ends reversed, though its gateway may hold it; further answers follow.
func swallowed(answers ...Answer) *script {
	return &script{pol: walletPolicy, answers: append([]Answer{{Hopeless: true}}, answers...), undos: []Undo{{Outcome: Confirmed}}}
}

func byCode(sale, attempt, code string) Request {
	r := request(sale, attempt, RailWallet)
	r.Code = NewSecret([]byte(code))
	return r
}

var bill = Order{By: "supervisor 1", Reason: "the bill has it", Amount: 1000}

// order orders a refund and waits for its outcome.
func (b *bench) order(k Key, o Order) Attempt {
	b.t.Helper()
	a, err := b.desk.Refund(b.ctx, k, o)
	if err == nil {
		a, err = b.desk.Wait(b.ctx, a.Key, time.Hour)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) sale(id string) Sale {
	b.t.Helper()
	s, err := b.desk.Sale(b.ctx, "till", id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestWhatABillShowsOfAReversedPaymentIsGivenBackOnceAtASupervisorsOrder(t *testing.T) {
	purse := swallowed(yes(1000), yes(1000))
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(byCode("s", "a", "281234567890123456"), SaidReversed)
		first := b.order(a.Key, bill)
		if first.State != ApprovedState || first.Amount != 1000 || first.Original != "a" || first.Ordered == nil || first.Ordered.By != bill.By {
			t.Fatalf("the refund is %+v", first)
		}
		if again := b.order(a.Key, bill); again.Key != first.Key {
			t.Errorf("a second order made %s, want %s again", again.Key, first.Key)
		}
		if want := "[authorize a reverse a authorize undo-found-a]"; purse.calls() != want {
			t.Errorf("the gateway was asked %s, want %s", purse.calls(), want)
		}
		s := b.sale("s")
		if orig, _ := s.Find("a"); orig.State != Reversed || orig.Said() != SaidReversed || orig.Found == nil || orig.Owes() != 0 || s.Net() != 0 || s.Rest() != 1000 {
			t.Errorf("the original is %+v, the sale holds %d", orig, s.Net())
		}
		b.said(byCode("s", "b", "281234567890123457"), SaidApproved)
		if found, err := b.desk.Archive().Audit(b.ctx); err != nil || found.Damage != nil {
			t.Errorf("the journal after it: %+v, %v", found.Damage, err)
		}
	})
}

func TestAnOrderOverAnotherAmountIsOfWhatIsLeftAndNeverAnsweredByAnEarlierOne(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(300), yes(500), yes(200)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(byCode("s", "a", "281234567890123456"), SaidApproved)
		of := func(amount Cents) Order { return Order{By: "chief", Reason: "goods came back", Amount: amount} }
		first, second := b.order(a.Key, of(300)), b.order(a.Key, of(500))
		if first.Amount != 300 || second.Amount != 500 || second.State != ApprovedState {
			t.Fatalf("orders of 300 and 500 gave %d and %d (%s)", first.Amount, second.Amount, second.State)
		}
		for _, o := range []Attempt{first, second} {
			if again := b.order(a.Key, of(o.Amount)); again.Key != o.Key {
				t.Errorf("the order of %d repeated gave %s, want %s again", o.Amount, again.Key, o.Key)
			}
		}
		_, err := b.desk.Refund(b.ctx, a.Key, of(201))
		b.refused(err, "refund_too_high")
		if rest := b.order(a.Key, of(0)); rest.Amount != 200 {
			t.Errorf("an order of all that is left gave back %d, want 200", rest.Amount)
		}
		if s := b.sale("s"); s.Net() != 0 {
			t.Errorf("the sale holds %d", s.Net())
		}
	})
}

func TestASaleStaysLockedUntilWhatABillHasShownIsGivenBack(t *testing.T) {
	purse := swallowed(Answer{Outcome: Declined, Code: "no"}, yes(1000), yes(1000))
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(byCode("s", "a", "281234567890123456"), SaidReversed)
		if r := b.order(a.Key, bill); r.State != DeclinedState {
			t.Fatalf("the refund is %s", r.State)
		}
		_, err := b.pay(byCode("s", "b", "281234567890123457"))
		b.refused(err, "sale_needs_attention")
		owed, err := b.desk.Owed(b.ctx, "")
		if err != nil || len(owed.Found) != 1 || owed.Found[0].Owes() != 1000 {
			t.Errorf("owed is %+v, %v; want the attempt that a bill has shown", owed.Found, err)
		}
		if h := b.desk.Health(b.ctx); h.Status != "degraded" || h.Problems[0].Code != "paid_there" {
			t.Errorf("health is %+v", h)
		}
		if r := b.order(a.Key, bill); r.State != ApprovedState || r.Attempt != "undo-found-a.2" {
			t.Errorf("the next order made %s, %s", r.Key, r.State)
		}
		b.said(byCode("s", "b", "281234567890123457"), SaidApproved)
	})
}

func TestAnOrderedRefundIsRepeatedUnderItsNumberUntilItIsAnswered(t *testing.T) {
	purse := swallowed(Answer{}, Answer{}, Answer{}, yes(1000))
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(byCode("s", "a", "281234567890123456"), SaidReversed)
		begun, err := b.desk.Refund(b.ctx, a.Key, bill)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.pay(byCode("s", "b", "281234567890123457"))
		b.refused(err, "sale_needs_attention")
		done := b.order(a.Key, bill)
		if done.State != ApprovedState || done.Numbers != begun.Numbers || done.Key != begun.Key {
			t.Errorf("the refund is %+v, begun as %+v", done, begun)
		}
		if want := "[authorize a reverse a authorize undo-found-a authorize undo-found-a authorize undo-found-a authorize undo-found-a]"; purse.calls() != want {
			t.Errorf("the gateway was asked %s", purse.calls())
		}
	})
}

func TestOnlyWhatEndedWithoutMoneyOrHoldsSomeIsRefundedByOrder(t *testing.T) {
	pol := walletPolicy
	purse := &script{
		pol: pol, plan: Plan{Deadline: time.Hour, FirstAsk: time.Minute},
		answers: []Answer{yes(1000), {Outcome: Declined}, {Outcome: Pending}, {Outcome: Pending}}, undos: []Undo{{Outcome: Refused}},
	}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		for _, sale := range []string{"paid", "declined", "asked"} {
			b.open(sale, 1000)
		}
		refused := func(sale string, o Order, code string) {
			t.Helper()
			_, err := b.desk.Refund(b.ctx, Key{"till", sale, "a"}, o)
			b.refused(err, code)
		}
		b.said(byCode("paid", "a", "281234567890123456"), SaidApproved)
		refused("paid", Order{By: "s", Reason: "r", Amount: 1001}, "refund_too_high")
		refused("paid", Order{By: "s", Amount: 1}, "bad_request")
		b.said(byCode("declined", "a", "281234567890123457"), SaidDeclined)
		refused("declined", Order{By: "s", Reason: "r"}, "bad_request")
		refused("declined", Order{By: "s", Reason: "r", Amount: 1001}, "refund_too_high")
		refused("nowhere", bill, "not_found")
		if _, err := b.desk.Pay(b.ctx, byCode("asked", "a", "281234567890123458")); err != nil {
			t.Fatal(err)
		}
		refused("asked", bill, "still_open")
		if _, err := b.desk.Cancel(b.ctx, Key{"till", "asked", "a"}); err != nil {
			t.Fatal(err)
		}
		if a, err := b.desk.Wait(b.ctx, Key{"till", "asked", "a"}, time.Minute); err != nil || a.State != Stuck {
			t.Fatalf("the attempt is %s, %v", a.State, err)
		}
		refused("asked", bill, "not_settled")
	})
}

func TestAnOrderThatCannotBeJournaledMovesNothing(t *testing.T) {
	purse := swallowed(yes(1000))
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(byCode("s", "a", "281234567890123456"), SaidReversed)
		b.fail = errors.New("disk full")
		if _, err := b.desk.Refund(b.ctx, a.Key, bill); err == nil {
			t.Error("it was begun")
		}
		if purse.calls() != "[authorize a reverse a]" {
			t.Errorf("the gateway was asked %s", purse.calls())
		}
		if orig, _ := b.sale("s").Find("a"); orig.Found != nil {
			t.Error("the finding was journaled without its refund")
		}
		time.Sleep(3 * time.Second) // the journal comes back
		if r := b.order(a.Key, bill); r.State != ApprovedState {
			t.Errorf("the refund is %s", r.State)
		}
	})
}

// keptByCard is a card that was reversed, and that its host may hold.
func keptByCard(b *bench) Attempt {
	b.open("s", 1000)
	return b.said(request("s", "a", RailCard), SaidReversed)
}

func TestWhatACardHostKeptIsGivenBackByHandAndTheSaleIsLockedUntilThen(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}, yes(1000)}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		a := keptByCard(b)
		r := b.order(a.Key, bill)
		if r.State != Stuck || r.Said() != SaidNeedsAttention || r.Undo.Code != CodeAskAcquirer || !strings.Contains(r.Undo.Text, "batch "+a.Numbers.Batch) || r.Amount != 1000 || r.Rail != RailCard {
			t.Fatalf("the refund is %+v", r)
		}
		if again := b.order(a.Key, bill); again.Key != r.Key {
			t.Errorf("a second order made %s", again.Key)
		}
		_, err := b.pay(request("s", "b", RailCard))
		b.refused(err, "sale_needs_attention")
		if h := b.desk.Health(b.ctx); h.Status != "degraded" {
			t.Errorf("health is %+v", h)
		}
		if _, err := b.desk.Settle(b.ctx, r.Key, Settlement{As: "paid", By: "supervisor 1", Reason: "the acquirer has given it back"}); err != nil {
			t.Fatal(err)
		}
		if s := b.sale("s"); s.Net() != 0 || s.Rest() != 1000 {
			t.Errorf("the sale holds %d, rest %d", s.Net(), s.Rest())
		}
		b.said(request("s", "b", RailCard), SaidApproved)
		if want := "[authorize a reverse a authorize b]"; card.calls() != want {
			t.Errorf("the host was asked %s, want %s", card.calls(), want)
		}
		if found, err := b.desk.Archive().Audit(b.ctx); err != nil || found.Damage != nil {
			t.Errorf("the journal after it: %+v, %v", found.Damage, err)
		}
	})
}

// TestARefundByHandOutlivesADiskThatFails: what was begun and not yet said to be the acquirer's is found again.
func TestARefundByHandOutlivesADiskThatFails(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		a := keptByCard(b)
		b.failAfter(1, errors.New("disk full"))
		r, err := b.desk.Refund(b.ctx, a.Key, bill)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the journal comes back
		if r, err = b.desk.Attempt(b.ctx, r.Key); err != nil || r.State != Stuck || r.Undo.Code != CodeAskAcquirer {
			t.Errorf("it is %s (%v), %s", r.State, err, r.Undo.Code)
		}
		if want := "[authorize a reverse a]"; card.calls() != want {
			t.Errorf("the host was asked %s", card.calls())
		}
	})
}

func TestWhatTheAcquirerDoesNotGiveBackCanBeOrderedAgain(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Confirmed}}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		a := keptByCard(b)
		r := b.order(a.Key, bill)
		if r, err := b.desk.Settle(b.ctx, r.Key, Settlement{As: "retry", By: "supervisor 1", Reason: "asked again"}); err != nil {
			t.Fatalf("retry: %+v, %v", r, err)
		}
		if r, err := b.desk.Wait(b.ctx, r.Key, time.Hour); err != nil || r.State != Stuck {
			t.Fatalf("after a retry it is %s, %v", r.State, err)
		}
		if _, err := b.desk.Settle(b.ctx, r.Key, Settlement{As: "not-paid", By: "supervisor 1", Reason: "they refuse"}); err != nil {
			t.Fatal(err)
		}
		_, err := b.pay(request("s", "b", RailCard))
		b.refused(err, "sale_needs_attention")
		if r := b.order(a.Key, bill); r.Attempt != "undo-found-a.2" || r.State != Stuck {
			t.Errorf("the next order made %s, %s", r.Key, r.State)
		}
	})
}

func TestSalesAreGivenInPagesAndFromATimeOn(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(1000), yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(byCode("s", "a", "281234567890123456"), SaidApproved)
		time.Sleep(time.Hour)
		later := time.Now()
		b.open("t", 1000)
		b.said(byCode("t", "a", "281234567890123457"), SaidApproved)
		b.open("u", 1000)
		archive := b.desk.Archive()
		all, next, err := archive.Sales(b.ctx, SaleSearch{Limit: 2})
		if err != nil || len(all) != 2 || all[0].ID != "s" || len(all[1].Attempts) != 1 {
			t.Fatalf("first page: %+v, %v", all, err)
		}
		rest, end, err := archive.Sales(b.ctx, SaleSearch{After: next})
		if err != nil || len(rest) != 1 || rest[0].ID != "u" || end <= next {
			t.Errorf("second page: %+v, %v", rest, err)
		}
		if none, same, err := archive.Sales(b.ctx, SaleSearch{After: end}); err != nil || len(none) != 0 || same != end {
			t.Errorf("last page: %+v, %d, %v", none, same, err)
		}
		if since, _, err := archive.Sales(b.ctx, SaleSearch{Since: later}); err != nil || len(since) != 1 || since[0].ID != "t" {
			t.Errorf("since %v: %+v, %v", later, since, err)
		}
	})
}
