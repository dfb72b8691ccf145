package payment

import (
	"context"
	"testing"
	"time"
)

// dialling is a card tender whose first exchange takes a while.
type dialling struct {
	*script

	takes time.Duration
}

func (d *dialling) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	d.note("authorize", a)
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
	}
	return d.next()
}

func TestACancelWhileAHostIsAskedEndsAsWhatWasSentSays(t *testing.T) {
	for name, row := range map[string]struct {
		answer Answer
		want   State
		calls  string
	}{
		"nothing left":      {Answer{Outcome: NotSent}, Unsent, "[authorize a]"},
		"it may have left":  {Answer{}, Reversed, "[authorize a reverse a]"},
		"the host says yes": {yes(1000), Reversed, "[authorize a reverse a]"},
		"the host says no":  {Answer{Outcome: Declined, Code: "51"}, DeclinedState, "[authorize a]"},
	} {
		for how, takes := range map[string]time.Duration{"soon": time.Second, "late": 30 * time.Second} {
			for _, asks := range []bool{false, true} {
				t.Run(name+", "+how, func(t *testing.T) {
					pol := cardPolicy
					pol.Asks = asks
					card := &dialling{&script{pol: pol, plan: Plan{Deadline: time.Minute}, answers: []Answer{row.answer}, undos: []Undo{{Outcome: Confirmed}}}, 5*time.Second + takes}
					withTenders(t, card, nil, Rules{}, func(b *bench) { b.cancels(takes > time.Second, row.want) })
					if card.calls() != row.calls {
						t.Errorf("calls %s, want %s", card.calls(), row.calls)
					}
				})
			}
		}
	}
}

// cancels begins an attempt and cancels it while the host is asked. late tells that the till hears of its end later.
func (b *bench) cancels(late bool, want State) {
	b.t.Helper()
	b.open("s", 1000)
	if _, err := b.desk.Pay(b.ctx, request("s", "a", RailCard)); err != nil {
		b.t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	k := Key{"till", "s", "a"}
	a, err := b.desk.Cancel(b.ctx, k)
	if err != nil || (a.State == Sent) != late {
		b.t.Errorf("cancelled: %s, %v", a.State, err)
	}
	if late {
		_, err = b.desk.Cancel(b.ctx, k) // once more
	}
	if a, _ = b.desk.Wait(b.ctx, k, time.Minute); err != nil || a.State != want {
		b.t.Errorf("in the end it is %s (%v), want %s", a.State, err, want)
	}
}
