package acquirer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/iso8583"
)

// qrKinds are what can be done with a scanned code over the card host.
var qrKinds = []payment.Kind{payment.KindSale, payment.KindVoid, payment.KindRefund}

// QR pays with codes that customers show on their phones, as messages of the card terminal: with its trace numbers, its
// batch and its MAC, one at a time with its cards, and reversed as they are. It is a tender of its own, since its
// attempts are on the wallets' rail; who has read the code hands it over in the request.
type QR struct {
	a       *Acquirer
	wallet  string
	codeAge time.Duration
}

var _ payment.Tender = (*QR)(nil)

// QR gives the tender for the codes of a wallet of that name ("unionpay"). A code that has waited for longer than
// codeAge is not sent; 0 sends any. It fails where the dialect has no "qr-sale".
func (a *Acquirer) QR(wallet string, codeAge time.Duration) (*QR, error) {
	if name := qrPrefix + string(payment.KindSale); !a.o.Dialect.HasTransaction(name) {
		return nil, fmt.Errorf("dialect %s: %w: %s", a.o.Dialect.Name(), iso8583.ErrNoTransaction, name)
	}
	return &QR{a: a, wallet: wallet, codeAge: codeAge}, nil
}

// Policy is the card terminal's.
func (q *QR) Policy() payment.Policy {
	p := q.a.Policy()
	p.Inquiries, p.UploadSize = nil, 0
	return p
}

// Ready is the card terminal's.
func (q *QR) Ready(ctx context.Context) error { return q.a.Ready(ctx) }

// Collect takes the code from the request, and keeps a copy of its own. It reads no code itself.
func (q *QR) Collect(_ context.Context, r payment.Request) (payment.Input, error) {
	if name := qrPrefix + string(r.Kind); !slices.Contains(qrKinds, r.Kind) || !q.a.o.Dialect.HasTransaction(name) {
		return nil, q.a.lacks(name)
	}
	if r.Kind != payment.KindSale {
		return nil, nil
	}
	if r.Code.Empty() {
		return nil, &payment.Problem{Code: "no_code", Status: 422, Detail: "there is no code to pay with", Remedy: "scan the customer's code"}
	}
	s := &scanned{wallet: q.wallet, read: time.Now()}
	r.Code.Reveal(func(b []byte) { s.code = payment.NewSecret(append([]byte(nil), b...)) })
	return s, nil
}

// Plan is as the card terminal's; the code is not among what is kept.
func (q *QR) Plan(r payment.Request, in payment.Input, n payment.Numbers) (payment.Plan, error) {
	return q.a.plan(qrPrefix+string(r.Kind), r, in, n)
}

// Authorize is as the card terminal's. A code that is too old is not sent.
func (q *QR) Authorize(ctx context.Context, at payment.Attempt, in payment.Input) payment.Answer {
	if s, ok := in.(*scanned); ok && q.codeAge > 0 && time.Since(s.read) > q.codeAge {
		return payment.Answer{Outcome: payment.NotSent, Code: "code_too_old", Text: "the code waited too long, scan a fresh one"}
	}
	ans := q.a.Authorize(ctx, at, in)
	if ans.Host != (payment.HostNumbers{}) {
		ans.Host.Wallet = q.wallet
	}
	return ans
}

// Ask answers Unknown, as the card terminal does.
func (q *QR) Ask(ctx context.Context, at payment.Attempt) payment.Answer { return q.a.Ask(ctx, at) }

// Reverse is the card terminal's.
func (q *QR) Reverse(ctx context.Context, at payment.Attempt) payment.Undo {
	return q.a.Reverse(ctx, at)
}

// Mine tells whether an attempt was planned by a QR, or an input collected by one. Both may be nil.
func (q *QR) Mine(at *payment.Attempt, in payment.Input) bool {
	if _, ok := in.(*scanned); ok || at == nil {
		return ok
	}
	rec, err := recordOf(*at)
	return err == nil && strings.HasPrefix(rec.Name, qrPrefix)
}

// scanned is a customer's code on its way through one attempt.
type scanned struct {
	wallet string
	code   payment.Secret
	read   time.Time // monotonic
}

// Hash keys the code, so that the same one is noticed again.
func (s *scanned) Hash(key []byte) (sum [32]byte, ok bool) {
	mac := hmac.New(sha256.New, key)
	s.code.Reveal(func(b []byte) { _, _ = mac.Write(b) })
	copy(sum[:], mac.Sum(nil))
	return sum, true
}

// Wipe overwrites the code.
func (s *scanned) Wipe() { s.code.Wipe() }

// String is the wallet's name.
func (s *scanned) String() string { return s.wallet }

// Format keeps every fmt verb from the code.
func (s *scanned) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.wallet)) }

func (s *scanned) secrets() secrets {
	all := secrets{}
	s.code.Reveal(func(b []byte) { all["code"] = append([]byte(nil), b...) })
	return all
}
