package acquirer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/acquirer"
	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/iso8583"
	"posd/iso8583/link"
)

func TestKeysLostAfterReadyAreFetchedBeforeTheSale(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.ready(t)
			at, in := b.plan(t, payment.KindSale, 700, nil)
			b.boot(t)
			if ans := b.Authorize(t.Context(), at, in); ans.Outcome != payment.Approved {
				t.Errorf("got %s, want approved", show(ans))
			}
			b.left(t, 700)
		})
	})
}

func TestSaleNumberedInAClosedBatchIsNotSent(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			b.ready(t)
			at, in := b.plan(t, payment.KindSale, 700, nil)
			b.host.SetBatch(s.terminal, "000008")
			b.boot(t)
			if ans := b.Authorize(t.Context(), at, in); ans.Outcome != payment.NotSent || ans.Code != "batch_changed" {
				t.Errorf("got %s, want not sent by batch_changed", show(ans))
			}
			b.left(t, 0)
		})
	})
}

func TestSaleWithoutItsCardIsUnknownAndNotSentAgain(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			at := b.approved(t, payment.KindSale, 700, nil)
			if ans := b.Authorize(t.Context(), at, nil); ans.Outcome != payment.Unknown || len(ans.Messages) > 0 {
				t.Errorf("got %s, want unknown and nothing sent", show(ans))
			}
		})
	})
}

// Its first copy may be booked, and the host will never take the old batch again: only a person can tell.
func TestRefundRepeatedIntoAClosedBatchIsHopeless(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "refund", Times: 1, Do: hostsim.CommitSilent})
			sale := b.approved(t, payment.KindSale, 5000, nil)
			at, _ := b.pay(t, payment.KindRefund, 1500, &sale)
			at.Asks = 1
			b.host.SetBatch(s.terminal, "000008")
			for i, hopeless := range []bool{false, true} {
				ans := b.Authorize(t.Context(), at, nil)
				if ans.Outcome != payment.Unknown || ans.Hopeless != hopeless {
					t.Errorf("repetition %d: %s, hopeless %t; want unknown, hopeless %t", i+1, show(ans), ans.Hopeless, hopeless)
				}
			}
			if u := b.undo(t, at); u.Outcome != payment.Refused || u.Code != "no_reversal" {
				t.Errorf("reversal of a refund: %+v, want refused as no_reversal", u)
			}
		})
	})
}

func TestWrongMasterKeyIsToldAsSuch(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s)
			if err := b.keys.Set(iso8583.TMK, make([]byte, 16)); err != nil {
				t.Fatal(err)
			}
			var p *payment.Problem
			if err := b.Ready(t.Context()); !errors.As(err, &p) || p.Code != "working_keys" || !strings.Contains(p.Remedy, "master key") {
				t.Errorf("got %v, want working_keys", err)
			}
			if err := b.Ready(t.Context()); err == nil {
				t.Error("ready without keys")
			}
		})
	})
}

func TestSilentHostIsNotReady(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sign-on", Do: hostsim.Silent})
			var p *payment.Problem
			if err := b.Ready(t.Context()); !errors.As(err, &p) || p.Code != "acquirer_offline" {
				t.Errorf("got %v, want acquirer_offline", err)
			}
		})
	})
}

func TestReversalWithoutAHostIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, s, hostsim.Rule{Kind: "sale", Do: hostsim.CommitClose})
			at, _ := b.pay(t, payment.KindSale, 700, nil)
			b.down.Store(true)
			b.boot(t)
			trace, noted := b.scribe.trace, len(b.scribe.messages)
			if u := b.undo(t, at); u.Outcome != payment.Again || u.Code != "acquirer_offline" {
				t.Errorf("got %+v, want again, host not reached", u)
			}
			if b.scribe.trace != trace || len(b.scribe.messages) != noted {
				t.Error("a sign-on that cannot be sent takes a trace number, and is noted")
			}
			b.down.Store(false)
			b.undone(t, at)
			b.left(t, 0)
		})
	})
}

func TestCardPrintsMasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, dialects(t)["harbour"])
		in := b.swipe(t, payment.Request{Kind: payment.KindSale})
		var out strings.Builder
		slog.New(slog.NewTextHandler(&out, nil)).Info("card", "in", in)
		fmt.Fprintf(&out, "%v %+v %s %q", in, in, in, in)
		if strings.Contains(out.String(), testPAN) {
			t.Error("a card prints its number")
		}
		if _, ok := in.Hash(nil); ok {
			t.Error("a second swipe is taken for a repeat")
		}
		in.Wipe()
		in.Wipe()
	})
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	s := dialects(t)["harbour"]
	keys, err := iso8583.NewKeys(testTMK)
	if err != nil {
		t.Fatal(err)
	}
	good := acquirer.Options{
		Dialect: s.dialect, Link: link.New(link.Options{Dialect: s.dialect}), Keys: keys, Scribe: &scribe{},
		Terminal: "1", Merchant: "2", Currency: "CNY", Now: time.Now,
	}
	if _, err := acquirer.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*acquirer.Options){
		"no dialect": func(o *acquirer.Options) { o.Dialect = nil }, "no terminal": func(o *acquirer.Options) { o.Terminal = "" },
		"unknown currency": func(o *acquirer.Options) { o.Currency = "XXX" }, "no clock": func(o *acquirer.Options) { o.Now = nil },
	} {
		o := good
		spoil(&o)
		if _, err := acquirer.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// fullDisk is a journal that is blocked.
type fullDisk struct{ payment.Scribe }

func (fullDisk) NextTrace(context.Context, string) (payment.TraceNumber, error) {
	return 0, &payment.Problem{Code: "blocked", Status: 503, Detail: "disk is full", Remedy: "free space"}
}

func TestABlockedJournalIsNoTroubleOfTheSignOnAndARefusalIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, dialects(t)["unionpay"], hostsim.Rule{Kind: "sign-on", Times: 1, Do: hostsim.Decline, Code: "58"})
		b.journal = fullDisk{b.scribe}
		b.boot(t)
		if err := b.Ready(t.Context()); err == nil || b.Trouble() != nil {
			t.Errorf("a blocked journal: %v, trouble %v; want none", err, b.Trouble())
		}
		b.journal = b.scribe
		b.boot(t)
		if err := b.Ready(t.Context()); err == nil || b.Trouble() == nil || b.Trouble().Code != "sign_on_refused" {
			t.Errorf("a host that refuses: %v, trouble %v", err, b.Trouble())
		}
		b.ready(t)
		if b.Trouble() != nil {
			t.Errorf("signed on, and the trouble is still %v", b.Trouble())
		}
	})
}

func TestASignOnThatNobodyAnswersIsATroubleUntilOneIsTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		serve          func(context.Context, net.Conn)
		detail, remedy string
	}{
		"a silent host":                       {func(_ context.Context, c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "does not answer", "dialect"},
		"a host that hangs up when asked":     {func(_ context.Context, c net.Conn) { _, _ = c.Read(make([]byte, 999)); _ = c.Close() }, "ends the connection", "mostly wants TLS"},
		"a host that hangs up without a word": {func(_ context.Context, c net.Conn) { _ = c.Close() }, "ends the connection", "mostly wants TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, dialects(t)["unionpay"])
				sound := b.serving
				b.serving = tc.serve
				for range 2 {
					err, p := b.Ready(t.Context()), b.Trouble()
					if err == nil || p == nil || p.Code != "acquirer_offline" || !strings.Contains(p.Detail, tc.detail) || !strings.Contains(p.Remedy, tc.remedy) {
						t.Fatalf("ready: %v, trouble %+v", err, p)
					}
					if !b.Doubts() {
						t.Error("nobody asks it again until a card is shown")
					}
				}
				b.serving = sound
				b.ready(t)
				if b.Trouble() != nil || b.Doubts() {
					t.Errorf("signed on, and the trouble is still %v", b.Trouble())
				}
			})
		})
	}
}

func TestASignOnThatItsCallerGivesUpIsNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, dialects(t)["unionpay"], hostsim.Rule{Kind: "sign-on", Times: 1, Do: hostsim.Silent})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := b.Ready(ctx); err == nil || b.Trouble() != nil {
			t.Errorf("ready: %v, trouble %v; want none", err, b.Trouble())
		}
	})
}
