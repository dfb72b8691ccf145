//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

// givenUp is an attempt that posd has left to a person, and the other side's last word.
type givenUp struct {
	seq  int64
	key  payment.Key
	code string
}

// refusals are the reversals that the host was told to refuse since the shop opened, in each round those of its rules.
func (s *shop) refusals() []hostsim.Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// refuse notes which of the rules of a host are refusals of a reversal.
func (s *shop) refuse(rules []hostsim.Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rules {
		if r.Do == hostsim.ReverseCode {
			s.refused = append(s.refused, r)
		}
	}
}

// checkStuck wants a reason for everything that was ever stuck which the harness has given (rule 4): a person must have
// been needed. Only a host that was told to refuse a reversal gives one, and one that answers that there is no such payment,
// and is right.
func (s *shop) checkStuck(v *verdict, sales []payment.Sale, l *ledgers, w *walk) {
	attempts := map[payment.Key]payment.Attempt{}
	for _, sale := range sales {
		for _, a := range sale.Attempts {
			attempts[a.Key] = a
		}
	}
	left := s.refusals()
	for _, g := range w.stuck {
		a := attempts[g.key]
		refused := slices.IndexFunc(left, func(r hostsim.Rule) bool { return r.Code == g.code && r.Amount == int64(a.Amount) })
		switch {
		case a.Numbers.Terminal != "" && refused >= 0:
			left = slices.Delete(left, refused, refused+1) // it is good for one
		case a.Numbers.Terminal != "" && g.code == s.plan.notFound && w.doubted[g.key] && l.booked(a) == 0:
		default:
			v.breach("rule 4: event %d gives up %s of %d for %q, and nobody has refused that", g.seq, g.key, a.Amount, g.code)
		}
	}
}

// alarmed wants an alarm for each attempt that is stuck (I2), unless it is settled meanwhile.
func (s *shop) alarmed(ctx context.Context, stuck []said) error {
	health, err := s.supervisor.get(ctx, "/v1/health")
	for _, a := range stuck {
		if err != nil {
			return err
		}
		name := a.Sale + "/" + a.Attempt
		said := slices.ContainsFunc(health.Problems, func(c payment.Concern) bool {
			return c.Code == "reversal_stuck" && strings.Contains(c.Detail, name)
		})
		if a, err = s.supervisor.get(ctx, attemptPath(a.Sale, a.Attempt)); err == nil && !said && a.Inner == string(payment.Stuck) {
			return fmt.Errorf("I2: %s is stuck, and there is no alarm: %s", name, health.Raw)
		}
	}
	return err
}
