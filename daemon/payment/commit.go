package payment

import (
	"context"

	"posd/daemon/journal"
)

// commit lets an event happen to an attempt: decided and journaled in one transaction, then acted on. It gives the
// attempt as it stands after that.
func (d *Desk) commit(ctx context.Context, k Key, ev event, pol Policy) (a Attempt, err error) {
	var dec decision
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		if a, err = loadAttempt(tx, k); err != nil {
			return err
		}
		if dec, err = d.decideIn(tx, a, ev, pol); err != nil || len(dec.facts) == 0 {
			return err
		}
		if err := appendFacts(tx, dec.facts...); err != nil {
			return err
		}
		if a, err = loadAttempt(tx, k); err != nil {
			return err
		}
		return d.shredAll(tx, a, dec.facts)
	})
	if err != nil {
		d.log.Error("attempt could not be journaled", "attempt", k.String(), "err", err)
		return a, err
	}
	d.logStep(a, dec)
	d.act(ctx, a, dec.acts)
	return a, nil
}

// decideIn decides. What is approved is not reversed while a void or refund of it runs: it would be given back twice. Nor
// is a pre-auth while something completes it, or has; nor anything while the totals that it is in are under way.
func (d *Desk) decideIn(tx *journal.Tx, a Attempt, ev event, pol Policy) (decision, error) {
	dec := decide(a, ev, pol, d.rules)
	if a.State != ApprovedState || !ev.lapsed && ev.stop == "" || len(dec.facts) == 0 {
		return dec, nil
	}
	s, err := loadSale(tx, a.Client, a.Sale)
	if err != nil {
		return decision{}, err
	}
	_, runs := s.naming(a.Attempt)
	if _, completed := s.completion(a.Attempt); runs || completed {
		return decision{}, nil
	}
	if closing, err := inClosing(tx, a); err != nil || closing {
		return decision{}, err
	}
	return dec, nil
}

// shredAll destroys what was sealed for the attempts that facts were about, as they stand now; this is one of them.
func (d *Desk) shredAll(tx *journal.Tx, this Attempt, facts []Fact) (err error) {
	for _, f := range facts {
		a := this
		if f.Key != this.Key {
			if a, err = loadAttempt(tx, f.Key); err != nil {
				return err
			}
		}
		pol := Policy{}
		if t := d.tenderOf(a); t != nil {
			pol = t.Policy()
		}
		if err := shred(tx, a, pol); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) logStep(a Attempt, dec decision) {
	for _, f := range dec.facts {
		attrs := []any{"fact", f.Kind, "sale", f.Key.Sale, "attempt", f.Key.Attempt, "payment", a.ShortID}
		if f.Key == a.Key {
			attrs = append(attrs, standing(a)...)
		}
		d.log.Info("attempt moved", attrs...)
	}
}

// standing is how an attempt stands, for the log: what there is to say, and nothing else.
func standing(a Attempt) []any {
	attrs := []any{"state", string(a.State), "rail", string(a.Rail)}
	if a.Numbers.Trace > 0 {
		attrs = append(attrs, "trace", a.Numbers.Trace.String())
	}
	for _, kv := range [][2]string{
		{"code", a.Code}, {"text", a.Text}, {"reason", string(a.Reason)}, {"reversal_code", a.Undo.Code}, {"reversal_text", a.Undo.Text},
	} {
		if kv[1] != "" {
			attrs = append(attrs, kv[0], kv[1])
		}
	}
	if a.Undo.Tries > 0 {
		attrs = append(attrs, "tries", a.Undo.Tries)
	}
	return attrs
}

// act does what a decision allows, now that it is on disk.
func (d *Desk) act(ctx context.Context, a Attempt, acts []act) {
	for _, what := range acts {
		switch what {
		case actSlip:
			d.offerSlip(ctx, a)
		case actAlarm:
			d.log.Error("reversal needs attention", "sale", a.Sale, "attempt", a.Attempt, "payment", a.ShortID,
				"state", string(a.State), "tries", a.Undo.Tries, "code", a.Undo.Code, "text", a.Undo.Text)
		case actPairs:
			d.movePairs(ctx, a.Client, a.Sale)
		}
	}
}

func (d *Desk) offerSlip(ctx context.Context, a Attempt) {
	s, err := d.book.Sale(context.WithoutCancel(ctx), a.Client, a.Sale)
	if err != nil {
		d.log.Error("slip could not be made", "sale", a.Sale, "attempt", a.Attempt, "err", err)
		s = Sale{} // it is not lost: who makes slips looks again
	}
	d.slip(s, a)
}
