package payment

import "context"

// Settler is a Tender that has batches: what its host said yes to since the last close, as both sides add it up. The
// tender's Policy.UploadSize is above 0 then.
//
// A close begins with StepTotals. Balanced ends it. Unbalanced is followed by StepUpload, once per message, and StepEnd.
// Each message has its trace number on disk before it is sent, and keeps it when it is repeated: after a time-out, a
// refusal to answer, a restart.
type Settler interface {
	// Settle sends one settlement message under the given trace number, and says what the host said. Repeating it under
	// the same number is harmless. ctx carries the time-out.
	Settle(ctx context.Context, s Settling) Settled
}

// BatchStep is how far the close of a batch has come.
type BatchStep string

// The steps.
const (
	StepTotals BatchStep = "totals" // our totals against the host's
	StepUpload BatchStep = "upload" // the items, one message after the other
	StepEnd    BatchStep = "end"    // after the last of them
)

// Settling is one settlement message that is due.
type Settling struct {
	Terminal string
	Batch    string // six digits
	Step     BatchStep
	Trace    TraceNumber
	Totals   Totals
	// Items are those of this upload message, in the order of their trace numbers, with Sealed opened. Approved is what
	// an item counts with. A void is an item as well as what it has voided, which has Voided set: a dialect that nets
	// them leaves out both.
	Items []Attempt
	Count int // items in all, over all messages
}

// Totals is a batch as posd has it: what the host said yes to and what was not reversed. A void is not taken out of Sales
// or Completions: it counts beside them, with the amount that it has voided. Reservations and their voids do not count.
type Totals struct {
	Sales       Sum `json:"sales"`
	Completions Sum `json:"completions"`
	Voids       Sum `json:"voids"`
	Refunds     Sum `json:"refunds"`
}

// Sum is how many, and how much together.
type Sum struct {
	Count  int   `json:"count"`
	Amount Cents `json:"amount"`
}

// Settled is the result of Settle.
type Settled struct {
	Outcome    SettleOutcome
	Code, Text string // the other side's words
	NextBatch  string // the batch that follows, where the host tells it: six digits
	Messages   []Message
}

// SettleOutcome is what a settlement message came to. The zero value is SettleAgain: a close never dies.
type SettleOutcome int

// The outcomes.
const (
	SettleAgain   SettleOutcome = iota // no answer, or one that decides nothing: the same message again
	Balanced                           // StepTotals: the host's totals are ours
	Unbalanced                         // StepTotals: they are not; the host wants the items
	Accepted                           // StepUpload, StepEnd: taken
	SettleRefused                      // a listed refusal: a person must look
)
