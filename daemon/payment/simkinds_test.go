package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"posd/daemon/journal"
)

func bodyOf(e journal.Event) (f Fact) {
	_ = json.Unmarshal(e.Body, &f)
	return f
}

// payingBy draws how a sale is paid: mostly at once, now and then by a reservation first.
func payingBy(k Key, rng *rand.Rand) Request {
	r := Request{Key: k, Kind: KindSale, Rail: []Rail{RailCard, RailCard, RailWallet, RailWallet, RailAny}[rng.IntN(5)], Print: true}
	if r.Rail == RailCard && rng.IntN(3) == 0 {
		r.Kind = KindPreAuth
	}
	return r
}

// ask is a customer who wants to know what the card has.
func (d *day) ask(client, id string) {
	r := Request{Key: Key{client, id, "balance"}, Kind: KindBalance, Rail: RailCard}
	first := ""
	for range 2 { // the answer stays what it was
		_ = d.try(func(ctx context.Context, desk *Desk) error {
			if _, err := desk.Pay(ctx, r); err != nil {
				return err
			}
			a, err := desk.Wait(ctx, r.Key, desk.rules.CollectWithin*2)
			if err == nil && a.State == ApprovedState {
				said := fmt.Sprint(a.Balance != nil, a.Balance)
				if a.Balance != nil {
					said = fmt.Sprint(*a.Balance)
				}
				if first != "" && said != first || a.Balance == nil {
					d.w.breach("I4: the balance %s was %s, and then %s", a.Key, first, said)
				}
				first = said
			}
			return err
		})
	}
}

// reserved does something with the pre-auth of a sale, if one stands: completes it, for all or for a part, voids it, or
// leaves it.
func (d *day) reserved(client, id string, rng *rand.Rand) {
	what, n := rng.IntN(6), rng.IntN(3)
	for try := range 2 + n {
		p := d.standing(client, id)
		if p.Attempt == "" || what == 0 {
			return
		}
		r := Request{Key: Key{client, id, fmt.Sprintf("use%d", try)}, Kind: KindCompletion, Original: &p, Print: true}
		switch what {
		case 1:
			r.Kind = KindVoid
		case 2:
			r.Amount = max(1, p.held()*4/5)
		}
		if rng.IntN(8) == 0 {
			r.Override = &Override{By: "supervisor", Reason: "the guest leaves"}
		}
		_ = d.try(func(ctx context.Context, desk *Desk) error {
			if _, err := desk.Pay(ctx, r); err != nil {
				return err
			}
			_, err := d.wait(ctx, desk, r.Key, 0, false, false)
			return err
		})
		what = 3 + rng.IntN(3)
	}
}

// standing gives the pre-auth of a sale that holds something.
func (d *day) standing(client, id string) (p Attempt) {
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		s, err := desk.book.Sale(ctx, client, id)
		for _, a := range s.Attempts {
			if s.reservedBy(a) > 0 {
				p = a
			}
		}
		return err
	})
	return p
}

// stray is a till that gives back what was never paid, or was taken back: an attempt that it takes for another one.
func (d *day) stray(client, id string) {
	rng := d.w.draw("stray", client+id)
	if rng.IntN(3) > 0 {
		return
	}
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		s, err := desk.book.Sale(ctx, client, id)
		for _, a := range s.Attempts {
			if a.Kind != KindSale || a.State == ApprovedState || a.State == SettledPaid {
				continue
			}
			r := Request{Key: Key{client, id, "stray-" + a.Attempt}, Kind: KindRefund, Amount: a.Amount, Original: &a}
			if _, err := desk.Pay(ctx, r); err != nil {
				return err
			}
			b, err := desk.Wait(ctx, r.Key, 90*time.Second)
			d.w.breach("a %s attempt %s is given back: %s (%v)", a.State, a.Key, b.State, err)
		}
		return err
	})
}
