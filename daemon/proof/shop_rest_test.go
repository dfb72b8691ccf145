//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"posd/daemon/payment"
)

// rest waits until posd owes nothing any more and every slip is out, with a supervisor who settles what is stuck as the
// other side's ledger says.
func (s *shop) rest(ctx context.Context) error {
	var last said
	err := until(ctx, "posd to owe nothing", func(ctx context.Context) (bool, error) {
		for _, look := range []func(context.Context) (bool, error){s.owesNothing(&last), s.quiet, s.owesNothing(&last)} { // a payment may lapse in between
			if ok, err := look(ctx); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	})
	switch {
	case err == nil:
		return s.lookBack(ctx)
	case len(last.Open)+len(last.Stuck)+len(last.Pairs) > 0:
		return fmt.Errorf("%w\nstill owed: %s", err, last.Raw)
	case s.lacks != "":
		return fmt.Errorf("%w\ndone, and there is no slip: %s", err, s.lacks)
	}
	return err
}

// owesNothing tells whether nothing is open or stuck, and no pair but those that are left to a person. It keeps what it saw.
func (s *shop) owesNothing(last *said) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		if !s.posd.running() {
			return false, fmt.Errorf("%w: %s\n%s", errEnded, s.posd.cmd.ProcessState, s.posd.tail())
		}
		owed, err := s.supervisor.get(ctx, "/v1/owed")
		if err != nil || owed.refused() {
			return false, err
		}
		*last = owed
		if err := s.settleStuck(ctx, owed.Stuck); err != nil {
			return false, err
		}
		unresolved := slices.ContainsFunc(owed.Pairs, func(p payment.Pair) bool { return p.State != payment.PairFailed })
		return len(owed.Open)+len(owed.Stuck) == 0 && !unresolved, nil
	}
}

// quiet tells whether no batch is being closed and no slip is to come.
func (s *shop) quiet(ctx context.Context) (bool, error) {
	batches, err := s.supervisor.get(ctx, "/v1/batches")
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(batches.Batches, func(b said) bool { return b.State == string(payment.BatchClosing) }) {
		return false, nil
	}
	health, err := s.supervisor.get(ctx, "/v1/health")
	waiting := slices.ContainsFunc(health.Problems, func(c payment.Concern) bool { return c.Code == "slips_waiting" })
	if err != nil || waiting {
		return false, err
	}
	if open, err := s.unprinted(ctx); err != nil || open > 0 || !s.prints() {
		return err == nil && open == 0, err
	}
	return s.papered(ctx)
}

// unprinted counts the slips of which posd does not know yet what became of them. Health has them only after a while.
func (s *shop) unprinted(ctx context.Context) (int, error) {
	open := map[string]bool{}
	for after := int64(0); ; {
		a, err := s.supervisor.get(ctx, fmt.Sprintf("/v1/journal/events?limit=1000&after=%d", after))
		if err != nil || a.Status != http.StatusOK {
			return 1, err
		}
		var page struct {
			Records []payment.Record
			Next    int64
		}
		if err := json.Unmarshal(a.Raw, &page); err != nil {
			return 0, err
		}
		for _, e := range page.Records {
			switch {
			case strings.HasPrefix(e.Subject, "print/job/"): // a till's
			case e.Kind == "print_queued":
				open[e.Subject] = true
			case e.Kind == "print_done", e.Kind == "print_held":
				delete(open, e.Subject)
			}
		}
		if len(page.Records) == 0 {
			return len(open), nil
		}
		after = page.Next
	}
}

// papered tells whether everything that was done has its slip: payments that stand, voids and refunds (P1).
func (s *shop) papered(ctx context.Context) (bool, error) {
	list, err := s.supervisor.get(ctx, "/v1/sales?limit=500")
	if err != nil {
		return false, err
	}
	out, _, err := s.papers()
	if err != nil {
		return false, err
	}
	for _, sale := range list.Sales {
		for _, raw := range sale.Attempts {
			var a said
			if err := json.Unmarshal(raw, &a); err != nil {
				return false, err
			}
			if slip := (paper{sale.ID, titles[payment.Kind(a.Kind)]}); a.State == payment.SaidApproved && a.Refunded == 0 && !a.System && out[slip] == 0 {
				s.lacks = slip.title + " of sale " + slip.sale
				return false, nil
			}
		}
	}
	s.lacks = ""
	return true, nil
}

// settleStuck is the supervisor who has asked the acquirer or the gateway what it has.
func (s *shop) settleStuck(ctx context.Context, stuck []said) error {
	if len(stuck) == 0 {
		return nil
	}
	l, err := s.ledgers()
	if err != nil {
		return err
	}
	if err := s.alarmed(ctx, stuck); err != nil {
		return err
	}
	for _, a := range stuck {
		as := "not-paid"
		if l.did(a.Numbers.Terminal, a.Numbers.Batch, a.Numbers.Trace, a.Numbers.Order) {
			as = "paid"
		}
		answer, err := s.supervisor.settle(ctx, a.Sale, a.Attempt, as)
		if err != nil {
			return err
		}
		if answer.refused() && answer.Status != http.StatusConflict {
			return fmt.Errorf("%s/%s cannot be settled: %s", a.Sale, a.Attempt, answer.Raw)
		}
	}
	return nil
}

// again restarts posd in a calm world, lets it come to rest and stops it: the way to every check.
func (s *shop) again(ctx context.Context) error {
	err := s.calm(ctx)
	if err == nil && !s.posd.running() {
		err = s.start(ctx)
	}
	return errors.Join(err, s.rest(ctx))
}
