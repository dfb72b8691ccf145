package wallet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

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
		now := w.stamp()
		return data{Wallet: c.wallet, Order: n.Order, Planned: &now}, w.providers[c.wallet], nil
	}
	if r.Original == nil {
		return data{}, nil, fmt.Errorf("wallet: %s without an original", r.Kind)
	}
	var first data
	if err := json.Unmarshal(r.Original.Data, &first); err != nil {
		return data{}, nil, fmt.Errorf("wallet: notes of the original: %w", err)
	}
	l := w.providers[first.Wallet]
	if l == nil {
		return data{}, nil, &payment.Problem{
			Code: "unsupported_wallet", Status: http.StatusConflict,
			Detail: "the original was paid by " + first.Wallet + ", which is no longer configured",
			Remedy: "configure that wallet again",
		}
	}
	total := r.Original.Approved
	if total == 0 {
		total = r.Original.Amount
	}
	return data{Wallet: first.Wallet, Order: r.Original.Numbers.Order, Refund: n.Order, Total: total}, l, nil
}

// call is the request that moves the attempt's money.
func (d data) call(k payment.Kind, amount payment.Cents, currency string) Call {
	c := Call{Op: OpPay, Order: d.Order, Amount: amount, Currency: currency, Refund: d.Refund, Total: d.Total}
	if k != payment.KindSale {
		c.Op = OpRefund
	}
	return c
}

// of finds what an attempt was planned with.
func (w *Wallet) of(a payment.Attempt) (data, *line, error) {
	var d data
	if err := json.Unmarshal(a.Data, &d); err != nil {
		return data{}, nil, fmt.Errorf("wallet: notes of %s: %w", a.Key, err)
	}
	l := w.providers[d.Wallet]
	if l == nil {
		return data{}, nil, fmt.Errorf("wallet: %s of %s is no longer configured", d.Wallet, a.Key)
	}
	return d, l, nil
}
