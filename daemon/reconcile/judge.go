package reconcile

import (
	"slices"
	"strings"

	"posd/daemon/bill"
	"posd/daemon/payment"
)

// row begins a row about an attempt.
func (c *comparison) row(list List, f found) Row {
	says := f.told.says()
	if !c.of(f.a) {
		says = "it is of another provider's bill"
	}
	return Row{
		List: list, Number: number(f.a), Client: f.a.Client, Sale: f.a.Sale, Attempt: f.a.Attempt, Kind: f.a.Kind,
		Here: f.here, There: f.there, Currency: f.a.Currency, State: f.a.State, Bill: says,
	}
}

func (c *comparison) add(r Row, act Act, advice string, o *Order) {
	r.Act, r.Advice, r.Order = act, advice, o
	if o != nil {
		o.Reason = c.in.Name + ": " + r.Bill
	}
	c.out.Rows = append(c.out.Rows, r)
}

// compare judges an attempt that the bill tells of.
func (c *comparison) compare(s payment.Sale, f found) {
	switch {
	case f.told.foreign(f.a.Currency):
		c.add(c.row(Differs, f), None, "it is in another currency: ask the other side", nil)
	case f.told.doubled():
		c.add(c.row(Differs, f), None, "the bill has the same row twice: ask the other side whether it has taken the money twice", nil)
	case c.disputed(f):
		c.compensate(f)
	case f.a.State == payment.Stuck:
		c.stuck(f)
	case f.a.State.Open() && f.there > 0:
		c.add(c.row(PaidThere, f), None, "posd is still at it: compare again with the next bill", nil)
	case f.a.State.Open():
		c.open(f)
	case f.a.Owes() > 0:
		c.owed(s, f)
	case f.here == f.there, f.there <= 0 && c.byHand(s, f.a):
		c.out.Same++
	case f.here == 0:
		c.paidThere(f)
	case f.there <= 0:
		c.add(c.row(PaidHere, f), None, "the other side has given it back, and posd knows nothing of that: ask who did, and take the goods' money another way", nil)
	default:
		c.differs(f)
	}
}

// paidThere is what the other side holds, and posd does not.
func (c *comparison) paidThere(f found) {
	r := c.row(PaidThere, f)
	switch {
	case f.a.Kind.Undoes():
		c.add(r, None, "it was given back, and posd took it for refused: do not refund it again", nil)
	case f.there > f.a.Amount:
		c.add(r, None, "more than was asked for: let the other side give it back", nil)
	case f.a.Numbers.Terminal != "":
		c.add(r, Refund, "the acquirer gives it back, since no host takes a refund of what it says was reversed: the command puts that on record, and the sale is locked until it is settled", &Order{Verb: "refund", Amount: f.there})
	default:
		c.add(r, Refund, "it ended without money here; the customer has paid", &Order{Verb: "refund", Amount: f.there})
	}
}

// byHand tells whether what a bill has shown of an attempt goes back without a message of ours: no bill has that refund's number.
func (c *comparison) byHand(s payment.Sale, a payment.Attempt) bool {
	refund, ordered, failed := s.Ordered(a.Attempt)
	return ordered && !failed && !c.of(refund)
}

// owed is what an earlier comparison has found, and what is not given back yet.
func (c *comparison) owed(s payment.Sale, f found) {
	r := c.row(PaidThere, f)
	r.Here = 0
	refund, ordered, failed := s.Ordered(f.a.Attempt)
	switch {
	case ordered && !failed && refund.State == payment.Stuck && f.told != nil && f.there <= 0 && c.byHand(s, f.a):
		r.Attempt, r.Kind, r.State = refund.Attempt, refund.Kind, refund.State
		c.add(r, Settle, "the other side has given it back: settle the refund as paid", &Order{Verb: "settle", As: "paid"})
	case ordered && !failed && refund.State == payment.Stuck:
		c.add(r, None, "its refund "+refund.Attempt+" is not confirmed: ask the other side, and settle that", nil)
	case ordered && refund.State.Open():
		c.add(r, None, "being given back by "+refund.Attempt, nil)
	case ordered && !failed:
		c.add(r, None, refund.Attempt+" has given back a part: give the rest back at the provider's own page", nil)
	default:
		c.add(r, Refund, "its refund was refused: order another one, or give it back at the provider's own page", &Order{Verb: "refund", Amount: f.a.Found.Amount})
	}
}

// stuck is for a person: the bill is what he waits for.
func (c *comparison) stuck(f found) {
	whole := f.there == f.a.Amount
	switch {
	case f.there > f.a.Amount:
		c.add(c.row(Differs, f), None, "more than was asked for: ask the other side", nil)
	case f.there > 0 && f.a.Kind.Undoes() && !whole:
		c.add(c.row(Differs, f), None, "a part was given back: ask the other side", nil)
	case f.there > 0:
		o := &Order{Verb: "settle", As: "paid"}
		if !whole {
			o.Amount = f.there
		}
		c.add(c.row(PaidThere, f), Settle, "the other side has it: settle it as paid", o)
	default:
		c.add(c.row(PaidHere, f), Settle, "the other side holds nothing of it: settle it as not paid", &Order{Verb: "settle", As: "not-paid"})
	}
}

// open is for what may still come to anything here: no bill can be held against it yet.
func (c *comparison) open(f found) {
	c.add(c.row(OpenHere, f), None, "posd is still at it: compare again when it is decided", nil)
}

// missing judges an attempt that the bill does not tell of. Only what moved money has to be in it, and only if it is of the
// bill's time.
func (c *comparison) missing(s payment.Sale, f found) {
	sure, maybe := c.covers(f.a)
	stuck := f.a.State == payment.Stuck
	switch {
	case f.a.Owes() > 0 && maybe:
		c.owed(s, f)
	case f.here == 0 && !stuck && !f.a.State.Open() || !maybe:
	case !sure:
		c.out.Waiting++
	case stuck:
		f.there = 0
		c.stuck(f)
	case f.a.State.Open():
		c.open(f)
	default:
		f.there = 0
		c.add(c.row(PaidHere, f), None, "the other side does not have it: ask it, with our number and the time; the shop's money is missing, not the customer's", nil)
	}
}

func (c *comparison) differs(f found) {
	advice := "the customer has paid more than posd knows: give the difference back at the provider's own page"
	if f.there < f.here {
		advice = "the customer has paid less than posd knows: claim the difference from the other side"
	}
	if f.a.Kind.Undoes() {
		advice = "another amount was given back: ask the other side"
	}
	c.add(c.row(Differs, f), None, advice, nil)
}

// disputed tells whether somebody says that he was charged by this payment and bought nothing.
func (c *comparison) disputed(f found) bool {
	return f.a.Kind.Captures() && f.there > 0 && slices.Contains(c.in.Disputed, number(f.a))
}

// compensate gives a payment back to the one whose code was the same as the customer's.
func (c *comparison) compensate(f found) {
	r := c.row(Disputed, f)
	holds := f.a.State == payment.ApprovedState && !f.a.Voided && f.a.Refunded < f.here
	switch {
	case f.a.Refunded > 0 || f.a.Voided:
		c.add(r, None, "it is given back already", nil)
	case holds && f.a.Rail == payment.RailWallet:
		c.add(r, Compensate, "its payer's code was the same as the customer's: give him his money; the goods are not paid then", &Order{Verb: "refund"})
	default:
		c.add(r, None, "if it was not he who bought, let the other side give him his money: posd holds nothing that it could give back", nil)
	}
}

// twice lists all payments of a sale that holds more than it costs. What was listed of it before is a part of that.
func (c *comparison) twice(s payment.Sale, payers []found, begin int) {
	mine, goes := c.out.Rows[begin:], refundable(payers)
	i := slices.IndexFunc(c.in.Pairs, func(p payment.Pair) bool { return p.Client == s.Client && p.Sale == s.ID })
	for _, f := range payers {
		at := slices.IndexFunc(mine, func(r Row) bool { return r.Attempt == f.a.Attempt })
		if at >= 0 {
			mine[at].List = Twice
			continue
		}
		r := c.row(Twice, f)
		switch {
		case i >= 0 && c.in.Pairs[i].State == payment.PairFailed:
			c.add(r, None, "posd could undo neither of them: give one back by hand", nil)
		case i >= 0:
			c.add(r, None, "posd gives one of them back by itself, when it knows of both that they are paid", nil)
		case anySettles(mine):
			c.add(r, None, "it stays; settle the other one", nil)
		case anyOrder(mine):
			c.add(r, None, "it stays; the other one goes back", nil)
		case f.a.Attempt == goes:
			c.add(r, Refund, "the sale holds more than it costs: this one goes back", &Order{Verb: "refund"})
		case goes != "":
			c.add(r, None, "it stays; the other one goes back", nil)
		default:
			c.add(r, None, "the sale holds more than it costs: void or refund one of them at the till, with the card", nil)
		}
		mine = c.out.Rows[begin:]
	}
}

// refundable is the last payment that needs no card to be given back; "" if there is none.
func refundable(payers []found) (attempt string) {
	for _, f := range payers {
		if f.a.State == payment.ApprovedState && f.a.Numbers.Terminal == "" {
			attempt = f.a.Attempt
		}
	}
	return attempt
}

func anySettles(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.Act == Settle })
}

func anyOrder(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.Act == Refund })
}

// alike lists approved sales of the same till and amount about the time of a payment that the other side holds: the customer
// may have paid again there. It is listed only.
func (c *comparison) alike(u payment.Attempt) {
	for _, s := range c.in.Sales {
		if s.Client != u.Client || s.ID == u.Sale {
			continue
		}
		for _, a := range s.Attempts {
			near := a.DecidedAt.Sub(u.SentAt).Abs() <= c.in.Alike
			l := payment.LookAlike{Client: u.Client, Unclean: u.Key.String(), Approved: a.Key.String(), Amount: u.Amount, At: a.DecidedAt}
			if near && a.Kind.Captures() && a.State == payment.ApprovedState && a.Amount == u.Amount && !slices.Contains(c.out.LookAlikes, l) {
				c.out.LookAlikes = append(c.out.LookAlikes, l)
			}
		}
	}
}

// strangers are numbers of the bill that the journal does not have. Those of other tills are their business; one that this
// journal must have handed out, or of a batch of its terminal, is not.
func (c *comparison) strangers() {
	told := map[string]bool{}
	for _, r := range c.in.Bill.Rows {
		n := r.Order
		if c.in.Bill.Provider == bill.Acquirer {
			n = strings.Join([]string{r.Terminal, r.Batch, r.Trace}, "/")
		}
		if c.seen[n] || told[n] || c.told[n] == nil {
			continue
		}
		told[n] = true
		t := c.told[n]
		if !c.mine(r) {
			c.out.Elsewhere += len(t.rows)
			continue
		}
		there := t.net(payment.Attempt{Kind: payment.KindSale, Amount: t.gave})
		if there <= 0 {
			continue
		}
		c.out.Rows = append(c.out.Rows, Row{
			List: PaidThere, Number: n, There: there, Currency: r.Currency, Bill: t.says(), Act: None,
			Advice: "it is this till's, and its journal does not have it: was an old copy of the journal put back? Ask the other side, and give it back at its own page",
		})
	}
}

// mine tells whether a row must be this journal's.
func (c *comparison) mine(r bill.Row) bool {
	if c.in.Bill.Provider != bill.Acquirer {
		return c.in.Journal != "" && strings.HasPrefix(r.Order, c.in.Journal)
	}
	return slices.ContainsFunc(c.in.Sales, func(s payment.Sale) bool {
		return slices.ContainsFunc(s.Attempts, func(a payment.Attempt) bool { return a.Numbers.Terminal == r.Terminal })
	})
}
