package payment

import (
	"context"
	"errors"
	"time"

	"posd/daemon/journal"
)

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
		if !u.Kind.pays() {
			continue // what gives money back is nobody's second payment
		}
		from, to := u.SentAt.Add(-d.rules.DuplicateAge), u.SentAt.Add(d.rules.DuplicateAge)
		twins, err := queryAttempts(tx, `client = ? AND amount = ? AND decided_at BETWEEN ? AND ? AND state = 'approved'
  AND `+paying+` AND sale <> ? ORDER BY seq`, u.Client, int64(u.Amount), from.UnixMilli(), to.UnixMilli(), u.Sale)
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
	for _, a := range o.Open {
		if a.State == Sent && a.Asks >= d.rules.AlarmTries && !a.Kind.pays() {
			warn("refund_late", "the "+string(a.Kind)+" "+a.Key.String()+" is not answered yet", "check the line to the acquirer or gateway")
		}
	}
	d.batchConcerns(ctx, warn)
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
