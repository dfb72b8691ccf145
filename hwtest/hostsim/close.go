package hostsim

import (
	"fmt"
	"strconv"
)

// Closing is what a ledger entry tells of the close of a batch.
type Closing struct {
	Told     *Totals `json:"told,omitempty"` // settlement: as the terminal adds up
	Own      *Totals `json:"own,omitempty"`  // settlement: as the ledger does
	Balanced bool    `json:"balanced,omitempty"`
	Items    []Item  `json:"items,omitempty"`   // upload
	Count    *int    `json:"count,omitempty"`   // end: how many items the terminal says it has uploaded
	Missing  []int   `json:"missing,omitempty"` // end: Seq of what the ledger has and no item names
	Next     string  `json:"next,omitempty"`    // the batch that follows: this one is closed
}

// Totals are the money of a batch: debits are what customers paid, credits what they got back.
type Totals struct {
	DebitCount   int   `json:"debit_count"`
	DebitAmount  int64 `json:"debit_amount"` // minor units
	CreditCount  int   `json:"credit_count"`
	CreditAmount int64 `json:"credit_amount"`
}

// Item is one payment of a batch upload, and what the host makes of it.
type Item struct {
	Trace  string `json:"trace"`
	Amount int64  `json:"amount"`
	Kind   string `json:"kind,omitempty"`  // where the dialect tells it
	Card   string `json:"card,omitempty"`  // first 6 and last 4
	Entry  int    `json:"entry,omitempty"` // Seq of the payment in the ledger
	Wrong  string `json:"wrong,omitempty"` // amount, card, reversed, twice; taken: the host did not have it, and has it now
}

// nextBatch is the number after a batch; 000001 follows 999999.
func nextBatch(batch string) string {
	n, _ := strconv.Atoi(batch)
	return fmt.Sprintf("%06d", n%999_999+1)
}

// bookClose decides a message that closes a batch, and puts it into the ledger.
func (h *Host) bookClose(q *request, r Rule) (Entry, error) {
	t := h.terminals[q.terminal]
	batch := h.batchOf(q)
	again, ok := h.ledger.last(q.terminal, q.trace, func(e Entry) bool {
		return e.Kind == q.name && e.Close != nil && (q.batch == "" && q.at.Sub(e.Time) < longestDelay || e.Batch == batch)
	})
	if ok {
		return again, nil
	}
	e := h.entry(q)
	e.Close = q.close
	if batch != t.Batch {
		return Entry{Kind: q.name, Code: h.codes.Batch}, nil
	}
	var err error
	switch q.name {
	case KindSettlement:
		h.settle(&e, r)
	case KindUpload:
		err = h.upload(&e)
	default:
		h.endBatch(&e)
	}
	if err == nil {
		e, err = h.ledger.add(e)
	}
	if err == nil && e.Approved && e.Close.Next != "" {
		t.Batch = e.Close.Next
	}
	return e, err
}

// settle holds the terminal's totals against the ledger's. Equal ones close the batch; so do others, where the dialect has
// no upload.
func (h *Host) settle(e *Entry, r Rule) {
	c := e.Close
	h.addUp(e)
	c.Balanced, e.Approved = c.Balanced && r.Do != Unbalanced, true
	if e.Code = h.codes.Unbalanced; c.Balanced {
		e.Code = h.codes.Balanced
	}
	if c.Balanced || !h.dialect.HasTransaction(KindBatchEnd) { // where nothing is uploaded, people clear the difference
		c.Next = nextBatch(e.Batch)
	}
}

// addUp compares the totals. A terminal that tells none balances.
func (h *Host) addUp(e *Entry) {
	own := h.totals(e.Terminal, e.Batch)
	c := e.Close
	c.Own, c.Balanced = &own, c.Told == nil || *c.Told == own
	if !c.Balanced {
		h.log.Warn("batch does not balance", "terminal", e.Terminal, "batch", e.Batch, "told", *c.Told, "own", own)
	}
}

// counted tells whether an entry counts in the totals of its batch.
func (h *Host) counted(e Entry) bool {
	t := trades[e.Kind]
	if t.moves == 0 || !e.Approved || e.Reversed {
		return false
	}
	return h.dialect.Settlement().VoidsCredit || !e.Voided && !t.whole
}

// totals adds up a batch.
func (h *Host) totals(terminal, batch string) Totals {
	var sum Totals
	for _, e := range h.ledger.payments() {
		switch {
		case e.Terminal != terminal || e.Batch != batch || !h.counted(e):
		case trades[e.Kind].moves > 0:
			sum.DebitCount++
			sum.DebitAmount += e.Captured
		default:
			sum.CreditCount++
			sum.CreditAmount += e.Captured
		}
	}
	return sum
}

// begun gives the record of a batch whose totals did not balance and that is open.
func (h *Host) begun(e *Entry) (Batch, bool) {
	list := batches(h.ledger.all())
	for i := len(list) - 1; i >= 0; i-- {
		if b := list[i]; b.Terminal == e.Terminal && b.Batch == e.Batch {
			return b, b.Next == ""
		}
	}
	return Batch{}, false
}

// upload holds every item against the ledger. What the host does not have it takes into its books, as a sale where
// nobody says what it is: that is what an upload is for.
func (h *Host) upload(e *Entry) error {
	b, ok := h.begun(e)
	if !ok {
		e.Code = h.codes.State
		return nil
	}
	seen := map[string]bool{}
	for _, it := range b.Items {
		seen[it.Trace] = true
	}
	for i := range e.Close.Items {
		it := &e.Close.Items[i]
		if h.verify(it, e); seen[it.Trace] {
			it.Wrong = "twice"
		}
		seen[it.Trace] = true
		if it.Wrong == "unknown" {
			if err := h.takeOver(it, e); err != nil {
				return err
			}
		}
		if it.Wrong != "" {
			h.log.Warn("item of an upload is wrong", "terminal", e.Terminal, "batch", e.Batch, "trace", it.Trace, "wrong", it.Wrong)
		}
	}
	e.Code, e.Approved = h.codes.Approved, true
	return nil
}

// verify finds an item's payment in the ledger.
func (h *Host) verify(it *Item, e *Entry) {
	o, ok := h.ledger.last(e.Terminal, it.Trace, func(o Entry) bool {
		return o.Batch == e.Batch && o.Approved && trades[o.Kind].moves != 0
	})
	it.Entry = o.Seq
	switch {
	case !ok:
		it.Wrong = "unknown"
	case o.Reversed:
		it.Wrong = "reversed"
	case o.Captured != it.Amount:
		it.Wrong = "amount"
	case it.Card != "" && it.Card != o.Card:
		it.Wrong = "card"
	}
}

// takeOver books an item that the host does not have.
func (h *Host) takeOver(it *Item, e *Entry) error {
	kind := it.Kind
	if trades[kind].moves == 0 {
		kind = KindSale
	}
	sale := Entry{
		Time: e.Time, Kind: kind, Terminal: e.Terminal, Merchant: e.Merchant, Batch: e.Batch, Trace: it.Trace,
		Amount: it.Amount, Captured: it.Amount, Currency: e.Currency, Card: it.Card, Code: h.codes.Approved, Approved: true, Uploaded: true,
	}
	h.number(&sale)
	sale, err := h.ledger.add(sale)
	it.Entry, it.Wrong = sale.Seq, "taken"
	return err
}

// endBatch closes a batch after its upload, if as many items came as the terminal says. What no item names stays in the
// record.
func (h *Host) endBatch(e *Entry) {
	b, ok := h.begun(e)
	switch c := e.Close; {
	case !ok:
		e.Code = h.codes.State
	case c.Count != nil && *c.Count != len(b.Items):
		h.log.Warn("items of an upload are missing", "terminal", e.Terminal, "batch", e.Batch, "told", *c.Count, "came", len(b.Items))
		e.Code = h.codes.Format
	default:
		if c.Told != nil {
			h.addUp(e)
		}
		e.Code, e.Approved, c.Next = h.codes.Approved, true, nextBatch(e.Batch)
		named := map[int]bool{}
		for _, it := range b.Items {
			named[it.Entry] = true
		}
		for _, p := range h.ledger.payments() {
			if p.Terminal == e.Terminal && p.Batch == e.Batch && h.counted(p) && !named[p.Seq] {
				c.Missing = append(c.Missing, p.Seq)
			}
		}
	}
}

// resumeBatches goes on, after a restart of the host, with the batch after the last one that was closed.
func (h *Host) resumeBatches() {
	for _, b := range h.Batches() {
		if t := h.terminals[b.Terminal]; t != nil && b.Next != "" {
			t.Batch = b.Next
		}
	}
}
