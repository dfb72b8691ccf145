package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"posd/daemon/journal"
)

func queryPairs(tx *journal.Tx, where string, args ...any) ([]Pair, error) {
	docs, err := queryDocs(tx, `SELECT doc FROM payment_pair WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Pair, len(docs))
	for i, doc := range docs {
		if err := json.Unmarshal([]byte(doc), &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// moveAllPairs goes on with the suspect pairs of all sales.
func (d *Desk) moveAllPairs(ctx context.Context) error {
	pairs, err := d.book.pairs(ctx, `state IN ('open', 'undoing')`)
	for _, p := range pairs {
		d.movePairs(ctx, p.Client, p.Sale)
	}
	return err
}

// movePairs goes on with the suspect pairs of a sale. It may be called at any time: what was done is on record.
func (d *Desk) movePairs(ctx context.Context, client, sale string) {
	d.movePairsBut(ctx, client, sale, "")
}

// movePairsBut is movePairs when it has turned out that an attempt cannot be refunded.
func (d *Desk) movePairsBut(ctx context.Context, client, sale, cannot string) {
	ctx = context.WithoutCancel(ctx)
	for moved := true; moved; { // one that moves may let another move
		pairs, err := d.book.pairs(ctx, `client = ? AND sale = ? AND state IN ('open', 'undoing') ORDER BY first, second`, client, sale)
		if err != nil {
			d.log.Error("suspect pairs could not be read", "sale", sale, "err", err)
			return
		}
		moved = false
		for _, p := range pairs {
			m, err := d.movePair(ctx, p, cannot)
			if err != nil {
				d.log.Error("suspect pair could not be resolved", "sale", sale, "first", p.First, "second", p.Second, "err", err)
			}
			moved = moved || m
		}
	}
}

// movePair takes one pair a step further: decided and journaled in one transaction, then begun.
func (d *Desk) movePair(ctx context.Context, p Pair, cannot string) (moved bool, err error) {
	s, err := d.book.Sale(ctx, p.Client, p.Sale)
	if err != nil {
		return false, err
	}
	others, err := d.book.pairs(ctx, `client = ? AND sale = ?`, p.Client, p.Sale)
	if err != nil {
		return false, err
	}
	if decideSalePair(s, p, others, cannot).to == "" {
		return false, d.undoPair(ctx, p) // recovery: the undoing was journaled, and perhaps not begun
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		p, moved, err = movePairIn(tx, p, cannot)
		return err
	})
	if err != nil || !moved {
		return false, err
	}
	d.log.Warn("suspect pair moved", "sale", p.Sale, "first", p.First, "second", p.Second, "state", p.State, "undo", p.Undo)
	return true, d.undoPair(ctx, p)
}

// movePairIn decides once more, on what stands now, and journals it.
func movePairIn(tx *journal.Tx, p Pair, cannot string) (Pair, bool, error) {
	s, err := loadSale(tx, p.Client, p.Sale)
	if err != nil {
		return p, false, err
	}
	all, err := queryPairs(tx, `client = ? AND sale = ?`, p.Client, p.Sale)
	if err != nil {
		return p, false, err
	}
	if i := slices.IndexFunc(all, p.same); i >= 0 {
		p = all[i]
	}
	m := decideSalePair(s, p, all, cannot)
	if m.to == "" {
		return p, false, nil
	}
	if undo, _ := s.Find(m.undo); m.reverse {
		if closing, err := inClosing(tx, undo); err != nil || closing {
			return p, false, err // the end of the close comes back to it
		}
	}
	if p.Undo != "" && m.to != PairResolved {
		p.Tried = append(p.Tried, p.Undo)
	}
	if m.to == PairUndoing {
		p.Undo, p.Via = m.undo, ""
		if !m.reverse {
			p.Via = systemPrefix + m.undo
		}
	}
	p.State = m.to
	return p, true, appendFacts(tx, Fact{Kind: factPairMoved, Key: Key{p.Client, p.Sale, p.Second}, Pair: &p})
}

// undoPair begins what the record says: a reversal of the attempt, or a refund or void under a fixed id, so that it can
// be begun again without being done twice.
func (d *Desk) undoPair(ctx context.Context, p Pair) error {
	if p.State != PairUndoing {
		return nil
	}
	k := Key{p.Client, p.Sale, p.Undo}
	a, err := d.book.Attempt(ctx, k)
	if err != nil {
		return err
	}
	if p.Via == "" {
		if a.State != ApprovedState {
			return nil
		}
		if a, err = d.commit(ctx, k, event{stop: ReasonUnwanted}, Policy{}); err == nil {
			d.resume(a)
		}
		return err
	}
	s, err := d.book.Sale(ctx, p.Client, p.Sale)
	if err != nil {
		return err
	}
	if t := d.tenderOf(a); t != nil && s.holds(a) > 0 {
		return d.refundBySystem(s, p, a, t)
	}
	return nil
}

// refundBySystem begins a refund in a life of its own, unless it was begun before; what only reserves is voided. One of
// which nothing was sent was not refused, nor a void that was reversed: it is begun again, under the next id.
func (d *Desk) refundBySystem(s Sale, p Pair, a Attempt, t Tender) error {
	if via := s.via(p.Undo); via != nil && via.State != Unsent && via.State != Cancelled && via.State != Reversed {
		return nil
	}
	id, n := p.Via, 1
	for _, used := s.Find(id); used; _, used = s.Find(id) {
		n++
		id = fmt.Sprintf("%s.%d", p.Via, n)
	}
	r := Request{
		Key: Key{p.Client, p.Sale, id}, Rail: a.Rail, Kind: KindRefund, Original: &a,
		Language: a.Language, Print: true, system: true,
	}
	if a.Kind == KindPreAuth {
		r.Kind = KindVoid
	}
	l, born := d.bearOnce(r.Key)
	if !born {
		return nil
	}
	d.ride(l, t)
	d.live(l, func(ctx context.Context) { d.runSystemRefund(ctx, l, r, t, n-1) })
	return nil
}

// runSystemRefund refunds, and tries for as long as it takes to begin. tries is how often it was in vain before.
func (d *Desk) runSystemRefund(ctx context.Context, l *life, r Request, t Tender, tries int) {
	for ; ; tries++ {
		if tries > 0 && !d.pause(ctx, l, backoff(r.Key, tries-1, d.rules), false) || d.book.j.Blocked() != nil {
			return // recovery begins it again
		}
		r, owed, err := d.owedRefund(ctx, r)
		if err == nil && !owed {
			return
		}
		var a Attempt
		leave := func() {}
		if err == nil {
			a, leave, err = d.beginRefund(ctx, r, t)
		}
		if err == nil {
			d.authorize(ctx, l, a, t, nil)
			leave()
			d.chase(ctx, l)
			return
		}
		d.log.Warn("refund of a suspect pair waits", "sale", r.Key.Sale, "attempt", r.Key.Attempt, "err", err)
		var no *unplannedError
		if errors.As(err, &no) { // it will never do: the other one of the pair, or a person
			d.movePairsBut(ctx, r.Key.Client, r.Key.Sale, r.Original.Attempt)
			return
		}
	}
}

// owedRefund completes the refund by what stands now: what is paid too much goes back. owed is false when no pair wants
// it any more.
func (d *Desk) owedRefund(ctx context.Context, r Request) (_ Request, owed bool, err error) {
	s, err := d.book.Sale(ctx, r.Key.Client, r.Key.Sale)
	if err != nil {
		return r, false, err
	}
	pairs, err := d.book.pairs(ctx, undoingOf, s.Client, s.ID)
	if err != nil {
		return r, false, err
	}
	return fitOwed(r, s, pairs)
}

// undoingOf selects the pairs of a sale of which one attempt is being given back.
const undoingOf = `client = ? AND sale = ? AND state = 'undoing'`

// fitOwed completes posd's own refund by its sale and the pairs of that which are being undone. It is pure.
func fitOwed(r Request, s Sale, undoing []Pair) (_ Request, owed bool, err error) {
	i := slices.IndexFunc(undoing, func(p Pair) bool { return p.Undo == r.Original.Attempt })
	if i < 0 {
		return r, false, nil
	}
	first, _ := s.Find(undoing[i].First)
	second, _ := s.Find(undoing[i].Second)
	mine, _ := s.Find(r.Original.Attempt)
	if r.Amount = min(s.holds(mine), s.excess(first, second)); r.Amount <= 0 {
		return r, false, nil
	}
	r, err = fitSale(r, s)
	return r, true, err
}

// heedPairs looks once more, in the transaction that begins a void or refund, at the pairs of its sale that are being undone.
// What a pair no longer wants posd does not give back; and while posd gives back one of a pair, nobody undoes either: both
// would be gone.
func heedPairs(tx *journal.Tx, r Request, s Sale) error {
	undoing, err := queryPairs(tx, undoingOf, s.Client, s.ID)
	if err != nil {
		return err
	}
	if r.system {
		now, owed, err := fitOwed(r, s, undoing)
		if err == nil && (!owed || now.Amount != r.Amount) {
			return &Problem{Code: "amount_differs", Status: 409, Detail: "the suspect pair has changed meanwhile", Remedy: "nothing has to be done: posd looks again"}
		}
		return err
	}
	for _, p := range undoing {
		if p.First == r.Original.Attempt || p.Second == r.Original.Attempt {
			return &Problem{
				Code: "pair_undoing", Status: 409, Detail: "this sale was paid twice, and posd is giving back attempt " + p.Undo,
				Remedy: "wait until that is done; where a person has to decide, settle that first",
			}
		}
	}
	return nil
}

// beginRefund makes a refund sent once its tender is ready. leave gives its terminal back.
func (d *Desk) beginRefund(ctx context.Context, r Request, t Tender) (a Attempt, leave func(), err error) {
	began := time.Now()
	if err := d.readyOne(ctx, t, r); err != nil {
		return a, nil, err
	}
	if leave, err = d.enterToPay(ctx, t, began); err != nil {
		return a, nil, err
	}
	if a, err = d.send(ctx, r, t, nil); err != nil {
		leave()
	}
	return a, leave, err
}
