package payment

import (
	"slices"
	"testing"
)

// seedsToCatch is within how many days a planted fault must be caught.
const seedsToCatch = 50

// caught plays days with a planted fault until a rule is broken.
func caught(t *testing.T, plant func(*Desk)) {
	t.Helper()
	for seed := uint64(1); seed <= seedsToCatch; seed++ {
		if broken := runDay(t, seed, newTally(), plant); len(broken) > 0 {
			t.Logf("caught by seed %d: %s", seed, broken[0])
			return
		}
	}
	t.Errorf("not caught within %d seeds", seedsToCatch)
}

func TestTimeOutTakenAsDeclinedIsCaught(t *testing.T) {
	caught(t, func(d *Desk) {
		d.plant(func(next decideFunc) decideFunc {
			return func(a Attempt, ev event, p Policy, r Rules) decision {
				if ev.answer != nil && ev.answer.Outcome == Unknown {
					no := *ev.answer
					no.Outcome, ev.answer = Declined, &no
				}
				return next(a, ev, p, r)
			}
		}, nil)
	})
}

func TestLateYesAcceptedIsCaught(t *testing.T) {
	was := moves[Reversing]
	moves[Reversing] = append(slices.Clone(was), ApprovedState)
	defer func() { moves[Reversing] = was }()
	caught(t, func(d *Desk) {
		d.plant(func(next decideFunc) decideFunc {
			return func(a Attempt, ev event, p Policy, r Rules) decision {
				if a.State == Reversing && ev.answer != nil && ev.answer.Outcome == Approved {
					return decision{facts: []Fact{{Kind: factApproved, Key: a.Key, Answer: &answered{Amount: ev.answer.Amount}}}}
				}
				return next(a, ev, p, r)
			}
		}, nil)
	})
}

func TestForgottenLockIsCaught(t *testing.T) {
	caught(t, func(d *Desk) {
		d.plant(nil, func(s Sale) (Attempt, bool) {
			if s.Rest() == 0 {
				return s.Lock()
			}
			return Attempt{}, false
		})
	})
}

func TestRestartThatForgetsWhatWasSentIsCaught(t *testing.T) {
	caught(t, func(d *Desk) {
		d.plant(func(next decideFunc) decideFunc {
			return func(a Attempt, ev event, p Policy, r Rules) decision {
				if ev.restart && a.State == Sent && a.Rail == RailCard {
					return decision{facts: []Fact{{Kind: factUnsent, Key: a.Key}}}
				}
				return next(a, ev, p, r)
			}
		}, nil)
	})
}
