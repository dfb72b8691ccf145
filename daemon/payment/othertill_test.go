package payment

import (
	"strings"
	"testing"
	"time"
)

// atTwoTills opens a sale of the same id for two tills, and gives it a request of the second one's.
func (b *bench) atTwoTills(rail Rail) Request {
	b.t.Helper()
	b.open("e1", 1000)
	if _, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till-2", ID: "e1", Amount: 500, Currency: "CNY"}); err != nil {
		b.t.Fatal(err)
	}
	return Request{Key: Key{"till-2", "e1", "w"}, Rail: rail, Kind: KindSale}
}

// anothers checks that a refusal names the attempt of another till by its short id, and no sale, since the one who asks has one
// of that id, too.
func (b *bench) anothers(err error, code string, k Key) {
	b.t.Helper()
	b.refused(err, code)
	p, id := Explain(err), b.desk.book.shortID(k.Client, k.Sale)
	if !strings.Contains(p.Detail, "an attempt of another till (payment "+id+")") || strings.Contains(p.Detail+p.Remedy, k.Sale) || strings.Contains(p.Remedy, "that attempt's") {
		b.t.Errorf("%s; %s: does not tell an attempt of another till, %s, from one's own", p.Detail, p.Remedy, id)
	}
}

func TestACodeThatAnotherTillUsedIsNotSaidToBeOfASaleOfOnesOwn(t *testing.T) {
	purse := &script{pol: walletPolicy, answers: []Answer{yes(500), yes(1000)}}
	withDesk(t, nil, purse, Rules{}, func(b *bench) {
		theirs := b.atTwoTills(RailWallet)
		theirs.Code = NewSecret([]byte("281234567890123456"))
		b.said(theirs, SaidApproved)
		_, err := b.pay(scanned("e1", "x", "281234567890123456"))
		b.anothers(err, "code_in_use", theirs.Key)
	})
}

func TestACustomerOfAnotherTillIsNotSaidToBeOfASaleOfOnesOwn(t *testing.T) {
	atOneReader(t, nil, func(b *bench) {
		theirs := b.atTwoTills(RailCard)
		b.begin(theirs)
		_, err := b.desk.Pay(b.ctx, request("e1", "w", RailCard))
		b.anothers(err, "counter_busy", theirs.Key)
	})
}

func TestAReversalOfAnotherTillIsNotSaidToBeOfASaleOfOnesOwn(t *testing.T) {
	card := &script{pol: cardPolicy}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		theirs := b.atTwoTills(RailCard)
		b.said(theirs, SaidReversing)
		_, err := b.pay(request("e1", "w", RailCard))
		b.anothers(err, "reversal_pending", theirs.Key)
	})
}

func TestABusyCounterSaysWhenToAskAgain(t *testing.T) {
	atOneReader(t, nil, func(b *bench) {
		b.begin(request("first", "a", RailCard))
		_, err := b.desk.Pay(b.ctx, request("second", "b", RailCard))
		b.refused(err, "counter_busy")
		if wait := Explain(err).RetryAt.Sub(b.now()); wait <= 0 || wait > 5*time.Second {
			t.Errorf("it may be asked again in %v", wait)
		}
	})
}
