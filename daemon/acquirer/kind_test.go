package acquirer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// chain is an attempt of a kind, with what must come before it.
type chain struct {
	name  string // the dialect's transaction
	kinds []payment.Kind
}

// chains are the ways through the kinds. Each ends with the one that it is named after.
var chains = []chain{
	{"sale", []payment.Kind{payment.KindSale}},
	{"void", []payment.Kind{payment.KindSale, payment.KindVoid}},
	{"refund", []payment.Kind{payment.KindSale, payment.KindRefund}},
	{"pre-auth", []payment.Kind{payment.KindPreAuth}},
	{"pre-auth-void", []payment.Kind{payment.KindPreAuth, payment.KindVoid}},
	{"completion", []payment.Kind{payment.KindPreAuth, payment.KindCompletion}},
	{"completion-void", []payment.Kind{payment.KindPreAuth, payment.KindCompletion, payment.KindVoid}},
	{"refund of a completion", []payment.Kind{payment.KindPreAuth, payment.KindCompletion, payment.KindRefund}},
}

// walk makes the attempts of a chain, and gives the last one with its answer, and the one before it.
func (c chain) walk(t *testing.T, b *bench) (at, orig payment.Attempt, ans payment.Answer) {
	t.Helper()
	var before *payment.Attempt
	for _, k := range c.kinds[:len(c.kinds)-1] {
		orig = b.approved(t, k, 700, before)
		orig.State = payment.ApprovedState
		before = &orig
	}
	at, ans = b.pay(t, c.kinds[len(c.kinds)-1], 700, before)
	return at, orig, ans
}

// want is a message as a test writes it down: {trace}, {o.trace} ... stand for the attempt's and its original's numbers.
type want map[int]string

// compare holds a message that came to the host against what was wanted, field by field.
func (w want) compare(t *testing.T, b *bench, got map[int]string, at, orig payment.Attempt) {
	t.Helper()
	fill := strings.NewReplacer(
		"{trace}", at.Numbers.Trace.String(), "{batch}", at.Numbers.Batch, "{terminal}", b.setup.terminal, "{merchant}", b.setup.merchant,
		"{o.trace}", orig.Numbers.Trace.String(), "{o.batch}", orig.Numbers.Batch, "{o.date}", orig.Host.Date,
		"{o.rrn}", orig.Host.Reference, "{o.approval}", orig.Host.Approval, "{track2}", strings.ReplaceAll(testTrack2, "=", "D"),
	)
	d := b.setup.dialect
	leave := []int{d.MACRule().Field, d.RoleField("time"), d.RoleField("date")}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if _, ok := w[n]; !ok && !slices.Contains(leave, n) {
			t.Errorf("field %d is there and should not be", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(w)) {
		if wanted := fill.Replace(w[n]); strings.ReplaceAll(strings.TrimRight(got[n], " "), "=", "D") != wanted {
			t.Errorf("field %d is %q, want %q", n, got[n], wanted)
		}
	}
	if _, ok := got[d.MACRule().Field]; !ok && w[0][:2] != "05" {
		t.Error("it has no MAC")
	}
}

func TestEveryKindAndItsReversalHaveTheFieldsOfTheDialect(t *testing.T) {
	for _, c := range chains {
		t.Run(c.name, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				fields := sent[b.setup.dialect.Name()][c.name]
				at, orig, ans := c.walk(t, b)
				if ans.Outcome != payment.Approved || ans.Amount != 700 {
					t.Fatalf("got %s, want 700 approved", show(ans))
				}
				fields.compare(t, b, h.last(t, fields[0]), at, orig)
				reversal, ok := undoneBy[b.setup.dialect.Name()][c.name]
				if !ok {
					if u := b.undo(t, at); u.Outcome != payment.Refused || u.Code != "no_reversal" {
						t.Errorf("reversal: %+v, want refused as no_reversal", u)
					}
					return
				}
				at.Reason, at.Host = payment.ReasonNoAnswer, payment.HostNumbers{}
				b.boot(t) // and posd was restarted meanwhile
				b.undone(t, at)
				reversal.compare(t, b, h.last(t, reversal[0]), at, orig)
			})
		})
	}
}

func TestEveryKindIsBelievedOnlyWhenEveryCheckHolds(t *testing.T) {
	wrong := map[string]answerer{
		"bad MAC": func(_, _ *iso8583.Message) func([]byte) []byte { return forged },
		"silence": func(_, _ *iso8583.Message) func([]byte) []byte { return silent },
		"wrong amount": func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(4, "000000000701")
			return nil
		},
		"wrong transaction": func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(3, "999999")
			return nil
		},
		"another merchant": func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(42, strings.Repeat("9", len(reply.Text(42))))
			return nil
		},
	}
	for name, bend := range wrong {
		for _, c := range chains {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				scripted(t, func(t *testing.T, b *bench, h *script) {
					last := 0
					h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
						if req.MTI[1] != '8' {
							last++
						}
						if last == len(c.kinds) && req.MTI[1] != '8' {
							return bend(req, reply)
						}
						return nil
					})
					if _, _, ans := c.walk(t, b); ans.Outcome != payment.Unknown {
						t.Errorf("got %s, want unknown", show(ans))
					}
				})
			})
		}
	}
}

// What a completion, a void or a refund needs of the card rests sealed with the attempt before it.
func TestCompletionWithoutTheCardOfItsPreAuthIsRefused(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		pre := b.approved(t, payment.KindPreAuth, 700, nil)
		pre.Sealed = nil
		r := payment.Request{Rail: payment.RailCard, Kind: payment.KindCompletion, Amount: 700, Currency: "CNY", Original: &pre}
		_, err := b.Plan(r, nil, payment.Numbers{Terminal: b.setup.terminal, Batch: "000007", Trace: 9})
		if p := payment.Explain(err); p == nil || p.Code != "card_data_gone" {
			t.Errorf("got %v, want card_data_gone", err)
		}
	})
}

func TestKindThatTheDialectLacksIsRefusedBeforeTheCustomerIsAsked(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		b := start(t, s)
		_, err := b.Collect(t.Context(), payment.Request{Kind: "tip", Amount: 1, Currency: "CNY"})
		if p := payment.Explain(err); p == nil || p.Code != "not_supported" {
			t.Errorf("got %v, want not_supported", err)
		}
	})
}
