package payment

import (
	"context"
	"encoding/json"
	"time"
)

// Tender is a way to pay. Card and wallet differ only here. Only the desk and the reverser loop, wait and
// journal; a tender does one exchange with its host per call (sign-on apart) and never calls back.
type Tender interface {
	// Policy says how the core is to treat this tender. It is constant.
	Policy() Policy

	// Ready tells whether money could be asked for now: link up, signed on, breaker closed. It is called before the
	// customer is asked for anything. A *Problem says what is wrong; nothing financial was sent.
	Ready(ctx context.Context) error

	// Collect gets the customer's card or code. It returns nil, nil where the kind needs none (void, refund).
	// It ends with ctx's error when ctx does, and keeps no secret then.
	Collect(ctx context.Context, r Request) (Input, error)

	// Plan lays down, before anything is sent, all that Authorize, Ask and Reverse will need after a restart.
	// It does no I/O: it runs inside the journal's transaction.
	Plan(r Request, in Input, n Numbers) (Plan, error)

	// Authorize asks for the money of an attempt that is durably sent. in is nil for kinds without input and when an
	// attempt is repeated after a restart. ctx carries the time-out. It answers NotSent only if dialling or TLS failed
	// or no Write of this message was called; whatever is not sure is Unknown.
	Authorize(ctx context.Context, a Attempt, in Input) Answer

	// Ask asks what became of an attempt, and changes nothing at the host. Tenders that cannot ask answer Unknown.
	Ask(ctx context.Context, a Attempt) Answer

	// Reverse undoes an attempt whose outcome is unknown or no longer wanted. Calling it again is harmless.
	Reverse(ctx context.Context, a Attempt) Undo
}

// Recaller is a Tender whose voids, refunds and completions may need what was sealed with their original. It is destroyed
// with the original's batch; after that the customer shows the card again.
type Recaller interface {
	// CardAgain tells that a request cannot be made from what is left of its original, whose Sealed is opened. Collect is
	// called with Request.CardAgain then. It does no I/O.
	CardAgain(r Request) bool
}

// Collector is a Tender that may have nothing to collect with: no reader, no scanner.
type Collector interface {
	// CanCollect tells why no card or code can be had from a customer; nil if one can. It does no I/O. Requests that hold a
	// code do not need it.
	CanCollect() error
}

// Doubter is a Tender that begins nothing new while the other side does not make sense. Ready asks it again, so the desk
// calls that every half minute meanwhile.
type Doubter interface {
	// Doubts does no I/O.
	Doubts() bool
}

// Policy is what the core must know of a tender.
type Policy struct {
	Terminal    string        // requests of one terminal go one at a time and reversals gate the next; "" for none
	Asks        bool          // an unknown outcome stays sent and is asked for until the plan's deadline (wallet)
	Repeats     []Kind        // kinds whose unknown outcome is repeated under the same number, since nothing reverses them
	Inquiries   []Kind        // kinds that move no money: their unknown outcome ends declined, and nothing reverses them
	OneCustomer bool          // its devices are shared: while one customer is to show card or code there, no other is asked to
	InFlightMax time.Duration // how long a copy may be under way (120 s): what was answered in doubt is asked again after this
	Call        time.Duration // time limit of one Authorize
	AskCall     time.Duration // of one Ask
	ReverseCall time.Duration // of one Reverse

	// UploadSize is how many items one upload message of a batch's close holds at most; 0: the tender has no batches,
	// whether it is a Settler or not.
	UploadSize int
	// BatchSize is how many payments, and how many voids and refunds, the close of a batch can count; 0 for any number.
	BatchSize int
	// SealedUpload says that the upload needs what Plan.Sealed held. It is kept until the batch is closed then, of voids
	// and refunds, too; else it is destroyed as soon as nothing can want it any more.
	SealedUpload bool
}

// Input is a customer's card or code: secret and short-lived. The core never looks inside.
type Input interface {
	// Hash is a keyed hash of the tender (HMAC-SHA256 under key), to notice the same wallet code again. ok is false
	// where a second reading is no sign of a repeat (cards).
	Hash(key []byte) (sum [32]byte, ok bool)
	// Wipe overwrites the secret. It may be called more than once.
	Wipe()
}

// Plan is what must be on disk before the first byte leaves.
type Plan struct {
	Data       json.RawMessage // no secret in it; comes back as Attempt.Data
	Instrument string          // masked: first 6 + last 4 of a card, the wallet's name
	Sealed     []byte          // secret that a later message needs (a PAN); sealed by the core, given back as Attempt.Sealed
	Deadline   time.Duration   // how long an unknown outcome is asked for, from sent on; tenders that ask
	FirstAsk   time.Duration   // first Ask after an unknown or pending Authorize
	Messages   []Message       // the request, masked
}

// Outcome is what an exchange about money came to. The zero value is Unknown: who forgets to decide gets a reversal.
type Outcome int

// The outcomes.
const (
	Unknown  Outcome = iota // it may have happened
	NotSent                 // not one byte left
	Approved                // the five checks hold (signature or MAC, number, amount and currency, merchant and terminal, time)
	Declined                // the host says no, believably: nothing was charged
	Pending                 // the customer is still at it (password); ask again
)

// Answer is the result of Authorize or Ask.
type Answer struct {
	Outcome    Outcome
	Reason     Reason        // Unknown: why
	Hopeless   bool          // Unknown: asking again cannot help, reverse now
	After      time.Duration // Unknown or Pending: ask again after this; 0 leaves it to the core
	Amount     Cents         // Approved: what was captured or reserved (less than asked for on a partial approval)
	Balance    *Balance      // Approved balance: what the card has
	Code, Text string        // the other side's words
	Host       HostNumbers
	Messages   []Message
}

// Balance is what a card has, as its issuer tells it. Amount may be below 0.
type Balance struct {
	Amount   Cents  `json:"amount"`
	Currency string `json:"currency"` // ISO 4217 letters
}

// UndoOutcome is what one try of a reversal came to. The zero value is Again: a reversal never dies.
type UndoOutcome int

// The outcomes of a try.
const (
	Again      UndoOutcome = iota // no answer, or one that does not end it: try again
	Confirmed                     // the host confirms: nothing is or will be charged
	InDoubt                       // the host knows no original, or it was done already, or on another day
	Refused                       // a listed refusal: a person must decide
	WindowOver                    // the time in which it can be undone is over, and the refund was refused too
)

// Undo is the result of Reverse.
type Undo struct {
	Outcome    UndoOutcome
	After      time.Duration   // Again: nothing is wrong, but not before this (a rule of the host); 0 leaves it to the core's back-off
	UnderWay   bool            // something that moves money was sent and not answered: it may still arrive
	Code, Text string          // the other side's words
	Progress   json.RawMessage // the tender's notes for its next try; nil keeps the old ones
	Messages   []Message
}

// Scribe is what a tender may ask of the journal outside of an attempt. The core implements it.
type Scribe interface {
	// NextTrace durably takes a trace number for a message that is no attempt (sign-on, echo).
	NextTrace(ctx context.Context, terminal string) (TraceNumber, error)
	// Batch is the terminal's current batch number, "000001" before the first sign-on.
	Batch(ctx context.Context, terminal string) (string, error)
	// AdoptBatch durably makes batch the terminal's current one, as a sign-on reply tells it.
	AdoptBatch(ctx context.Context, terminal, batch string) error
	// Record keeps messages that belong to no attempt: sign-on, echo, late and unmatched answers.
	Record(ctx context.Context, terminal string, msgs ...Message) error
}

// Reason is why an attempt is being reversed.
type Reason string

// The reasons; a dialect maps them to its codes (UnionPay F39: 98, A0, 06).
const (
	ReasonNoAnswer  Reason = "no_answer" // time-out, reset, or posd died in between
	ReasonBadAnswer Reason = "bad_mac"   // an answer whose MAC or signature is wrong
	ReasonOther     Reason = "other"     // any other answer that cannot be believed: wrong amount, unparsable
	ReasonUnwanted  Reason = "unwanted"  // approved, but no longer wanted: partial, or never acknowledged
	ReasonCancelled Reason = "cancelled" // the till or a person stopped it
)
