package payment

import (
	"context"
	"testing"
	"time"
)

// impatient is a request of a till that does not wait for a busy terminal.
func impatient(r Request) Request {
	r.Patience = time.Second
	return r
}

// atBusyTerminal lets a test have a terminal that another sale has for half a minute.
func atBusyTerminal(t *testing.T, test func(b *bench)) {
	t.Helper()
	withTenders(t, newPlanning(30*time.Second, Undo{Outcome: Confirmed}), nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.begin(request("x", "a", RailCard))
		time.Sleep(time.Second)
		test(b)
	})
}

// other checks how an attempt of the sale stands that has the terminal.
func (b *bench) other(attempt string, want State) {
	b.t.Helper()
	if a, ok := b.sale("x").Find(attempt); !ok || a.State != want {
		b.t.Fatalf("x/%s is %q, want %s", attempt, a.State, want)
	}
}

// soon begins an attempt and fails the test unless the answer comes while the terminal is still busy.
func (b *bench) soon(r Request) {
	b.t.Helper()
	a, err := b.desk.Pay(b.ctx, r)
	if err != nil || a.State != Created {
		b.t.Fatalf("%s: %q (%v), want it created", r.Key, a.State, err)
	}
	b.other("a", Sent) // or the answer has come only when the terminal was free
}

func TestABusyTerminalHoldsNoAnswerBackAndTheAttemptGoesOn(t *testing.T) {
	atBusyTerminal(t, func(b *bench) {
		b.soon(impatient(request("s", "a", RailCard)))
		a, err := b.desk.Wait(b.ctx, Key{"till", "s", "a"}, time.Hour)
		if err != nil || a.State != ApprovedState {
			t.Errorf("it comes to %q (%v), want approved", a.State, err)
		}
	})
}

func TestARefundForABusyTerminalIsCreatedAndSentInItsTurn(t *testing.T) {
	card := newPlanning(30 * time.Second)
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.begin(request("x", "a", RailCard))
		time.Sleep(time.Second)
		b.soon(impatient(naming("s", "r", KindRefund, "a", 300)))
		r, err := b.desk.Wait(b.ctx, Key{"till", "s", "r"}, time.Hour)
		if err != nil || r.State != ApprovedState || card.planned["r"] != 300 {
			t.Errorf("it comes to %q with %d (%v), want approved with 300", r.State, card.planned["r"], err)
		}
	})
}

func TestACodeIsKeptForABusyTerminalAndWipedAfterIt(t *testing.T) {
	qr := newPlanning(30 * time.Second)
	purse := &lender{script: &script{pol: walletPolicy}, terminal: qr}
	withTenders(t, newPlanning(30*time.Second), purse, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.begin(request("x", "a", RailCard))
		time.Sleep(time.Second)
		r := impatient(scanned("s", "a", "6200000000000000001"))
		b.soon(r)
		r.Code.Reveal(func(code []byte) {
			for _, c := range code {
				if c != 0 {
					t.Fatalf("the caller's code is %q, want it wiped", code)
				}
			}
		})
		a, err := b.desk.Wait(b.ctx, r.Key, time.Hour)
		if err != nil || a.State != ApprovedState || a.Numbers.Terminal != cardPolicy.Terminal {
			t.Errorf("it comes to %q at terminal %q (%v), want approved", a.State, a.Numbers.Terminal, err)
		}
	})
}

func TestWhatWaitsForABusyTerminalIsCancelledAtOnce(t *testing.T) {
	for name, cancel := range map[string]func(b *bench, k Key){
		"by the till": func(b *bench, k Key) {
			if a, err := b.desk.Cancel(b.ctx, k); err != nil || a.State != Cancelled {
				b.t.Errorf("cancel: %q (%v), want cancelled", a.State, err)
			}
		},
		"by a till that hangs up": func(b *bench, k Key) {
			ctx, hangUp := context.WithTimeout(b.ctx, time.Second)
			defer hangUp()
			_, _ = b.desk.Wait(ctx, k, time.Hour)
			time.Sleep(6 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			atBusyTerminal(t, func(b *bench) {
				r := impatient(request("s", "a", RailCard))
				b.soon(r)
				cancel(b, r.Key)
				b.stands("a", Cancelled)
				b.other("a", Sent)
				b.said(request("s", "b", RailCard), SaidApproved)
			})
		})
	}
}

func TestWhatTheGateRefusesLaterSaysWhy(t *testing.T) {
	card := newPlanning(30 * time.Second) // its reversal is never answered
	card.answers = []Answer{{}}
	withTenders(t, slowUndo{card.script}, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.open("x", 500)
		b.said(request("x", "a", RailCard), SaidReversing)
		r := impatient(request("s", "a", RailCard))
		if a, err := b.desk.Pay(b.ctx, r); err != nil || a.State != Created {
			t.Fatalf("%q (%v), want it created", a.State, err)
		}
		a, err := b.desk.Wait(b.ctx, r.Key, time.Hour)
		if err != nil || a.State != Unsent || a.Code != "reversal_pending" {
			t.Errorf("it comes to %q, %q (%v), want unsent for reversal_pending", a.State, a.Code, err)
		}
	})
}

// slowUndo is a host that is not reached by reversals, for which each waits.
type slowUndo struct{ *script }

func (s slowUndo) Reverse(ctx context.Context, a Attempt) Undo {
	time.Sleep(20 * time.Second)
	return s.script.Reverse(ctx, a)
}
