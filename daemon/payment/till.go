package payment

import (
	"context"
	"errors"
	"slices"
	"time"

	"posd/daemon/journal"
)

// NewSale is what a till opens a sale with.
type NewSale struct {
	Client    string
	ID        string
	Amount    Cents
	Currency  string
	Reference string
	After     string // the unacknowledged sale that the till knows of
}

// OpenSale opens a sale, or gives the one of that id. Another amount or currency under the same id is refused.
func (d *Desk) OpenSale(ctx context.Context, n NewSale) (s Sale, err error) {
	if err := n.check(); err != nil {
		return s, err
	}
	if s, err = d.book.Sale(ctx, n.Client, n.ID); err == nil {
		return s, sameSale(s, n)
	}
	var p *Problem
	if !errors.As(err, &p) || p.Status != 404 {
		return s, err
	}
	if err := d.blocked(); err != nil {
		return s, err
	}
	if err := d.book.j.Room(); err != nil {
		return s, fullDisk(err)
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		s, err = d.openIn(tx, n)
		return err
	})
	if err != nil {
		return Sale{}, err
	}
	return s, nil
}

// openIn looks once more whether the sale is there, in the transaction that opens it.
func (d *Desk) openIn(tx *journal.Tx, n NewSale) (Sale, error) {
	s, err := loadSale(tx, n.Client, n.ID)
	if err == nil {
		return s, sameSale(s, n)
	}
	if !errors.Is(err, errNotFound) {
		return Sale{}, err
	}
	warning, err := d.unacknowledged(tx, n)
	if err != nil {
		return Sale{}, err
	}
	err = appendFacts(tx, Fact{
		Kind: factSaleOpened, Key: Key{Client: n.Client, Sale: n.ID},
		Sale: &saleOpened{Amount: n.Amount, Currency: n.Currency, Reference: n.Reference, After: n.After, Warning: warning},
	})
	if err != nil {
		return Sale{}, err
	}
	return loadSale(tx, n.Client, n.ID)
}

// maxAmount is what field 4 of ISO 8583 can carry.
const maxAmount Cents = 999_999_999_999

func (n NewSale) check() error {
	if err := CheckID("sale", n.ID); err != nil {
		return err
	}
	if n.After != "" {
		if err := CheckID("after", n.After); err != nil {
			return err
		}
	}
	bad := &Problem{Code: "bad_request", Status: 422}
	switch {
	case n.Amount <= 0 || n.Amount > maxAmount:
		bad.Detail, bad.Remedy = "amount is out of range", "give minor units from 1 to 999999999999"
	case len(n.Currency) != 3:
		bad.Detail, bad.Remedy = "currency is not known", "give three letters, as CNY"
	case len(n.Reference) > 200:
		bad.Detail, bad.Remedy = "reference is too long", "give at most 200 bytes"
	default:
		return nil
	}
	return bad
}

func sameSale(s Sale, n NewSale) error {
	if s.Amount == n.Amount && s.Currency == n.Currency {
		return nil
	}
	return &Problem{
		Code: "sale_differs", Status: 422, Detail: "sale " + s.ID + " was opened with another amount or currency",
		Remedy: "use a new sale id for another sale",
	}
}

// unacknowledged finds a sale of the same amount that was just paid and that the till may not know of (rule 12). A
// till that acknowledges must name it; others get a warning. What lies further in the
// future than that was paid before the clock was set back: nobody knows when.
func (d *Desk) unacknowledged(tx *journal.Tx, n NewSale) (warning string, err error) {
	since, until := d.now().Add(-d.rules.DuplicateAge), d.now().Add(d.rules.DuplicateAge)
	paid, err := queryAttempts(tx, `client = ? AND amount = ? AND decided_at BETWEEN ? AND ? AND state = 'approved' AND `+paying+`
  AND acked = 0 AND sale <> ? ORDER BY seq DESC`, n.Client, int64(n.Amount), since.UnixMilli(), until.UnixMilli(), n.ID)
	paid = slices.DeleteFunc(paid, func(a Attempt) bool { return a.Kind.captures() && a.Net() <= 0 || a.Voided })
	if err != nil || len(paid) == 0 || paid[0].Sale == n.After {
		return "", err
	}
	var acks int
	if err := tx.QueryRow(`SELECT coalesce(max(acks), 0) FROM payment_till WHERE client = ?`, n.Client).Scan(&acks); err != nil {
		return "", err
	}
	what := "sale " + paid[0].Sale + " of the same amount was approved and never acknowledged"
	if acks == 0 {
		return what, nil
	}
	return "", &Problem{
		Code: "unacknowledged", Status: 409, Detail: what,
		Remedy: `ask whether it is the same purchase; if not, repeat with "after": "` + paid[0].Sale + `"`,
	}
}

// Wait gives the attempt when its outcome is known, or as it stands when limit is over; a reversal under way gets a
// little longer. A ctx that ends is a till that has hung up: an attempt still collecting is cancelled then, unless the
// till comes back within the grace.
func (d *Desk) Wait(ctx context.Context, k Key, limit time.Duration) (Attempt, error) {
	d.attach(k, 1)
	a, err := d.wait(ctx, k, limit)
	d.attach(k, -1)
	if ctx.Err() != nil {
		d.hungUp(k)
	}
	return a, err
}

func (d *Desk) wait(ctx context.Context, k Key, limit time.Duration) (Attempt, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	reversing := false
	return d.book.follow(ctx, k, timer.C, func(a Attempt) bool {
		if a.State == Reversing && !reversing {
			reversing = true
			timer.Reset(min(limit, d.rules.ReversingGrace))
		}
		return !a.State.Open()
	})
}

func (d *Desk) attach(k Key, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lives[k]
	if l == nil {
		return
	}
	l.waiters += n
	if n >= 0 && l.hangUp != nil {
		l.hangUp.Stop()
		l.hangUp = nil
	}
}

func (d *Desk) hungUp(k Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lives[k]
	if l == nil || l.waiters > 0 || !l.collects || l.hangUp != nil {
		return
	}
	l.hangUp = time.AfterFunc(d.rules.HangUpGrace, func() { d.stopLife(l) })
}

// Cancel stops an attempt: while collecting it becomes cancelled; once sent it is reversed.
func (d *Desk) Cancel(ctx context.Context, k Key) (a Attempt, err error) {
	err = d.visit(ctx, func(ctx context.Context) error {
		a, err = d.doCancel(ctx, k)
		return err
	})
	return a, err
}

func (d *Desk) doCancel(ctx context.Context, k Key) (Attempt, error) {
	a, err := d.book.Attempt(ctx, k)
	if p := Explain(err); p != nil && p.Status == 404 && d.stopBegun(k) {
		a, err = d.afterStart(ctx, k)
	}
	if err != nil {
		return a, err
	}
	if a.State == Created {
		return d.stopCollecting(ctx, k)
	}
	if a.State == Sent && a.Kind.pays() {
		if still, asked, err := d.stopSending(ctx, k); err != nil || asked {
			return still, err
		}
	}
	if a, err = d.commit(ctx, k, event{stop: ReasonCancelled}, Policy{}); err != nil {
		return a, err
	}
	switch {
	case a.State == Reversing:
		d.kick(k)
	case a.State == ApprovedState || a.State == Sent:
		return a, notCancellable(a)
	}
	return a, nil
}

// stopBegun ends what Pay is about to begin; false if there is nothing.
func (d *Desk) stopBegun(k Key) bool {
	d.mu.Lock()
	l := d.lives[k]
	d.mu.Unlock()
	if l == nil {
		return false
	}
	d.stopLife(l)
	return true
}

// afterStart gives the attempt when Pay is through with it: it was begun all the same, or never will be.
func (d *Desk) afterStart(ctx context.Context, k Key) (Attempt, error) {
	done, err := d.begin(ctx, k)
	if err != nil {
		return Attempt{}, err
	}
	done()
	return d.book.Attempt(ctx, k)
}

func notCancellable(a Attempt) error {
	p := &Problem{Code: "not_cancellable", Status: 409, Detail: "attempt " + a.Attempt + " is " + a.Said(), Remedy: "wait for its result"}
	switch {
	case a.State == Sent:
	case a.Voided || a.Refunded > 0 && a.Net() <= 0:
		p.Remedy = "nothing is left to stop"
	case a.Kind == KindPreAuth:
		p.Remedy = "void it"
	case a.Kind.captures():
		p.Remedy = "void or refund it"
	default:
		p.Remedy = "nothing is left to stop"
	}
	return p
}

// stopSending marks an attempt that a host is being asked for as unwanted, and waits a while for what that comes to: if
// nothing has left there is nothing to reverse, and a host that knows nothing of it would leave its reversal in doubt. It
// gives the attempt, and whether it is still being asked for: then it ends by itself.
func (d *Desk) stopSending(ctx context.Context, k Key) (a Attempt, asked bool, err error) {
	limit := time.NewTimer(d.rules.ReversingGrace)
	defer limit.Stop()
	for {
		changed := d.book.Changed()
		a, err = d.book.Attempt(ctx, k)
		if err != nil || a.State != Sent || !d.unwant(k) {
			return a, false, err
		}
		select {
		case <-changed:
		case <-limit.C:
			return a, true, nil
		case <-ctx.Done():
			return a, true, ctx.Err()
		}
	}
}

// stopCollecting ends the collecting and waits until the attempt has left created.
func (d *Desk) stopCollecting(ctx context.Context, k Key) (Attempt, error) {
	d.mu.Lock()
	l := d.lives[k]
	d.mu.Unlock()
	if l != nil {
		d.stopLife(l)
	}
	a, err := d.book.follow(ctx, k, nil, func(a Attempt) bool { return a.State != Created })
	if err != nil || a.State == Cancelled || a.State == Unsent {
		return a, err
	}
	return d.doCancel(ctx, k)
}

// Ack tells that the till knows the outcome of a sale. It may be repeated. It stands for what is paid by then: a payment
// that comes later wants another one.
func (d *Desk) Ack(ctx context.Context, client, sale string) (s Sale, err error) {
	if s, err = d.book.Sale(ctx, client, sale); err != nil || s.ackIdle() {
		return s, err
	}
	err = d.book.update(ctx, func(tx *journal.Tx) error {
		if s, err = loadSale(tx, client, sale); err != nil || s.ackIdle() {
			return err
		}
		late, err := ackTooLate(tx, s)
		if err != nil {
			return err
		}
		if late {
			return &Problem{Code: "ack_too_late", Status: 409, Detail: "the sale, or a part of it, was not acknowledged in time and is being reversed", Remedy: "let the customer pay again"}
		}
		return appendFacts(tx, Fact{Kind: factSaleAcked, Key: Key{Client: client, Sale: sale}})
	})
	if err != nil {
		return s, err
	}
	s, err = d.book.Sale(ctx, client, sale)
	if err != nil {
		d.slip(Sale{}, Attempt{}) // a receipt may be due now
	}
	for _, a := range s.Attempts {
		d.kick(a.Key)
		if a.Confirm && a.pays() {
			d.slip(s, a) // only now is the receipt due
		}
	}
	return s, err
}

// ackTooLate tells that something has lapsed with which what is due is no whole payment: nothing is due, or some of it was begun
// before. What was begun later is what the customer has paid instead.
func ackTooLate(tx *journal.Tx, s Sale) (bool, error) {
	due, _, lapsed := s.acked()
	if !due || !lapsed {
		return lapsed, nil
	}
	var oldest, last int64
	for _, a := range s.Attempts {
		var begun, over int64
		subject := Fact{Key: a.Key}.subject()
		const q = `SELECT min(seq), coalesce(max(seq) FILTER (WHERE kind = ? AND json_extract(body, '$.lapsed')), 0) FROM event WHERE subject = ?`
		if err := tx.QueryRow(q, factReversing, subject).Scan(&begun, &over); err != nil {
			return false, err
		}
		if a.pays() && !a.Acked && (oldest == 0 || begun < oldest) {
			oldest = begun
		}
		if a.State != SettledPaid {
			last = max(last, over)
		}
	}
	return oldest < last, nil
}

// Told journals what the till has been told of an attempt; nothing happens if it was told so before.
func (d *Desk) Told(ctx context.Context, a Attempt) error {
	if a.Told == a.Said() {
		return nil
	}
	return d.book.update(ctx, func(tx *journal.Tx) error {
		now, err := loadAttempt(tx, a.Key)
		if err != nil || now.Told == a.Said() { // another answer was faster
			return err
		}
		return appendFacts(tx, Fact{Kind: factTold, Key: a.Key, Told: a.Said()})
	})
}
