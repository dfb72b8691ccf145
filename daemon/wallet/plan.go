package wallet

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"posd/daemon/payment"
)

// Plan lays down the order number and the wallet; for refund and void also the original's number and amount, so that
// the attempt can be repeated without its original.
func (w *Wallet) Plan(r payment.Request, in payment.Input, n payment.Numbers) (payment.Plan, error) {
	if n.Order == "" {
		return payment.Plan{}, errors.New("wallet: no order number")
	}
	d, l, err := w.planned(r, in, n)
	if err != nil {
		return payment.Plan{}, err
	}
	if l.terms.Currency != r.Currency {
		return payment.Plan{}, wrongCurrency(r.Currency)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return payment.Plan{}, fmt.Errorf("wallet plan: %w", err)
	}
	p := payment.Plan{Data: text, Instrument: d.Wallet}
	call := d.call(r.Kind, r.Amount, r.Currency)
	if c, ok := in.(*code); ok {
		call.Code = c.secret
		p.Deadline, p.FirstAsk = l.terms.Deadline, l.terms.FirstAsk
	}
	p.Messages = []payment.Message{l.Request(call)}
	return p, nil
}

func (w *Wallet) planned(r payment.Request, in payment.Input, n payment.Numbers) (data, *line, error) {
	if r.Kind == payment.KindSale {
		c, ok := in.(*code)
		if !ok {
			return data{}, nil, errors.New("wallet: a sale without a code")
		}
		l, now := w.providers[c.wallet], w.stamp()
		return data{Wallet: c.wallet, Merchant: l.terms.owner(), Order: n.Order, Planned: &now}, l, nil
	}
	if r.Original == nil {
		return data{}, nil, fmt.Errorf("wallet: %s without an original", r.Kind)
	}
	first, l, err := w.of(*r.Original)
	if away := (*awayError)(nil); errors.As(err, &away) {
		return data{}, nil, away.problem()
	}
	if err != nil {
		return data{}, nil, err
	}
	total := r.Original.Approved
	if total == 0 {
		total = r.Original.Amount
	}
	return data{Wallet: first.Wallet, Merchant: l.terms.owner(), Order: r.Original.Numbers.Order, Refund: n.Order, Total: total}, l, nil
}

// call is the request that moves the attempt's money.
func (d data) call(k payment.Kind, amount payment.Cents, currency string) Call {
	c := Call{Op: OpPay, Order: d.Order, Amount: amount, Currency: currency, Refund: d.Refund, Total: d.Total}
	if k != payment.KindSale {
		c.Op = OpRefund
	}
	return c
}

// of finds what an attempt was planned with. The error is *awayError where that is not configured any more.
func (w *Wallet) of(a payment.Attempt) (data, *line, error) {
	var d data
	if err := json.Unmarshal(a.Data, &d); err != nil {
		return data{}, nil, fmt.Errorf("wallet: notes of %s: %w", a.Key, err)
	}
	l := w.providers[d.Wallet]
	if l == nil {
		return data{}, nil, &awayError{wallet: d.Wallet}
	}
	if d.Merchant != "" && d.Merchant != l.terms.owner() {
		return data{}, nil, &awayError{wallet: d.Wallet, merchant: d.Merchant}
	}
	return d, l, nil
}

// owner is whose the orders are at a gateway.
func (t Terms) owner() string { return cmp.Or(t.Owner, t.Merchant) }

// awayWindow is the longest in which any gateway lets undo a payment. After it a person decides about one whose wallet or
// merchant has not come back.
const awayWindow = 7 * 24 * time.Hour

// awayError says that an attempt's wallet, or who the shop was there, is not configured any more. Another merchant's gateway
// knows nothing of the order, and would accept to cancel it: it must not be asked.
type awayError struct {
	wallet, merchant string // merchant is empty where the whole wallet is gone
}

func (e *awayError) Error() string {
	if e.merchant == "" {
		return e.wallet + " is not configured any more; put it back"
	}
	return e.wallet + " is configured with another merchant; put merchant " + e.merchant + " back until this is done"
}

// problem is for who wants something of such an attempt.
func (e *awayError) problem() *payment.Problem {
	p := &payment.Problem{
		Code: "unsupported_wallet", Status: http.StatusConflict, Detail: "the original was paid by " + e.wallet + ", which is no longer configured",
		Remedy: "configure that wallet again",
	}
	if e.merchant != "" {
		p.Detail = "the original was paid to merchant " + e.merchant + " of " + e.wallet + ", and another one is configured"
		p.Remedy = "configure that merchant again, or give the money back on the merchant's page of the wallet"
	}
	return p
}
