package payment

import (
	"context"
	"encoding/json"
	"errors"
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

// movePairs goes on with the suspect pairs of a sale. It may be called at any time: what was done is on record.
func (d *Desk) movePairs(ctx context.Context, client, sale string) {
	pairs, err := d.book.pairs(context.WithoutCancel(ctx), `client = ? AND sale = ? AND state IN ('open', 'undoing')`, client, sale)
	if err != nil {
		d.log.Error("suspect pairs could not be read", "sale", sale, "err", err)
		return
	}
	for _, p := range pairs {
		if err := d.movePair(ctx, p); err != nil {
			d.log.Error("suspect pair could not be resolved", "sale", sale, "first", p.First, "second", p.Second, "err", err)
		}
	}
}

func (d *Desk) movePair(ctx context.Context, p Pair) error {
	s, err := d.book.Sale(context.WithoutCancel(ctx), p.Client, p.Sale)
	if err != nil {
		return err
	}
	first, ok1 := s.Find(p.First)
	second, ok2 := s.Find(p.Second)
	if !ok1 || !ok2 {
		return nil
	}
	var via *Attempt
	if v, ok := s.Find(p.Via); ok {
		via = &v
	}
	m := decidePair(p, first, second, via)
	if m.to == "" {
		return d.undoPair(ctx, p) // recovery: the undoing was journaled, and perhaps not begun
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
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		return appendFacts(tx, Fact{Kind: factPairMoved, Key: Key{p.Client, p.Sale, p.Second}, Pair: &p})
	})
	if err != nil {
		return err
	}
	d.log.Warn("suspect pair moved", "sale", p.Sale, "first", p.First, "second", p.Second, "state", p.State, "undo", p.Undo)
	return d.undoPair(ctx, p)
}

// undoPair begins what the record says: a reversal of the attempt, or a refund under a fixed id, so that it can be
// begun again without being done twice.
func (d *Desk) undoPair(ctx context.Context, p Pair) error {
	if p.State != PairUndoing {
		return nil
	}
	k := Key{p.Client, p.Sale, p.Undo}
	a, err := d.book.Attempt(context.WithoutCancel(ctx), k)
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
	t := d.tenderOf(a)
	if t == nil || a.Net() <= 0 {
		return nil
	}
	return d.refundBySystem(context.WithoutCancel(ctx), Request{
		Key: Key{p.Client, p.Sale, p.Via}, Rail: a.Rail, Kind: KindRefund, Amount: a.Net(), Original: &a,
		Language: a.Language, Print: true, system: true,
	}, t)
}

// refundBySystem begins a refund in a life of its own, unless it was begun before.
func (d *Desk) refundBySystem(ctx context.Context, r Request, t Tender) error {
	_, err := d.book.Attempt(ctx, r.Key)
	var p *Problem
	if !errors.As(err, &p) || p.Status != 404 {
		return err
	}
	d.mu.Lock()
	_, alive := d.lives[r.Key]
	d.mu.Unlock()
	if alive {
		return nil
	}
	s, err := d.book.Sale(ctx, r.Key.Client, r.Key.Sale)
	if err != nil {
		return err
	}
	if r, err = d.fitSale(r, s); err != nil {
		return err
	}
	l := d.bear(r.Key)
	d.ride(l, t)
	d.live(l, func(ctx context.Context) { d.runSystemRefund(ctx, l, r, t) })
	return nil
}

// runSystemRefund waits until the tender is ready, for as long as it takes, and refunds.
func (d *Desk) runSystemRefund(ctx context.Context, l *life, r Request, t Tender) {
	for tries := 0; ; tries++ {
		err := d.readyOne(ctx, t)
		if err == nil {
			break
		}
		d.log.Warn("refund of a suspect pair waits", "sale", r.Key.Sale, "attempt", r.Key.Attempt, "err", err)
		if d.book.j.Blocked() != nil || !d.pause(ctx, l, backoff(r.Key, tries, d.rules), false) {
			return
		}
	}
	leave, err := d.enter(ctx, t, newcomer)
	if err != nil {
		return
	}
	a, err := d.send(ctx, r, t, nil)
	if err != nil {
		leave()
		d.log.Error("refund of a suspect pair could not begin", "sale", r.Key.Sale, "attempt", r.Key.Attempt, "err", err)
		return
	}
	d.authorize(ctx, a, t, nil)
	leave()
	d.chase(ctx, l)
}

// Owed is what posd or a person still has to do.
type Owed struct {
	Open       []Attempt   `json:"open"`        // sent or reversing: posd is at it
	Stuck      []Attempt   `json:"stuck"`       // a person decides
	Pairs      []Pair      `json:"pairs"`       // suspect pairs that are not resolved
	LookAlikes []LookAlike `json:"look_alikes"` // listed only: no money moves for them
}

// LookAlike is an approved sale that looks like an unclean one: same till, same amount, within minutes.
type LookAlike struct {
	Client   string    `json:"client"`
	Unclean  string    `json:"unclean"` // sale/attempt that is reversing or stuck
	Approved string    `json:"approved"`
	Amount   Cents     `json:"amount"`
	At       time.Time `json:"at"`
}

// Owed lists what is open, for the technician and the supervisor.
func (d *Desk) Owed(ctx context.Context) (o Owed, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		if o.Open, err = queryAttempts(tx, `state IN ('sent', 'reversing') ORDER BY seq`); err != nil {
			return err
		}
		if o.Stuck, err = queryAttempts(tx, `state = 'stuck' ORDER BY seq`); err != nil {
			return err
		}
		if o.Pairs, err = queryPairs(tx, `state <> 'resolved' ORDER BY client, sale, second`); err != nil {
			return err
		}
		o.LookAlikes, err = d.lookAlikes(tx, append(o.Open, o.Stuck...))
		return err
	})
	return o, err
}

// lookAlikes finds approved attempts of other sales that resemble an unclean one.
func (d *Desk) lookAlikes(tx *journal.Tx, unclean []Attempt) (out []LookAlike, err error) {
	for _, u := range unclean {
		from, to := u.SentAt.Add(-d.rules.DuplicateAge), u.SentAt.Add(d.rules.DuplicateAge)
		twins, err := queryAttempts(tx, `client = ? AND amount = ? AND decided_at BETWEEN ? AND ? AND state = 'approved'
  AND kind = 'sale' AND sale <> ? ORDER BY seq`, u.Client, int64(u.Amount), from.UnixMilli(), to.UnixMilli(), u.Sale)
		if err != nil {
			return nil, err
		}
		for _, t := range twins {
			out = append(out, LookAlike{Client: u.Client, Unclean: u.Key.String(), Approved: t.Key.String(), Amount: u.Amount, At: t.DecidedAt})
		}
	}
	return out, nil
}

// Health is how the desk stands: "ok", "degraded" or "blocked", with what is wrong.
type Health struct {
	Status   string    `json:"status"`
	Problems []Concern `json:"problems,omitempty"`
}

// Concern is one thing that somebody should look at.
type Concern struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

// Health looks at the journal, the reversals and the pairs.
func (d *Desk) Health(ctx context.Context) Health {
	var p *Problem
	if err := d.blocked(); errors.As(err, &p) {
		return Health{Status: "blocked", Problems: []Concern{{p.Code, p.Detail, p.Remedy}}}
	}
	o, err := d.Owed(ctx)
	if err != nil {
		return Health{Status: "blocked", Problems: []Concern{{"journal", "the journal cannot be read", "look at the log"}}}
	}
	h := Health{Status: "ok"}
	warn := func(code, detail, remedy string) {
		h.Status = "degraded"
		h.Problems = append(h.Problems, Concern{code, detail, remedy})
	}
	for _, a := range o.Open {
		if a.State == Reversing && (a.Undo.Alarmed || !d.young(a)) {
			warn("reversal_late", "attempt "+a.Key.String()+" is still being reversed", "check the line to the acquirer or gateway")
		}
	}
	for _, a := range o.Stuck {
		warn("reversal_stuck", "the reversal of "+a.Key.String()+" was not confirmed", "ask the acquirer, then posd settle")
	}
	for _, p := range o.Pairs {
		warn("suspect_pair", "sale "+p.Sale+": attempts "+p.First+" and "+p.Second+" may both be paid", "posd resolves it; if failed, give the money back by hand")
	}
	for _, l := range o.LookAlikes {
		warn("look_alike", l.Approved+" looks like "+l.Unclean, "ask the customer whether both were meant")
	}
	return h
}
