package payment

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// BatchState is where a batch stands.
type BatchState string

// The states of a batch. Closing, and what follows it, are on record; a batch without a record is open.
const (
	BatchOpen       BatchState = "open"
	BatchClosing    BatchState = "closing"    // posd is at it, and no new card attempt begins
	BatchClosed     BatchState = "closed"     // the host has taken it
	BatchRefused    BatchState = "refused"    // the host has not taken it: it stays open, and a supervisor may try again
	BatchSuperseded BatchState = "superseded" // over, and never taken from us: the host went on to another, or people cleared it
)

// Batch is what a terminal's host settles at once, as the journal knows it.
type Batch struct {
	Seq       int64       `json:"seq,omitempty"` // names the record; a batch that is still open has none
	Terminal  string      `json:"terminal"`
	Number    string      `json:"batch"` // six digits
	State     BatchState  `json:"state"`
	By        string      `json:"by,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Forced    bool        `json:"forced,omitempty"`    // closed with what is in Open
	Scheduled string      `json:"scheduled,omitempty"` // the date whose configured hour closed it, 2026-11-22
	Currency  string      `json:"currency,omitempty"`
	Totals    Totals      `json:"totals"`
	Items     int         `json:"items"`          // in the totals
	Open      []OpenItem  `json:"open,omitempty"` // what was not decided when it was closed
	Step      BatchStep   `json:"step,omitempty"` // closing: of the message that is due
	Trace     TraceNumber `json:"trace,omitempty"`
	From      int         `json:"from,omitempty"` // upload: its items are those from From on
	To        int         `json:"to,omitempty"`   // upload: and before To
	Tries     int         `json:"tries,omitempty"`
	NextTry   time.Time   `json:"next_try,omitzero"`
	Uploaded  bool        `json:"uploaded,omitempty"` // the host's totals differed, and it asked for the items
	Code      string      `json:"code,omitempty"`     // the host's last word
	Text      string      `json:"text,omitempty"`
	Next      string      `json:"next,omitempty"` // the batch that followed
	FirstAt   time.Time   `json:"first_at,omitzero"`
	ClosingAt time.Time   `json:"closing_at,omitzero"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
}

// OpenItem is an attempt that keeps a batch from being added up for good.
type OpenItem struct {
	Key
	ShortID  string      `json:"short_id"`
	Kind     Kind        `json:"kind"`
	State    State       `json:"state"`
	Amount   Cents       `json:"amount"`
	Currency string      `json:"currency"`
	Batch    string      `json:"batch"`
	Trace    TraceNumber `json:"trace"`
	InTotals bool        `json:"in_totals,omitempty"` // approved, and counted: it may still be taken back
}

func openItem(a Attempt) OpenItem {
	return OpenItem{
		Key: a.Key, ShortID: a.ShortID, Kind: a.Kind, State: a.State, Amount: a.Amount, Currency: a.Currency,
		Batch: a.Numbers.Batch, Trace: a.Numbers.Trace,
	}
}

// closeFact is the body of what happens to a batch. Which parts are filled depends on the kind.
type closeFact struct {
	By        string        `json:"by,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Forced    bool          `json:"forced,omitempty"`
	Scheduled string        `json:"scheduled,omitempty"`
	Currency  string        `json:"currency,omitempty"`
	Totals    Totals        `json:"totals,omitzero"`
	Items     []batchItem   `json:"items,omitempty"`
	Open      []OpenItem    `json:"open,omitempty"`
	FirstAt   time.Time     `json:"first_at,omitzero"`
	Step      BatchStep     `json:"step,omitempty"`
	From      int           `json:"from,omitempty"`
	To        int           `json:"to,omitempty"`
	Code      string        `json:"code,omitempty"`
	Text      string        `json:"text,omitempty"`
	Wait      time.Duration `json:"wait,omitempty"` // before the message is sent again
	Next      string        `json:"next,omitempty"` // the batch that follows
}

// batchItem is what an attempt counts with in a batch that is being closed. It is laid down with the close: whatever
// becomes of the attempt meanwhile, the same message says the same.
type batchItem struct {
	Key
	Amount Cents `json:"amount"`
	Voided bool  `json:"voided,omitempty"`
}

// apply folds one fact into a batch. It is pure.
func (b Batch) apply(f Fact, at time.Time) Batch {
	c := f.Close
	switch f.Kind {
	case factBatchClosing:
		b = Batch{
			Seq: b.Seq, Terminal: f.Terminal, Number: f.Batch, State: BatchClosing, By: c.By, Reason: c.Reason, Forced: c.Forced,
			Scheduled: cmp.Or(c.Scheduled, b.Scheduled), Currency: c.Currency, Totals: c.Totals, Items: len(c.Items),
			Open: c.Open, FirstAt: c.FirstAt, ClosingAt: at,
		}
	case factBatchStep:
		b.Step, b.Trace, b.From, b.To, b.Tries, b.NextTry = c.Step, f.Trace, c.From, c.To, 0, at
		b.Uploaded = b.Uploaded || c.Step != StepTotals
	case factBatchTried:
		b.Tries++
		b.NextTry = at.Add(c.Wait)
		b.Code, b.Text = c.Code, c.Text
	case factBatchClosed:
		b.State, b.Next, b.EndedAt, b.Code, b.Text = BatchClosed, c.Next, at, c.Code, c.Text
	case factBatchRefused:
		b.State, b.EndedAt, b.Code, b.Text = BatchRefused, at, c.Code, c.Text
		b.By, b.Reason = cmp.Or(c.By, b.By), cmp.Or(c.Reason, b.Reason) // of whom it was ended by
	case factBatchSuperseded:
		b.Terminal, b.Number, b.State, b.Next, b.EndedAt = f.Terminal, f.Batch, BatchSuperseded, c.Next, at
		b.Code, b.Text = cmp.Or(c.Code, b.Code), cmp.Or(c.Text, b.Text)
		b.By, b.Reason = cmp.Or(c.By, b.By), cmp.Or(c.Reason, b.Reason)
		if !c.FirstAt.IsZero() { // as it stood then; one that was being closed keeps what was laid down
			b.Currency, b.Totals, b.Items, b.Open, b.FirstAt = c.Currency, c.Totals, len(c.Items), c.Open, c.FirstAt
		}
	}
	return b
}

// decideSettled says what the host's answer to a settlement message means for a batch that is being closed: facts to
// journal, in one transaction. It is pure. A step has no trace number yet: the journal gives it. An answer that does not
// fit the step decides nothing, and the message is sent again.
func decideSettled(b Batch, s Settled, size int, r Rules) []Fact {
	if b.State != BatchClosing {
		return nil
	}
	fact := Fact{Kind: factBatchTried, Terminal: b.Terminal, Batch: b.Number, Messages: s.Messages}
	fact.Close = &closeFact{Code: s.Code, Text: s.Text}
	switch {
	case s.Outcome == SettleRefused, b.Step == StepEnd && s.Outcome == Unbalanced: // all was uploaded: a person must look
		fact.Kind = factBatchRefused
	case b.Step == StepTotals && s.Outcome == Balanced, b.Step == StepEnd && (s.Outcome == Accepted || s.Outcome == Balanced):
		fact.Kind, fact.Close.Next = factBatchClosed, following(b.Number, s.NextBatch)
	case b.Step == StepTotals && s.Outcome == Unbalanced, b.Step == StepUpload && s.Outcome == Accepted:
		return []Fact{fact, upload(b, size)}
	default:
		fact.Close.Wait = backoff(Key{Client: b.Terminal, Attempt: b.Number}, b.Tries, r)
	}
	return []Fact{fact}
}

// upload is the step after what was taken so far: the next items, or the end.
func upload(b Batch, size int) Fact {
	f := Fact{Kind: factBatchStep, Terminal: b.Terminal, Batch: b.Number, Close: &closeFact{Step: StepEnd}}
	if b.To < b.Items {
		f.Close.Step, f.Close.From, f.Close.To = StepUpload, b.To, min(b.To+max(1, size), b.Items)
	}
	return f
}

// lastBatch is the highest batch number; 000001 follows it.
const lastBatch = 999_999

// following is the batch after one that is closed: what the host says, if that makes sense, else the next number.
func following(batch, told string) string {
	if n, err := strconv.Atoi(told); err == nil && len(told) == 6 && n > 0 && told != batch {
		return told
	}
	n, err := strconv.Atoi(batch)
	if err != nil || n < 0 {
		return firstBatch
	}
	return fmt.Sprintf("%06d", n%lastBatch+1)
}

// counts tells that an attempt stands in the totals of its batch. A void does where what it has voided does.
func (a Attempt) counts(original Kind) bool {
	if a.Kind == KindVoid {
		return original.captures() && a.held() > 0
	}
	return (a.Kind.captures() || a.Kind == KindRefund) && a.held() > 0
}

// add counts one attempt in.
func (t *Totals) add(a Attempt) {
	sum := &t.Sales
	switch a.Kind {
	case KindCompletion:
		sum = &t.Completions
	case KindVoid:
		sum = &t.Voids
	case KindRefund:
		sum = &t.Refunds
	case KindSale, KindPreAuth, KindBalance:
	}
	sum.Count++
	sum.Amount += a.held()
}

// Net is what the shop is to get for the batch. It may be below 0.
func (t Totals) Net() Cents {
	return t.Sales.Amount + t.Completions.Amount - t.Voids.Amount - t.Refunds.Amount
}
