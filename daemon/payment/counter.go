package payment

import (
	"context"
	"slices"
	"time"
)

// awaits tells that a customer is to show card or code at one of posd's devices.
func (r Request) awaits() bool { return r.CardAgain || r.Kind.collects() && r.Code.Empty() }

// able tells whether a tender could take a request now: what it collects with is there, and its host.
func (d *Desk) able(ctx context.Context, t Tender, r Request) error {
	if r.awaits() {
		if err := canCollect(t); err != nil {
			return err
		}
	}
	return d.readyOne(ctx, t, r)
}

func canCollect(t Tender) error {
	if c, ok := t.(Collector); ok {
		return c.CanCollect()
	}
	return nil
}

// takeCounter lets an attempt ask its customer for card or code, unless another customer is expected at the same device: a
// swipe would pay for the one who came first, whoever swiped.
func (d *Desk) takeCounter(l *life, tenders []Tender) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.inOrder() {
		if o != l && slices.ContainsFunc(tenders, o.occupies) {
			return d.counterBusy(o.key, l.key.Client)
		}
	}
	l.collects, l.asking = true, tenders
	return nil
}

// counterBusy refuses a client's attempt while the customer of another one is expected.
func (d *Desk) counterBusy(other Key, client string) *Problem {
	p := &Problem{
		Code: "counter_busy", Status: 409, Detail: "attempt " + other.String() + " still waits for its customer's card or code",
		Remedy: "let that customer pay, or cancel that attempt; then begin this one again", RetryAt: d.now().Add(time.Second),
	}
	if other.Client != client {
		p.Detail = anothers(d.book.shortID(other.Client, other.Sale)) + " still waits for its customer's card or code"
		p.Remedy = "let that customer pay, or cancel that attempt at its till; then begin this one again"
	}
	return p
}

// asksAt leaves the devices at which the customer is not asked after all.
func (d *Desk) asksAt(l *life, tenders []Tender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.asking = tenders
}

// leaveCounter is for when the customer has shown card or code, or will not.
func (d *Desk) leaveCounter(l *life) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.collects, l.asking, l.giveUp = false, nil, nil
}

// occupies tells whether the customer of a life is expected at a tender's device. The caller holds Desk.mu.
func (l *life) occupies(t Tender) bool {
	return l.collects && t.Policy().OneCustomer && slices.Contains(l.asking, t)
}
