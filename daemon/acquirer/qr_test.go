package acquirer_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"posd/daemon/acquirer"
	"posd/daemon/payment"
	"posd/iso8583"
)

const testCode = "6212345678901234567"

// purse is what a wallet knows of the terminal.
func purse(t *testing.T, b *bench) *acquirer.QR {
	t.Helper()
	q, err := b.QR("unionpay", 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// scan makes an attempt on the wallets' rail and asks for the money once.
func scan(t *testing.T, b *bench, q *acquirer.QR, kind payment.Kind, original *payment.Attempt) (payment.Attempt, payment.Answer) {
	t.Helper()
	if err := q.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, in := scanned(t, b, q, kind, original)
	ans := q.Authorize(t.Context(), at, in)
	b.scribe.keep(ans.Messages...)
	if in != nil {
		in.Wipe()
	}
	at.Reason, at.Host, at.Approved = ans.Reason, ans.Host, ans.Amount
	return at, ans
}

// scanned plans an attempt as the core does, with the code in the request for a sale.
func scanned(t *testing.T, b *bench, q *acquirer.QR, kind payment.Kind, original *payment.Attempt) (payment.Attempt, payment.Input) {
	t.Helper()
	r := payment.Request{Rail: payment.RailWallet, Kind: kind, Amount: 700, Currency: "CNY", Original: original}
	if kind == payment.KindSale {
		r.Code = payment.NewSecret([]byte(testCode))
	}
	in, err := q.Collect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Code.Wipe() // the input has its own copy
	trace, _ := b.scribe.NextTrace(t.Context(), b.setup.terminal)
	n := payment.Numbers{Terminal: b.setup.terminal, Batch: b.scribe.batch, Trace: trace, Order: "ORDER1"}
	p, err := q.Plan(r, in, n)
	if err != nil {
		t.Fatal(err)
	}
	b.scribe.keep(p.Messages...)
	return payment.Attempt{
		Rail: r.Rail, Kind: kind, State: payment.Sent, Amount: 700, Currency: "CNY", Numbers: n, Data: p.Data,
		Sealed: p.Sealed, Instrument: p.Instrument, SentAt: time.Now(),
	}, in
}

func TestScannedCodeIsPaidVoidedAndRefundedOverTheCardHost(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		fields := qrSent[b.setup.dialect.Name()]
		var sale payment.Attempt
		for _, name := range []string{"qr-sale", "qr-void", "qr-refund"} {
			kind := payment.Kind(strings.TrimPrefix(name, "qr-"))
			var orig *payment.Attempt
			if kind != payment.KindSale {
				orig = &sale
			}
			at, ans := scan(t, b, q, kind, orig)
			if ans.Outcome != payment.Approved || ans.Amount != 700 || ans.Host.Wallet != "unionpay" || at.Instrument != "unionpay" {
				t.Errorf("%s: %s by %q, want 700 approved by unionpay", name, show(ans), at.Instrument)
			}
			if kind == payment.KindSale {
				sale = at
			}
			fields[name].compare(t, b, h.last(t, fields[name][0]), at, sale)
			if !q.Mine(&at, nil) || len(at.Sealed) > 0 {
				t.Errorf("%s: the attempt is not known again, or keeps secrets", name)
			}
		}
	})
}

// As a card's: reversed by its own number, and never asked for.
func TestScannedCodeWithoutAnAnswerIsReversedLikeACard(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		reversal := qrSent[b.setup.dialect.Name()]["reversal"]
		h.answers(func(req, _ *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0200" {
				return silent
			}
			return nil
		})
		at, ans := scan(t, b, q, payment.KindSale, nil)
		if ans.Outcome != payment.Unknown || ans.Reason != payment.ReasonNoAnswer {
			t.Errorf("got %s, want unknown without an answer", show(ans))
		}
		if again := q.Ask(t.Context(), at); again.Outcome != payment.Unknown || !again.Hopeless {
			t.Errorf("asked: %s, want unknown and hopeless", show(again))
		}
		b.boot(t) // and posd was restarted meanwhile
		if u := purse(t, b).Reverse(t.Context(), at); u.Outcome != payment.Confirmed {
			t.Errorf("reversal: %+v, want it confirmed", u)
		}
		reversal.compare(t, b, h.last(t, reversal[0]), at, payment.Attempt{})
	})
}

func TestNoScannedCodeIsKept(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		at, in := scanned(t, b, q, payment.KindSale, nil)
		slog.New(slog.NewTextHandler(b.log, nil)).Info("code", "in", in)
		fmt.Fprintf(b.log, "%v %+v %s %q", in, in, in, in)
		q.Authorize(t.Context(), at, in)
		in.Wipe()
		journal, err := json.Marshal([]any{at, b.scribe.messages})
		if err != nil {
			t.Fatal(err)
		}
		if text := string(journal) + string(at.Data) + string(at.Sealed) + b.log.String(); strings.Contains(text, testCode[6:]) {
			t.Error("a code is in the journal or the log")
		}
		if !q.Mine(nil, in) || q.Mine(nil, nil) || q.Mine(&payment.Attempt{Data: []byte(`{"wallet":"alipay","order":"1"}`)}, nil) {
			t.Error("it takes others' attempts for its own, or not its own")
		}
	})
}

func TestScannedCodeThatWaitedTooLongIsNotSent(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		at, in := scanned(t, b, q, payment.KindSale, nil)
		time.Sleep(31 * time.Second)
		if ans := q.Authorize(t.Context(), at, in); ans.Outcome != payment.NotSent || ans.Code != "code_too_old" {
			t.Errorf("got %s, want not sent by code_too_old", show(ans))
		}
		if len(h.requests("0200")) > 0 {
			t.Error("it was sent")
		}
	})
}

func TestSameCodeIsNoticed(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		_, one := scanned(t, b, q, payment.KindSale, nil)
		_, two := scanned(t, b, q, payment.KindSale, nil)
		first, ok := one.Hash([]byte("key"))
		second, _ := two.Hash([]byte("key"))
		if other, _ := two.Hash([]byte("other")); !ok || first != second || other == first {
			t.Error("the same code has another hash, or its key does not matter")
		}
	})
}

func TestWhatACodeCannotDoIsRefused(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		q := purse(t, b)
		for code, r := range map[string]payment.Request{
			"not_supported": {Kind: payment.KindPreAuth, Amount: 1, Currency: "CNY", Code: payment.NewSecret([]byte(testCode))},
			"no_code":       {Kind: payment.KindSale, Amount: 1, Currency: "CNY"},
		} {
			_, err := q.Collect(t.Context(), r)
			if p := payment.Explain(err); p == nil || p.Code != code {
				t.Errorf("got %v, want %s", err, code)
			}
		}
	})
}
