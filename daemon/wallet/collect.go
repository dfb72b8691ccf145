package wallet

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"time"

	"posd/daemon/payment"
)

// code is a customer's code: payment.Input of this tender.
type code struct {
	wallet string
	secret payment.Secret // normalised digits
	read   time.Time      // monotonic
}

// Hash keys the code, so that the journal's owner notices the same one again.
func (c *code) Hash(key []byte) (sum [32]byte, ok bool) {
	mac := hmac.New(sha256.New, key)
	c.secret.Reveal(func(b []byte) { _, _ = mac.Write(b) })
	copy(sum[:], mac.Sum(nil))
	return sum, true
}

// Wipe overwrites the code.
func (c *code) Wipe() { c.secret.Wipe() }

// Collect takes the code from the request, else waits for a scan. It answers nil, nil for refund and void. A code of
// no wallet, or of one that this shop does not take, is a problem that does not repeat the code.
func (w *Wallet) Collect(ctx context.Context, r payment.Request) (payment.Input, error) {
	if r.Kind != payment.KindSale {
		return nil, nil
	}
	if !w.Takes(r.Currency) {
		return nil, wrongCurrency(r.Currency)
	}
	text, err := w.read(ctx, r)
	if err != nil {
		return nil, err
	}
	if name, _ := w.router.Route(text); w.o.Terminals[name] != nil {
		defer clear(text)
		r.Code = payment.NewSecret(Normalise(text))
		return w.o.Terminals[name].Collect(ctx, r)
	}
	c := &code{secret: payment.NewSecret(Normalise(text)), read: time.Now()}
	if err := w.place(ctx, c, text); err != nil {
		clear(text)
		return nil, err
	}
	return c, nil
}

// CanCollect tells whether there is a scanner.
func (w *Wallet) CanCollect() error {
	if w.o.Scanner != nil {
		return nil
	}
	return &payment.Problem{
		Code: "no_scanner", Status: http.StatusConflict,
		Detail: "no scanner is configured, and the request holds no code",
		Remedy: "send the code in the request, or configure a scanner",
	}
}

// read gives the text of the code as it came; the caller owns it.
func (w *Wallet) read(ctx context.Context, r payment.Request) ([]byte, error) {
	var text []byte
	keep := func(b []byte) { text = append(make([]byte, 0, len(b)), b...) }
	if !r.Code.Empty() {
		r.Code.Reveal(keep)
		return text, nil
	}
	if err := w.CanCollect(); err != nil {
		return nil, err
	}
	scan, err := w.o.Scanner.Claim(ctx, func(b []byte) bool { _, ok := w.router.Route(b); return ok })
	if err != nil {
		return nil, err
	}
	scan.Data.Reveal(keep)
	scan.Data.Wipe()
	return text, nil
}

// place finds the code's wallet and makes sure that its gateway answers.
func (w *Wallet) place(ctx context.Context, c *code, text []byte) error {
	name, ok := w.router.Route(text)
	if !ok {
		return &payment.Problem{
			Code: "unknown_code", Status: http.StatusUnprocessableEntity,
			Detail: "the code belongs to no wallet that is known here",
			Remedy: "ask the customer to open the payment code of the wallet and scan that",
		}
	}
	l := w.providers[name]
	if l == nil {
		return &payment.Problem{
			Code: "unsupported_wallet", Status: http.StatusUnprocessableEntity,
			Detail: "codes of " + name + " are not taken here",
			Remedy: "ask the customer for another wallet or a card",
		}
	}
	c.wallet = name
	return w.reach(ctx, l)
}

// Takes tells whether anybody here may take the currency. A terminal says so itself, when it plans.
func (w *Wallet) Takes(currency string) bool {
	if len(w.o.Terminals) > 0 {
		return true
	}
	for _, l := range w.providers {
		if l.terms.Currency == currency {
			return true
		}
	}
	return false
}

func wrongCurrency(currency string) error {
	return &payment.Problem{
		Code: "wallet_currency", Status: http.StatusUnprocessableEntity,
		Detail: "no wallet here takes " + currency,
		Remedy: "take a card or cash",
	}
}
