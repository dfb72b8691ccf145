package payment

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"posd/daemon/journal"
)

// subjects are what the records of a sale or an attempt are about: it, and its slips.
func (a *Archive) subjects(ctx context.Context, s Search) ([]string, error) {
	client, sale, err := a.find(ctx, s)
	if err != nil {
		return nil, err
	}
	name := client + "/" + sale
	if s.Attempt != "" {
		if err := a.knows(ctx, Key{client, sale, s.Attempt}); err != nil {
			return nil, err
		}
		name += "/" + s.Attempt
	}
	return []string{"sale/" + name, "print/" + name}, nil
}

// knows tells that there is such an attempt; else its error is a *Problem with status 404.
func (a *Archive) knows(ctx context.Context, k Key) error {
	return a.j.View(ctx, func(tx *journal.Tx) error {
		_, err := loadAttempt(tx, k)
		return found(err, "attempt "+k.String())
	})
}

// mine narrows what is found to one client, unless that is empty.
const mine = ` AND (? = '' OR client = ?)`

// byID finds the sales of an id.
const byID = `SELECT client, id FROM payment_sale WHERE id = ?`

// byShortID finds the sales of a short id.
const byShortID = `SELECT DISTINCT client, sale FROM payment_attempt WHERE short_id = ?` + mine

// find names the sale that is meant, by its id or by the short id of its slip.
func (a *Archive) find(ctx context.Context, s Search) (client, sale string, err error) {
	var keys []Key
	err = a.j.View(ctx, func(tx *journal.Tx) error {
		keys, err = saleKeys(tx, byID+mine, s.Sale, s.Client, s.Client)
		if err == nil && len(keys) == 0 {
			keys, err = saleKeys(tx, byShortID, strings.ToUpper(s.Sale), s.Client, s.Client)
		}
		return err
	})
	switch {
	case err != nil:
		return "", "", err
	case len(keys) == 0:
		return "", "", found(errNotFound, "sale "+s.Sale)
	case len(keys) > 1:
		var clients []string
		for _, k := range keys {
			clients = append(clients, k.Client)
		}
		return "", "", &Problem{
			Code: "ambiguous", Status: 409, Detail: "several clients have a sale " + s.Sale,
			Remedy: "name one of the clients " + strings.Join(clients, ", "),
		}
	}
	return keys[0].Client, keys[0].Sale, nil
}

// before is the number after which the newest n records of some subjects begin, and not before after.
func (a *Archive) before(ctx context.Context, subjects []string, n int, after int64) (int64, error) {
	var seqs []int64
	for _, subject := range subjects {
		events, err := a.j.Newest(ctx, n, subject)
		if err != nil {
			return after, err
		}
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
	}
	slices.Sort(seqs)
	if first := max(0, len(seqs)-n); first < len(seqs) {
		after = max(after, seqs[first]-1)
	}
	return after, nil
}

// records gives those of some subjects in one order.
func (a *Archive) records(ctx context.Context, subjects []string, after int64, limit int) ([]Record, error) {
	out := []Record{}
	for _, subject := range subjects {
		events, err := a.j.Events(ctx, after, limit, subject)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			out = append(out, Record{e.Seq, e.Time, e.Subject, e.Kind, e.Body})
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return out[:min(len(out), limit)], nil
}

// ReadFact reads the body of a record, for who only tells of it: the parts that are not there are empty, and never nil.
func ReadFact(r Record) (f Fact, err error) {
	f = Fact{
		Sale: &saleOpened{}, Created: &created{}, Sent: &sent{}, Answer: &answered{}, Undo: &undone{}, Settled: &Settlement{},
		Pair: &Pair{}, Close: &closeFact{}, Order: &Order{},
	}
	err = json.Unmarshal(r.Body, &f)
	f.Kind = r.Kind
	return f, err
}
