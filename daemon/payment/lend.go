package payment

import "context"

// Lender is a Tender that has some of its attempts made by another tender of the same rail, with a policy of its own:
// wallet codes that travel as messages of the card terminal.
type Lender interface {
	// TenderFor gives the tender of an attempt; mostly the Lender itself. It is asked with what was collected for a new
	// attempt, and with its original where it names one; from then on, and after a restart, with the attempt itself. The
	// answers agree. Both may be nil.
	TenderFor(a *Attempt, in Input) Tender
}

// lent gives the tender that t has for an attempt.
func lent(t Tender, a *Attempt, in Input) Tender {
	if l, ok := t.(Lender); ok {
		return l.TenderFor(a, in)
	}
	return t
}

// borrow gives the tender that takes what was collected. Another one than was asked to collect must be ready, too.
func (d *Desk) borrow(ctx context.Context, t Tender, r Request, in Input) (Tender, error) {
	l := lent(t, r.Original, in)
	if l == t {
		return t, nil
	}
	if err := d.readyOne(ctx, l, r); err != nil {
		wipe(in)
		return nil, err
	}
	return l, nil
}
