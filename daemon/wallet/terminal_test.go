package wallet_test

import (
	"context"
	"testing"

	"posd/daemon/payment"
	"posd/daemon/wallet"
)

// terminal takes codes another way. What it plans has "t" for its data.
type terminal struct {
	payment.Tender
	down bool
	code string
}

type shown struct{ payment.Input }

func (t *terminal) Ready(context.Context) error {
	if t.down {
		return &payment.Problem{Code: "acquirer_offline", Status: 503}
	}
	return nil
}

func (t *terminal) Collect(_ context.Context, r payment.Request) (payment.Input, error) {
	r.Code.Reveal(func(b []byte) { t.code = string(b) })
	return shown{}, nil
}

func (t *terminal) Mine(a *payment.Attempt, in payment.Input) bool {
	_, ok := in.(shown)
	return ok || a != nil && string(a.Data) == `"t"`
}

func withTerminal(t *testing.T) (*wallet.Wallet, *terminal) {
	t.Helper()
	other := &terminal{}
	w, err := wallet.New(wallet.Options{Terminals: map[string]wallet.Terminal{"unionpay": other}})
	if err != nil {
		t.Fatal(err)
	}
	return w, other
}

func TestCodeOfATerminalGoesToItAndItsAttemptsAreItsOwn(t *testing.T) {
	w, other := withTerminal(t)
	r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "CNY", Code: payment.NewSecret([]byte("6212345678901234567\r\n"))}
	in, err := w.Collect(t.Context(), r)
	if err != nil || other.code != "6212345678901234567" {
		t.Fatalf("the terminal got %q (%v), want the code without the scanner's suffix", other.code, err)
	}
	mine := &payment.Attempt{Data: []byte(`"t"`)}
	others := &payment.Attempt{Data: []byte(`{"wallet":"alipay"}`)}
	if w.TenderFor(nil, in) != payment.Tender(other) || w.TenderFor(mine, nil) != payment.Tender(other) {
		t.Error("the terminal's attempt is not left to it")
	}
	if w.TenderFor(nil, nil) != payment.Tender(w) || w.TenderFor(others, nil) != payment.Tender(w) {
		t.Error("the wallet leaves its own attempts to the terminal")
	}
	r.Code = payment.NewSecret([]byte("281234567890123456"))
	_, err = w.Collect(t.Context(), r)
	wantProblem(t, err, "unsupported_wallet", 422)
}

func TestWalletWithATerminalOnlyIsAsReadyAsThat(t *testing.T) {
	w, other := withTerminal(t)
	if err := w.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	other.down = true
	wantProblem(t, w.Ready(t.Context()), "wallet_offline", 503)
}
