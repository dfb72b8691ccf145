package payment

import (
	"context"
	"fmt"
	"time"
)

// typesLate is the attempt of a customer who types a password for a while.
const typesLate = "late"

// twice is a customer who types the password of a wallet, and meanwhile pays in another way, which a supervisor lets pass.
func (d *day) twice(client, id string) {
	rng := d.w.draw("twice", client+id)
	if rng.IntN(3) > 0 {
		return
	}
	first := Request{Key: Key{client, id, typesLate}, Kind: KindSale, Rail: RailWallet, Print: true}
	second := payingBy(Key{client, id, "past"}, rng)
	second.Override = &Override{By: "supervisor", Reason: "the customer is in a hurry"}
	for n, r := range []Request{first, second} {
		shown := 0
		_ = d.try(func(ctx context.Context, desk *Desk) error {
			if r.Code = (Secret{}); r.Rail == RailWallet {
				shown++
				r.Code = NewSecret(fmt.Appendf(nil, "code %s%s %d", client, r.Key, shown))
			}
			if _, err := desk.Pay(ctx, r); err != nil || n == 0 {
				return err
			}
			_, err := d.wait(ctx, desk, r.Key, 0, false, false)
			return err
		})
		time.Sleep(time.Duration(rng.IntN(10)) * time.Second)
	}
	d.regret(client, id)
}

// regret is a till, or a supervisor with a bill, that undoes one of the payments of a sale that was paid past its lock, while
// nobody knows yet which of them are paid.
func (d *day) regret(client, id string) {
	rng := d.w.draw("regret", client+id)
	for n := range rng.IntN(3) {
		time.Sleep(time.Duration(rng.IntN(90)) * time.Second)
		orig, pairs := d.oneOfAPair(client, id, rng.IntN(2))
		if !pairs {
			return
		}
		r := Request{Key: Key{client, id, fmt.Sprint("regret", n)}, Kind: KindRefund, Original: &orig}
		what := rng.IntN(4)
		switch what {
		case 0:
			r.Kind = KindVoid
		case 1:
			r.Amount = max(1, orig.Net()/3)
		}
		_ = d.try(func(ctx context.Context, desk *Desk) (err error) {
			k := r.Key
			if what == 3 {
				var a Attempt
				a, err = desk.Refund(ctx, orig.Key, Order{By: "supervisor", Reason: "the bill has both"})
				k = a.Key
			} else {
				_, err = desk.Pay(ctx, r)
			}
			if err != nil || rng.IntN(2) == 0 {
				return err
			}
			a, err := desk.Wait(ctx, k, 90*time.Second)
			if err == nil {
				d.hear(ctx, desk, a)
			}
			return err
		})
	}
}

// oneOfAPair gives one of a suspect pair of a sale that holds money, or is thought to.
func (d *day) oneOfAPair(client, id string, which int) (a Attempt, pairs bool) {
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		s, err := desk.book.Sale(ctx, client, id)
		if err != nil {
			return err
		}
		all, err := desk.book.pairs(ctx, `client = ? AND sale = ? ORDER BY first, second`, client, id)
		for _, p := range all {
			first, _ := s.Find(p.First)
			second, _ := s.Find(p.Second)
			two := []Attempt{first, second}
			a, pairs = two[which], true
			if a.Net() == 0 {
				a = two[1-which]
			}
		}
		return err
	})
	return a, pairs
}

// checkGiven is rule 10 when all is over. What posd gives back by itself is never more than was paid too much, and what a till
// has refunded of the payment that stays is not kept from another one.
func (d *day) checkGiven(s Sale, held Cents, pairFailed bool) {
	var byPosd, byShop, later Cents // later: refunds of a part, by a till, after the last payment was begun
	for _, a := range s.Attempts {
		orig, undoes := s.Find(a.Original)
		did := a.held()
		switch {
		case a.Kind.captures() && a.Kind.pays():
			later = 0
			if a.State == Reversed && a.Told == SaidApproved && !a.Lapsed && a.Reason == ReasonUnwanted {
				byPosd += a.Approved
			}
			if a.Lapsed {
				byShop += a.Approved
			}
		case undoes && orig.Kind.captures() && a.System:
			byPosd += did
		case undoes && orig.Kind.captures():
			byShop += did
			if a.Kind == KindRefund && a.Ordered == nil && orig.Net() > 0 {
				later += did
			}
		}
	}
	if byPosd > 0 && held+byShop < s.Amount {
		d.w.breach("rule 10: %s %s of %d holds %d: posd has given back %d, the shop %d", s.Client, s.ID, s.Amount, held, byPosd, byShop)
	}
	if !pairFailed && held > s.Amount-later {
		d.w.breach("rule 10: %s %s of %d holds %d, and the till has refunded %d of what stays", s.Client, s.ID, s.Amount, held, later)
	}
}

// checkUndo is rule 10 at the moment a pair is taken up: what only reserves goes back, then a wallet where a person says that
// the card was paid, then the one of which the till was not told.
func (d *day) checkUndo(p *Pair, w *walk) {
	if p.State != PairUndoing || len(p.Tried) > 0 {
		return
	}
	undo := Key{p.Client, p.Sale, p.Undo}
	stays := Key{p.Client, p.Sale, other(p.Undo, Attempt{Key: Key{Attempt: p.First}}, Attempt{Key: Key{Attempt: p.Second}}).Attempt}
	u, s := w.begun[undo], w.begun[stays]
	why, goes := "both were told, or none", true
	switch {
	case u.Kind.captures() != s.Kind.captures():
		why, goes = "one only reserves", s.Kind.captures()
	case w.needsNoCard(undo, stays) || w.needsNoCard(stays, undo):
		why, goes = "a wallet needs no card", w.needsNoCard(undo, stays)
	case (w.told[undo] == SaidApproved) != (w.told[stays] == SaidApproved):
		why, goes = "the till was told of one", w.told[stays] == SaidApproved
	}
	d.w.tally.move("pair undone: " + why)
	if !goes {
		d.w.breach("rule 10: %s is undone and %s stays: %s", undo, stays, why)
	}
}

// needsNoCard tells that an attempt is a wallet's, and the other one's card was paid as a person says.
func (w *walk) needsNoCard(k, other Key) bool {
	return w.begun[k].Rail == RailWallet && w.begun[other].Rail == RailCard && w.states[other] == SettledPaid
}
