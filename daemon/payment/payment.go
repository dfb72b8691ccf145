// Package payment takes money once: it moves attempts through their states and settles what is owed.
//
// It knows the journal and nothing else: no device, no protocol, no HTTP. The words are those of a shop:
// a sale is what is to be paid, an attempt is one try to move money for it, a tender is a way to do so.
// The rules it keeps: disk before deed; unknown is not failed; what was asked and not answered is reversed.
package payment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Cents is an amount of money in minor units of its currency.
type Cents int64

// TraceNumber numbers a card request (ISO 8583 field 11), 1 to 999999. It comes from the journal, never from memory.
type TraceNumber uint32

// String gives the six digits that field 11 carries.
func (t TraceNumber) String() string { return fmt.Sprintf("%06d", uint32(t)) }

// Rail is the way money travels.
type Rail string

// The rails. RailAny collects on both; the first that is journaled as sent wins.
const (
	RailCard   Rail = "card"
	RailWallet Rail = "wallet"
	RailAny    Rail = "any"
)

// Kind is what an attempt does with money.
type Kind string

// The kinds of attempt.
const (
	KindSale       Kind = "sale"
	KindPreAuth    Kind = "pre-auth"   // reserves and takes nothing; a completion takes it
	KindCompletion Kind = "completion" // takes what its original, a pre-auth, has reserved, or less
	KindBalance    Kind = "balance"    // asks what the card has; moves no money
	KindVoid       Kind = "void"       // of a sale, a pre-auth or a completion
	KindRefund     Kind = "refund"     // of a sale or a completion
)

// Key names an attempt. Ids are chosen by the till and scoped to that client.
type Key struct {
	Client  string `json:"client"`
	Sale    string `json:"sale"`
	Attempt string `json:"attempt"`
}

// String gives "sale/attempt", as the till and the technician write it.
func (k Key) String() string { return k.Sale + "/" + k.Attempt }

// anothers is what a refusal calls an attempt of another client than the one who asks: that one may have a sale of the same id,
// and would look at its own.
func anothers(shortID string) string { return "an attempt of another till (payment " + shortID + ")" }

// Secret is a wallet code on its way through posd. It prints masked, and Wipe ends it.
// The zero value holds nothing.
type Secret struct{ b []byte }

// NewSecret takes ownership of b: nobody else may keep or change it.
func NewSecret(b []byte) Secret { return Secret{b: b} }

// clone is a copy that somebody else wipes.
func (s Secret) clone() Secret { return Secret{b: bytes.Clone(s.b)} }

// Reveal hands the bytes to use, which must not keep them.
func (s Secret) Reveal(use func([]byte)) { use(s.b) }

// Empty tells whether there is nothing in it.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// Wipe overwrites the bytes.
func (s Secret) Wipe() { clear(s.b) }

// String is a mask; so are the other ways to print a Secret.
func (s Secret) String() string { return "(secret)" }

// Format keeps every fmt verb from the content.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// MarshalJSON gives the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"(secret)"`), nil }

// Request is what the till asks for in one attempt. It holds no secret but the code, which is never journaled.
type Request struct {
	Key      Key
	Rail     Rail
	Kind     Kind
	Amount   Cents // what this attempt is to move; for a sale the open rest of the sale
	Currency string
	Original *Attempt // void, refund, completion: the attempt they name; else nil
	Code     Secret   // a wallet code that the till has scanned itself; mostly empty
	Language string   // "zh" or "en": the slip's language
	Print    bool
	Override *Override // a supervisor's word that the tender lock may be passed

	// Patience is how long Pay may be kept by a busy terminal; then the attempt comes back as created, and goes on by itself.
	// 0 is as long as it takes.
	Patience time.Duration

	CardAgain bool // set by the desk: the customer shows the card again, see Recaller

	system      bool   // posd itself undoes one of a suspect pair
	order       *Order // a supervisor has ordered this refund
	fingerprint string // of the request as the till sent it, before it was completed
}

// Override is a supervisor's decision to pass the tender lock: it makes a suspect pair.
type Override struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Numbers are what the journal hands out for one attempt, in the transaction that makes it sent.
type Numbers struct {
	Terminal string      `json:"terminal,omitempty"` // card only
	Batch    string      `json:"batch,omitempty"`    // card only, six digits
	Trace    TraceNumber `json:"trace,omitempty"`    // card only
	Order    string      `json:"order"`              // unique for ever, [0-9A-Z], at most 28: the wallet's order or refund number
}

// HostNumbers are what the other side called the payment.
type HostNumbers struct {
	Reference   string `json:"reference,omitempty"`   // card: retrieval reference (F37); wallet: the gateway's transaction id
	Approval    string `json:"approval,omitempty"`    // card: F38
	Date        string `json:"date,omitempty"`        // card: F13, MMDD
	Time        string `json:"time,omitempty"`        // card: F12, hhmmss
	Batch       string `json:"batch,omitempty"`       // card: batch the host booked it in
	Wallet      string `json:"wallet,omitempty"`      // "alipay", "wechat" ...
	Institution string `json:"institution,omitempty"` // acquirer (F32) or issuer, where told
}

// Message is one protocol message as a technician may see it later: masked by field class, never with a secret.
type Message struct {
	Direction string          `json:"dir"`  // "out", "in", or "late" for an answer that changed nothing
	Name      string          `json:"name"` // "0200", "alipay.trade.pay" ...
	Time      time.Time       `json:"time"`
	Fields    json.RawMessage `json:"fields"` // a JSON object of masked values
}

// Attempt is one try to move money, as the journal knows it. It is a value; what the journal holds is the truth.
type Attempt struct {
	Key
	Rail        Rail            `json:"rail"` // RailAny until one rail has won
	Kind        Kind            `json:"kind"`
	State       State           `json:"state"`
	Amount      Cents           `json:"amount"`
	Currency    string          `json:"currency"`
	Original    string          `json:"original,omitempty"` // attempt id that a void or refund undoes, or a completion completes
	Fingerprint string          `json:"fingerprint"`
	Language    string          `json:"language,omitempty"`
	Print       bool            `json:"print,omitempty"`
	ShortID     string          `json:"short_id"` // six characters, on slip, screen and in every log line
	Numbers     Numbers         `json:"numbers"`
	Data        json.RawMessage `json:"data,omitempty"`       // Plan.Data
	Instrument  string          `json:"instrument,omitempty"` // masked card number or wallet name
	Approved    Cents           `json:"approved,omitempty"`   // what was captured or reserved; less than Amount on a partial approval
	Balance     *Balance        `json:"balance,omitempty"`    // what the card has, where that was asked for
	Host        HostNumbers     `json:"host"`
	Code        string          `json:"code,omitempty"` // last answer code of the other side
	Text        string          `json:"text,omitempty"` // its text for people
	Reason      Reason          `json:"reason,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	SentAt      time.Time       `json:"sent_at,omitzero"`
	Deadline    time.Time       `json:"deadline,omitzero"` // a wallet's unknown outcome is asked for until here
	DecidedAt   time.Time       `json:"decided_at,omitzero"`
	Asks        int             `json:"asks,omitempty"`
	Doubts      int             `json:"doubts,omitempty"` // refusals of a repeat since the last copy that nobody answered
	NextAsk     time.Time       `json:"next_ask,omitzero"`
	Confirm     bool            `json:"confirm,omitempty"` // undone unless the till acknowledges it in time
	Lapsed      bool            `json:"lapsed,omitempty"`  // it was not
	Acked       bool            `json:"acked,omitempty"`
	Undo        UndoRecord      `json:"undo,omitzero"`
	Told        string          `json:"told,omitempty"`   // the last word given to the till
	Voided      bool            `json:"voided,omitempty"` // an approved void undid it
	Refunded    Cents           `json:"refunded,omitempty"`
	Settled     *Settlement     `json:"settled,omitempty"`
	CardAgain   bool            `json:"card_again,omitempty"` // the customer shows the card once more, for a void, refund or completion
	System      bool            `json:"system,omitempty"`     // made by posd itself to undo one of a suspect pair
	Ordered     *Order          `json:"ordered,omitempty"`    // a refund that a supervisor has ordered
	Found       *Order          `json:"found,omitempty"`      // it ended without money, and a bill shows that it took some
	Sealed      []byte          `json:"-"`                    // what Plan.Sealed held, opened for the tender's call only

	ended bool // the batch it was sent in is over: a column of the table, since it is no fact of the attempt
}

// Words are the other side's code and text, for people. A text that names the code is not led by it; two digits may be
// anything in a text.
func Words(code, text string) string {
	if len(code) > 2 && strings.Contains(text, code) {
		return text
	}
	return strings.TrimSpace(code + " " + text)
}

// UndoRecord is how far the reversal of an attempt has come.
type UndoRecord struct {
	Since     time.Time       `json:"since,omitzero"`
	Tries     int             `json:"tries,omitempty"`
	LastTry   time.Time       `json:"last_try,omitzero"`
	NextTry   time.Time       `json:"next_try,omitzero"` // shown to people; the reverser itself waits by monotonic time
	NotBefore time.Time       `json:"not_before,omitzero"`
	Doubts    int             `json:"doubts,omitempty"`   // answers that leave it in doubt (card codes 12, 25)
	UnderWay  time.Time       `json:"under_way,omitzero"` // when a try ended last that was sent and not answered: it may still arrive
	Code      string          `json:"code,omitempty"`
	Text      string          `json:"text,omitempty"`
	Progress  json.RawMessage `json:"progress,omitempty"` // the tender's own notes between tries
	Alarmed   bool            `json:"alarmed,omitempty"`
}

// Settlement is a person's verdict on a stuck attempt.
type Settlement struct {
	As     string    `json:"as"` // "paid", "not-paid" or "retry"
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Amount Cents     `json:"amount,omitempty"` // "paid": what the other side holds; 0 for the attempt's whole amount
}
