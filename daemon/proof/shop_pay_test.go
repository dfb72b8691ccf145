//go:build proof && linux

package proof

import (
	"context"
	"net/http"
	"time"
)

// cardRange is where the numbers of the shop's cards begin: a range for tests.
const cardRange = "620000"

// showAgain is when a customer shows card or code again, if nothing has happened: longer than a scanner takes two equal
// codes for one.
const showAgain = 700 * time.Millisecond

// wait is how long the till lets posd take for an outcome.
const wait = 20 * time.Second

// payByCard begins an attempt whose customer has the n-th test card, lets the customer swipe and gives the outcome. One
// customer is at the reader at a time.
func (s *shop) payByCard(ctx context.Context, sale, attempt string, n int) (said, error) {
	return s.swiped(ctx, sale, attempt, n, payBy("card"))
}

// preAuthorise is payByCard for what only reserves.
func (s *shop) preAuthorise(ctx context.Context, sale, attempt string, n int) (said, error) {
	body := payBy("card")
	body["kind"] = "pre-auth"
	return s.swiped(ctx, sale, attempt, n, body)
}

func (s *shop) swiped(ctx context.Context, sale, attempt string, n int, body map[string]any) (said, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	a, err := s.till.begin(ctx, sale, attempt, body, 0)
	if err != nil || a.refused() {
		return a, err
	}
	if err := s.present(ctx, sale, attempt, func() error { return s.swipe(ctx, n) }); err != nil {
		return a, err
	}
	return s.till.begin(ctx, sale, attempt, body, wait)
}

// swipe swipes the n-th test card, whether somebody waits for it or not.
func (s *shop) swipe(ctx context.Context, n int) error {
	return s.reader.do(ctx, http.MethodPost, "swipe", map[string]any{"range": cardRange, "card": n % 100000}, nil)
}

// payByCode pays with a wallet's code in the request and gives the outcome.
func (s *shop) payByCode(ctx context.Context, sale, attempt, code string) (said, error) {
	return s.till.begin(ctx, sale, attempt, payWith(code), wait)
}

// payByAny lets the customer choose at the counter: here by showing a code to the scanner.
func (s *shop) payByAny(ctx context.Context, sale, attempt, code string) (said, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	a, err := s.till.begin(ctx, sale, attempt, payBy("any"), 0)
	if err != nil || a.refused() {
		return a, err
	}
	scan := func() error { return s.scanner.do(ctx, http.MethodPost, "scan", map[string]string{"code": code}, nil) }
	if err := s.present(ctx, sale, attempt, scan); err != nil {
		return a, err
	}
	return s.till.begin(ctx, sale, attempt, payBy("any"), wait)
}

// present shows card or code until posd has taken it: what nobody waits for yet is dropped.
func (s *shop) present(ctx context.Context, sale, attempt string, show func() error) error {
	var last time.Time
	return until(ctx, "card or code to be taken for "+sale+"/"+attempt, func(ctx context.Context) (bool, error) {
		a, err := s.till.get(ctx, attemptPath(sale, attempt))
		if err != nil || a.Inner != "created" {
			return err == nil, err
		}
		if time.Since(last) < showAgain {
			return false, nil
		}
		last = time.Now()
		return false, show()
	})
}

// giveBack begins a void or refund and gives its outcome.
func (s *shop) giveBack(ctx context.Context, sale, attempt, kind, original string) (said, error) {
	return s.till.begin(ctx, sale, attempt, undo(kind, original), wait)
}
