// Package reconcile compares a bill with the journal: what the other side has moved, against what posd knows of it. It is
// pure, and moves nothing: each difference comes with what a person may do about it, and the one command for that.
package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"posd/daemon/bill"
	"posd/daemon/payment"
)

// List says which difference a row is.
type List string

// The lists. For a refund or void read "given back" where they say paid.
const (
	PaidThere List = "paid_there_unpaid_here"
	PaidHere  List = "paid_here_missing_there"
	Differs   List = "amount_differs"
	Twice     List = "two_paid"
	Disputed  List = "disputed"
	OpenHere  List = "open_here" // posd is still at it, and the bill does not show it as paid
)

// Lists are all of them, in the order in which they are shown.
func Lists() []List { return []List{PaidThere, PaidHere, Differs, Twice, Disputed, OpenHere} }

// Act is what is proposed.
type Act string

// The acts.
const (
	Settle     Act = "settle"
	Refund     Act = "refund"
	Compensate Act = "compensate" // refund to the owner of a code that collided with the customer's
	None       Act = "none"       // nothing that posd could do; Advice says who can
)

// Row is one difference, or one payment of a sale that was paid twice.
type Row struct {
	List     List          `json:"list"`
	Number   string        `json:"number"` // ours: the order number; terminal/batch/trace of a card
	Client   string        `json:"client,omitempty"`
	Sale     string        `json:"sale,omitempty"`
	Attempt  string        `json:"attempt,omitempty"`
	Kind     payment.Kind  `json:"kind,omitempty"`
	Here     payment.Cents `json:"here"`  // what is held, or was given back, in minor units
	There    payment.Cents `json:"there"` // likewise
	Currency string        `json:"currency,omitempty"`
	State    payment.State `json:"state,omitempty"` // posd's inner word
	Bill     string        `json:"bill"`            // what the bill says
	Act      Act           `json:"act"`
	Advice   string        `json:"advice"`
	Command  string        `json:"command,omitempty"` // for a shell; filled by who knows its surroundings
	Order    *Order        `json:"-"`                 // what the command says
}

// Order is a supervisor's command: posd settle or posd refund.
type Order struct {
	Verb   string // "settle", "refund"
	As     string // settle
	Amount payment.Cents
	Reason string
}

// Input is what is compared.
type Input struct {
	Bill     bill.Bill
	Name     string // of the bill, for reasons: "alipay 2026-11-28"
	Journal  string // its name, with which its order numbers begin
	Sales    []payment.Sale
	Pairs    []payment.Pair      // that are not resolved
	Alikes   []payment.LookAlike // as the journal lists them
	Alike    time.Duration       // sales of one till and amount look alike when no further apart
	Disputed []string            // numbers of payments that somebody disputes: he was charged, and bought nothing
}

// Report is what came of it.
type Report struct {
	Rows       []Row               `json:"rows"`
	LookAlikes []payment.LookAlike `json:"look_alikes"` // for them no money moves
	Refused    []bill.Refusal      `json:"refused"`     // rows of the bill that could not be read
	Same       int                 `json:"same"`        // attempts that are the same here and there
	Elsewhere  int                 `json:"elsewhere"`   // rows of the bill that are of other tills
	Waiting    int                 `json:"waiting"`     // not in this bill, but near its edge: the next one may have them
	Compared   bool                `json:"compared"`    // false where the bill tells no time, or is of no batch of this journal's
}

// Clean tells that nobody has to look at anything: the bill could be compared, and nothing in it or here is open.
func (r Report) Clean() bool { return r.Compared && len(r.Rows)+len(r.Refused) == 0 }

// comparison is one Compare.
type comparison struct {
	in   Input
	told map[string]*told // by our number, what the bill tells
	seen map[string]bool  // numbers of attempts of the journal
	out  Report
	paid map[payment.Key]found // payments of which the bill and the journal tell different, or the bill tells at all
}

// found is what is known of a payment from both sides.
type found struct {
	a     payment.Attempt
	here  payment.Cents
	there payment.Cents
	told  *told
}

// Compare compares. It gives the same report for the same input, in the order of the sales.
func Compare(in Input) Report {
	c := comparison{in: in, told: tell(in), seen: map[string]bool{}, paid: map[payment.Key]found{}}
	c.out = Report{Rows: []Row{}, LookAlikes: slices.Clone(in.Alikes), Refused: slices.Clone(in.Bill.Refused)}
	if c.out.LookAlikes == nil {
		c.out.LookAlikes = []payment.LookAlike{}
	}
	if c.out.Refused == nil {
		c.out.Refused = []bill.Refusal{}
	}
	for _, s := range in.Sales {
		c.sale(s)
	}
	c.strangers()
	c.out.Compared = c.comparable()
	slices.SortStableFunc(c.out.Rows, func(a, b Row) int {
		return cmp.Compare(slices.Index(Lists(), a.List), slices.Index(Lists(), b.List))
	})
	return c.out
}

// sale compares the attempts of one sale, and looks whether it was paid twice.
func (c *comparison) sale(s payment.Sale) {
	begin := len(c.out.Rows)
	var payers []found
	var total payment.Cents
	for _, a := range s.Attempts {
		f, ours := c.attempt(s, a)
		switch {
		case a.Kind.Captures():
			if f.there > 0 {
				payers = append(payers, f)
			}
			total += f.there
		case a.Kind.Undoes() && ours:
			total -= f.there
		}
	}
	if len(payers) > 1 && total > s.Amount && slices.ContainsFunc(payers, func(f found) bool { return f.told != nil }) {
		c.twice(s, payers, begin)
	}
	for _, f := range payers {
		if f.a.Disowned() && f.here == 0 {
			c.alike(f.a)
		}
	}
}

// attempt compares one attempt. there is what the other side holds, as far as anybody knows: by the bill, else as here.
// ours is false where it moved nothing.
func (c *comparison) attempt(s payment.Sale, a payment.Attempt) (f found, ours bool) {
	f = found{a: a, here: held(a)}
	if !a.Kind.Captures() && !a.Kind.Undoes() || a.SentAt.IsZero() || reserves(s, a) {
		return f, false
	}
	if !c.of(a) {
		f.there = f.here
		return f, f.here > 0
	}
	n := number(a)
	c.seen[n] = true
	f.told = c.told[n]
	if f.told == nil {
		f.there = f.here
		c.missing(s, f)
		return f, f.there > 0
	}
	f.there = f.told.net(a)
	c.compare(s, f)
	return f, true
}

// of tells whether the provider's bills have an attempt at all.
func (c *comparison) of(a payment.Attempt) bool {
	if c.in.Bill.Provider == bill.Acquirer {
		return a.Numbers.Terminal != ""
	}
	return a.Numbers.Terminal == "" && a.Rail == payment.RailWallet && walletOf(a) == string(c.in.Bill.Provider)
}

func walletOf(a payment.Attempt) string { return cmp.Or(a.Instrument, a.Host.Wallet) }

// reserves tells that a void is of a pre-auth: no bill has it.
func reserves(s payment.Sale, a payment.Attempt) bool {
	orig, ok := s.Find(a.Original)
	return ok && a.Kind.Undoes() && orig.Kind == payment.KindPreAuth
}

// number is what both sides call an attempt.
func number(a payment.Attempt) string {
	if a.Numbers.Terminal != "" {
		return strings.Join([]string{a.Numbers.Terminal, a.Numbers.Batch, a.Numbers.Trace.String()}, "/")
	}
	return a.Numbers.Order
}

// held is what an attempt took or gave back, as the journal has it; of one that ended without, what an earlier bill has shown.
func held(a payment.Attempt) payment.Cents {
	if a.Found != nil && a.Disowned() {
		return a.Found.Amount
	}
	return a.Held()
}
