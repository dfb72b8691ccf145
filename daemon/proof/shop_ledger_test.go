//go:build proof && linux

package proof

import (
	"fmt"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// ledgers are the books of the other side, by the numbers that posd has given.
type ledgers struct {
	host      []hostsim.Entry
	wallet    []walletsim.Entry
	cards     map[string][]hostsim.Entry   // by terminal, batch and trace number; reversals left out
	reversals map[string][]hostsim.Entry   // likewise
	orders    map[string][]walletsim.Entry // by the merchant's number of the payment
	refunds   map[string][]walletsim.Entry // by the merchant's number of the refund
}

func (s *shop) ledgers() (*ledgers, error) {
	l := &ledgers{
		cards: map[string][]hostsim.Entry{}, reversals: map[string][]hostsim.Entry{},
		orders: map[string][]walletsim.Entry{}, refunds: map[string][]walletsim.Entry{},
	}
	var err error
	if l.host, err = s.hostBook(); err != nil {
		return nil, err
	}
	if l.wallet, err = s.walletBook(); err != nil {
		return nil, err
	}
	for _, e := range l.host {
		k := cardKey(e.Terminal, e.Batch, e.Trace)
		if e.Kind == hostsim.KindReversal {
			l.reversals[k] = append(l.reversals[k], e)
			continue
		}
		l.cards[k] = append(l.cards[k], e)
	}
	for _, e := range l.wallet {
		if e.Refund != "" {
			l.refunds[e.Refund] = append(l.refunds[e.Refund], e)
		}
		l.orders[e.Order] = append(l.orders[e.Order], e)
	}
	return l, nil
}

func cardKey(terminal, batch, trace string) string { return terminal + "/" + batch + "/" + trace }

// did tells whether what an attempt asked for stands on the other side: not refused, not reversed, not cancelled. That a
// later void or refund has given it back is that one's doing.
func (l *ledgers) did(terminal, batch, trace, order string) bool {
	if terminal != "" {
		return l.stands(cardKey(terminal, batch, trace)) > 0
	}
	if len(l.refunds[order]) > 0 {
		return true
	}
	var cancelled bool
	captures := 0
	for _, e := range l.orders[order] {
		cancelled = cancelled || e.Kind == walletsim.Return && e.Refund == ""
		if e.Kind == walletsim.Capture {
			captures++
		}
	}
	return captures > 0 && !cancelled
}

// stands counts the entries of a card request that are approved and not reversed.
func (l *ledgers) stands(key string) (n int) {
	for _, e := range l.cards[key] {
		if e.Approved && !e.Reversed {
			n++
		}
	}
	return n
}

// keyOf is an attempt as the host's ledger knows it; empty for one that was no card request.
func keyOf(n payment.Numbers) string {
	if n.Terminal == "" {
		return ""
	}
	return cardKey(n.Terminal, n.Batch, n.Trace.String())
}

// net is what an attempt has moved: captured above 0, given back below.
func (l *ledgers) net(a payment.Attempt) (sum int64) {
	if k := keyOf(a.Numbers); k != "" {
		for _, e := range l.cards[k] {
			sum += e.Net()
		}
		return sum
	}
	if a.Kind == payment.KindSale { // what refunds gave back stands under the payment's own number
		return walletsim.Net(l.orders[a.Numbers.Order], a.Numbers.Order)
	}
	return 0
}

// doubled says what the other side did more than once of an attempt.
func (l *ledgers) doubled(a payment.Attempt) string {
	n, what := 0, "approved"
	switch k := keyOf(a.Numbers); {
	case k != "":
		for _, e := range l.cards[k] {
			if e.Approved {
				n++
			}
		}
	case a.Kind == payment.KindSale:
		what = "captured"
		for _, e := range l.orders[a.Numbers.Order] {
			if e.Kind == walletsim.Capture {
				n++
			}
		}
	default:
		what, n = "given back", len(l.refunds[a.Numbers.Order])
	}
	if n > 1 {
		return fmt.Sprintf("was %s %d times", what, n)
	}
	return ""
}
