package payment

import "context"

// awaits tells that a customer is to show card or code at one of posd's devices.
func (r Request) awaits() bool { return r.CardAgain || r.Kind.collects() && r.Code.Empty() }

// able tells whether a tender could take a request now: what it collects with is there, and its host.
func (d *Desk) able(ctx context.Context, t Tender, r Request) error {
	if r.awaits() {
		if err := canCollect(t); err != nil {
			return err
		}
	}
	return d.readyOne(ctx, t, r.Kind)
}

func canCollect(t Tender) error {
	if c, ok := t.(Collector); ok {
		return c.CanCollect()
	}
	return nil
}
