package wallet

import (
	"context"

	"posd/daemon/payment"
)

// Terminal takes the codes of one wallet as messages of the card terminal, and not as calls of a gateway. It is a tender
// of its own: how its payments are numbered, queued, asked for and undone is the terminal's way. The wallet reads and
// routes the code, and hands it to the terminal's Collect in the request.
type Terminal interface {
	payment.Tender
	// Mine tells whether an attempt was planned by this tender, or an input collected by it. Either may be nil.
	Mine(a *payment.Attempt, in payment.Input) bool
}

var _ payment.Lender = (*Wallet)(nil)

// TenderFor gives the terminal whose attempt it is, else the wallet itself.
func (w *Wallet) TenderFor(a *payment.Attempt, in payment.Input) payment.Tender {
	for _, t := range w.o.Terminals {
		if t.Mine(a, in) {
			return t
		}
	}
	return w
}

// terminalReady tells whether a terminal could take money now. It is asked when no gateway answers.
func (w *Wallet) terminalReady(ctx context.Context) bool {
	for _, t := range w.o.Terminals {
		if t.Ready(ctx) == nil {
			return true
		}
	}
	return false
}
