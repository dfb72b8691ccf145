package payment

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The kinds of fact that the journal keeps about money. An attempt is nothing but the fold of its facts.
const (
	factSaleOpened = "sale.opened"
	factSaleAcked  = "sale.acked"
	factCreated    = "attempt.created"
	factSent       = "attempt.sent"
	factAsked      = "attempt.asked" // an exchange that decided nothing
	factApproved   = "attempt.approved"
	factDeclined   = "attempt.declined"
	factUnsent     = "attempt.unsent"
	factCancelled  = "attempt.cancelled"
	factReversing  = "attempt.reversing"
	factTried      = "reversal.tried" // a try that did not end it
	factReversed   = "attempt.reversed"
	factStuck      = "attempt.stuck"
	factSettled    = "attempt.settled"
	factLate       = "attempt.late" // an answer after the point of no return: it changes nothing
	factTold       = "attempt.told"
	factVoided     = "attempt.voided"   // on the original, in the transaction of the void's approval
	factRefunded   = "attempt.refunded" // on the original, likewise
	factFound      = "attempt.found"    // on an attempt that ended without money: a bill shows that it took some
	factAlarmed    = "reversal.alarmed"
	factPair       = "pair.suspected"
	factPairMoved  = "pair.moved"
	factTrace      = "terminal.trace"
	factBatch      = "terminal.batch"
	factMessages   = "terminal.messages"
	factLeapt      = "numbers.leapt" // order numbers go on so much later: the journal is a copy that was put back

	factBatchClosing    = "batch.closing"    // what is in it, laid down; a step follows in the same transaction
	factBatchStep       = "batch.step"       // a settlement message is about to be sent, under this number
	factBatchTried      = "batch.tried"      // an exchange that did not end it
	factBatchClosed     = "batch.closed"     // the next batch is open
	factBatchRefused    = "batch.refused"    // it stays open
	factBatchSuperseded = "batch.superseded" // the host has gone on without it
)

// Fact is the body of a payment event. Which parts are filled depends on the kind.
type Fact struct {
	Kind     string          `json:"-"`
	Key      Key             `json:"key,omitzero"`
	Sale     *saleOpened     `json:"sale,omitempty"`
	Created  *created        `json:"created,omitempty"`
	Sent     *sent           `json:"sent,omitempty"`
	Answer   *answered       `json:"answer,omitempty"`
	Undo     *undone         `json:"undo,omitempty"`
	Reason   Reason          `json:"reason,omitempty"`
	Lapsed   bool            `json:"lapsed,omitempty"` // the till did not acknowledge it in time
	Settled  *Settlement     `json:"settled,omitempty"`
	Told     string          `json:"told,omitempty"`
	By       string          `json:"by,omitempty"` // the void or refund that did it
	Amount   Cents           `json:"amount,omitempty"`
	Pair     *Pair           `json:"pair,omitempty"`
	Order    *Order          `json:"order,omitempty"`
	Close    *closeFact      `json:"close,omitempty"`
	Terminal string          `json:"terminal,omitempty"`
	Batch    string          `json:"batch,omitempty"`
	Trace    TraceNumber     `json:"trace,omitempty"`
	Leap     int64           `json:"leap,omitempty"`
	Messages []Message       `json:"messages,omitempty"`
	Note     json.RawMessage `json:"note,omitempty"`
}

type saleOpened struct {
	Amount    Cents  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference,omitempty"`
	After     string `json:"after,omitempty"`
	Warning   string `json:"warning,omitempty"`
}

type created struct {
	Rail        Rail      `json:"rail"`
	Kind        Kind      `json:"kind"`
	Amount      Cents     `json:"amount"`
	Currency    string    `json:"currency"`
	Original    string    `json:"original,omitempty"`
	Fingerprint string    `json:"fingerprint"`
	Language    string    `json:"language,omitempty"`
	Print       bool      `json:"print,omitempty"`
	ShortID     string    `json:"short_id"`
	System      bool      `json:"system,omitempty"`
	Confirm     bool      `json:"confirm,omitempty"`
	CardAgain   bool      `json:"card_again,omitempty"`
	Override    *Override `json:"override,omitempty"`
	Ordered     *Order    `json:"ordered,omitempty"`
}

type sent struct {
	Rail       Rail            `json:"rail"`
	Numbers    Numbers         `json:"numbers"`
	Data       json.RawMessage `json:"data,omitempty"`
	Instrument string          `json:"instrument,omitempty"`
	Deadline   time.Duration   `json:"deadline,omitempty"`
	FirstAsk   time.Duration   `json:"first_ask,omitempty"`
}

type answered struct {
	Amount  Cents         `json:"amount,omitempty"`
	Balance *Balance      `json:"balance,omitempty"`
	Code    string        `json:"code,omitempty"`
	Text    string        `json:"text,omitempty"`
	Host    HostNumbers   `json:"host,omitzero"`
	Next    time.Duration `json:"next,omitempty"`
	Doubt   bool          `json:"doubt,omitempty"` // a refusal that is not believed yet
}

type undone struct {
	Code     string          `json:"code,omitempty"`
	Text     string          `json:"text,omitempty"`
	Progress json.RawMessage `json:"progress,omitempty"`
	Next     time.Duration   `json:"next,omitempty"`
	Doubt    bool            `json:"doubt,omitempty"`
	UnderWay bool            `json:"under_way,omitempty"` // it was sent and not answered
	Hold     bool            `json:"hold,omitempty"`      // nothing wakes it before Next is over: a rule of the host
	Early    bool            `json:"early,omitempty"`     // nothing is wrong, it only takes time: it does not count as a try
}

// becomes is the state that a kind of fact leads to; facts that are not listed leave the state alone.
var becomes = map[string]State{
	factSent:      Sent,
	factApproved:  ApprovedState,
	factDeclined:  DeclinedState,
	factUnsent:    Unsent,
	factCancelled: Cancelled,
	factReversing: Reversing,
	factReversed:  Reversed,
	factStuck:     Stuck,
}

// verdicts is the state that a person's word leads to.
var verdicts = map[string]State{"paid": SettledPaid, "not-paid": SettledNotPaid, "retry": Reversing}

// apply folds one fact into an attempt. It is pure; an impossible move is an error and never happens by itself,
// because decide is the only source of facts.
func apply(a Attempt, f Fact, at time.Time) (Attempt, error) {
	if f.Kind == factCreated {
		return born(f, at), nil
	}
	to, moves := becomes[f.Kind], true
	if f.Kind == factSettled {
		to = verdicts[f.Settled.As]
	}
	if to == "" {
		moves = false
	}
	if moves && !CanMove(a.State, to) {
		return a, fmt.Errorf("attempt %s cannot become %s from %s", a.Key, to, a.State)
	}
	if moves {
		a.State = to
	}
	return fill(a, f, at), nil
}

func born(f Fact, at time.Time) Attempt {
	c := f.Created
	return Attempt{
		Key: f.Key, Rail: c.Rail, Kind: c.Kind, State: Created, Amount: c.Amount, Currency: c.Currency,
		Original: c.Original, Fingerprint: c.Fingerprint, Language: c.Language, Print: c.Print,
		ShortID: c.ShortID, System: c.System, Confirm: c.Confirm, CardAgain: c.CardAgain, Ordered: c.Ordered, CreatedAt: at,
	}
}

func fill(a Attempt, f Fact, at time.Time) Attempt {
	switch f.Kind {
	case factSent:
		a.Rail, a.Numbers, a.Data, a.Instrument = f.Sent.Rail, f.Sent.Numbers, f.Sent.Data, f.Sent.Instrument
		a.SentAt, a.NextAsk = at, at.Add(f.Sent.FirstAsk)
		if f.Sent.Deadline > 0 {
			a.Deadline = at.Add(f.Sent.Deadline)
		}
	case factReversing:
		a.Reason, a.Lapsed = f.Reason, f.Lapsed
		a.Undo = UndoRecord{Since: at, NextTry: at}
	case factTried, factReversed, factStuck:
		a.Undo = a.Undo.tried(f.Undo, at)
	case factSettled:
		a.Settled = f.Settled
		if f.Settled.As == "retry" {
			a.Undo = UndoRecord{Since: at, NextTry: at, Progress: a.Undo.Progress}
		}
	case factFound:
		a.Found = f.Order
	case factAlarmed:
		a.Undo.Alarmed = true
	case factTold:
		a.Told = f.Told
	case factVoided:
		a.Voided = true
	case factRefunded:
		a.Refunded += f.Amount
	case factSaleAcked:
		a.Acked = true
	}
	return a.answered(f, at)
}

func (a Attempt) answered(f Fact, at time.Time) Attempt {
	if f.Answer != nil && f.Kind != factLate {
		a.Code, a.Text = f.Answer.Code, f.Answer.Text
		if f.Answer.Host != (HostNumbers{}) {
			a.Host = f.Answer.Host
		}
	}
	if f.Kind == factApproved {
		a.Balance = f.Answer.Balance
	}
	if f.Kind == factAsked {
		a.Asks++
		if f.Answer.Doubt {
			a.Doubts++
		} else {
			a.Doubts = 0
		}
		a.NextAsk = at.Add(f.Answer.Next)
	}
	if f.Answer != nil && (f.Kind == factApproved || f.Kind == factReversing && f.Answer.Amount > 0) {
		a.Approved = f.Answer.Amount // of a part that is not wanted, too: it is what the reversal is about
	}
	if slices.Contains(decided, becomes[f.Kind]) || f.Kind == factSettled {
		a.DecidedAt = at
	}
	return a
}

// decided are the states in which the till has an answer that ends this attempt.
var decided = []State{ApprovedState, DeclinedState, Unsent, Cancelled, Reversed, Stuck}

func (u UndoRecord) tried(f *undone, at time.Time) UndoRecord {
	if f == nil {
		return u
	}
	if !f.Early {
		u.Tries++
	}
	u.LastTry, u.NextTry = at, at.Add(f.Next)
	u.Code, u.Text = f.Code, f.Text
	u.NotBefore = time.Time{}
	if f.UnderWay {
		u.UnderWay = at
	}
	if f.Hold {
		u.NotBefore = u.NextTry
	}
	if f.Progress != nil {
		u.Progress = f.Progress
	}
	if f.Doubt {
		u.Doubts++
	}
	return u
}
