package payment

import (
	"context"
	"testing"
	"time"
)

// dialling is a card tender that is still dialling for a while, unless it is told to stop; then it says what left.
type dialling struct {
	*script

	stopped Answer // what it answers when its ctx ends meanwhile
}

func (d *dialling) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	d.note("authorize", a)
	select {
	case <-time.After(30 * time.Second):
		return d.next()
	case <-ctx.Done():
		return d.stopped
	}
}

func TestACancelThatComesWhileNothingHasLeftEndsUnsent(t *testing.T) {
	for name, row := range map[string]struct {
		stopped Answer
		want    State
		calls   string
	}{
		"nothing left":                     {Answer{Outcome: NotSent}, Unsent, "[authorize a]"},
		"it may have left":                 {Answer{}, Reversed, "[authorize a reverse a]"},
		"the host was faster":              {yes(1000), Reversed, "[authorize a reverse a]"},
		"the host was faster, and says no": {Answer{Outcome: Declined, Code: "51"}, DeclinedState, "[authorize a]"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, asks := range []bool{false, true} {
				pol := cardPolicy
				pol.Asks = asks
				card := &dialling{script: &script{pol: pol, plan: Plan{Deadline: time.Minute}, undos: []Undo{{Outcome: Confirmed}}}, stopped: row.stopped}
				withTenders(t, card, nil, Rules{}, func(b *bench) {
					b.open("s", 1000)
					if _, err := b.desk.Pay(b.ctx, request("s", "a", RailCard)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					b.wantState("a", Sent)
					a, err := b.desk.Cancel(b.ctx, Key{"till", "s", "a"})
					if err != nil || a.State == Sent {
						t.Errorf("cancelled: %s, %v", a.State, err)
					}
					time.Sleep(time.Second)
					b.wantState("a", row.want)
					if card.calls() != row.calls {
						t.Errorf("calls %s, want %s", card.calls(), row.calls)
					}
				})
			}
		})
	}
}

func (b *bench) wantState(attempt string, want State) {
	b.t.Helper()
	if a, err := b.desk.Attempt(b.ctx, Key{"till", "s", attempt}); err != nil || a.State != want {
		b.t.Errorf("attempt %s is %s (%v), want %s", attempt, a.State, err, want)
	}
}
