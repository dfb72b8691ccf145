package hostsim

import "time"

// Entry is one row of the host's ledger: what a terminal asked, and what the host made of it. A card number or a wallet's
// code stands in it as first 6 and last 4 only.
type Entry struct {
	Seq      int       `json:"seq"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Of       string    `json:"of,omitempty"`       // a reversal: the kind that it reverses
	Reason   string    `json:"reason,omitempty"`   // a reversal: why, as its answer code field says (UnionPay: 98 no answer)
	Original int       `json:"original,omitempty"` // what undoes or completes another: its Seq; 0 when nothing was found
	Terminal string    `json:"terminal"`
	Merchant string    `json:"merchant"`
	Batch    string    `json:"batch"`
	Trace    string    `json:"trace"`
	Amount   int64     `json:"amount"`             // asked for, in minor units
	Captured int64     `json:"captured,omitempty"` // moved by an approved entry: less than Amount on a partial approval
	Held     int64     `json:"held,omitempty"`     // reserved by an approved pre-authorization
	Currency string    `json:"currency,omitempty"`
	Card     string    `json:"card,omitempty"`
	RRN      string    `json:"rrn,omitempty"`
	Auth     string    `json:"auth,omitempty"`
	Code     string    `json:"code"`
	Approved bool      `json:"approved"`
	Uploaded bool      `json:"uploaded,omitempty"` // the host knows it from a batch upload only
	Close    *Closing  `json:"close,omitempty"`    // of a message that closes a batch

	// Derived from later entries; never in the file.
	Reversed  bool  `json:"reversed,omitempty"`
	Voided    bool  `json:"voided,omitempty"`
	Refunded  int64 `json:"refunded,omitempty"`
	Completed int64 `json:"completed,omitempty"` // of a pre-authorization: what its completions have captured
}

// Net is what the entry leaves captured: a sale adds, a void or refund takes, and what is reversed counts for nothing.
// Reversals have no net of their own, nor have pre-authorizations.
func (e Entry) Net() int64 {
	if !e.Approved || e.Reversed {
		return 0
	}
	return trades[e.Kind].moves * e.Captured
}

// Hold is what a pre-authorization still reserves.
func (e Entry) Hold() int64 {
	if !e.Approved || e.Reversed || e.Voided {
		return 0
	}
	return max(0, e.Held-e.Completed)
}

// payment tells whether an entry is about a payment, and not about a line, a batch or an account.
func (e Entry) payment() bool {
	_, ok := trades[e.Kind]
	return ok || e.Kind == KindReversal
}

// does marks what an approved entry does to the one that it names; with sign -1 it takes that back.
func (e Entry) does(to *Entry, sign int64) {
	switch t := trades[e.Kind]; {
	case len(t.of) == 0:
	case t.whole:
		to.Voided = sign > 0
	case t.moves > 0:
		to.Completed += sign * e.Captured
	default:
		to.Refunded += sign * e.Captured
	}
}
