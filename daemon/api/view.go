package api

import (
	"time"

	"posd/daemon/payment"
	"posd/drivers"
)

// saleView is a sale as the till sees it.
type saleView struct {
	Client    string        `json:"client"`
	ID        string        `json:"id"`
	Amount    payment.Cents `json:"amount"`
	Paid      payment.Cents `json:"paid"`               // over all attempts, refunds taken off
	Rest      payment.Cents `json:"rest"`               // still to be paid
	Reserved  payment.Cents `json:"reserved,omitempty"` // by pre-auths that nothing has completed
	Currency  string        `json:"currency"`
	Reference string        `json:"reference,omitempty"`
	OpenedAt  time.Time     `json:"opened_at"`
	AckedAt   time.Time     `json:"acked_at,omitzero"`
	After     string        `json:"after,omitempty"`
	Warning   string        `json:"warning,omitempty"`
	Attempts  []attemptView `json:"attempts"`
}

// attemptView is an attempt as the till sees it. State is what the cashier is to know; inner_state is posd's own word,
// for technicians.
type attemptView struct {
	Client     string              `json:"client"`
	Sale       string              `json:"sale"`
	Attempt    string              `json:"attempt"`
	ShortID    string              `json:"short_id"`
	Rail       payment.Rail        `json:"rail"`
	Kind       payment.Kind        `json:"kind"`
	State      string              `json:"state"`
	InnerState payment.State       `json:"inner_state"`
	Amount     payment.Cents       `json:"amount"`
	Approved   payment.Cents       `json:"approved,omitempty"`
	Refunded   payment.Cents       `json:"refunded,omitempty"`
	Currency   string              `json:"currency"`
	Balance    *payment.Balance    `json:"balance,omitempty"` // what the card has, where that was asked for
	Original   string              `json:"original,omitempty"`
	CardAgain  bool                `json:"card_again,omitempty"` // a void, refund or completion for which the customer shows the card once more
	System     bool                `json:"system,omitempty"`     // posd made it itself, to undo one of a suspect pair
	Instrument string              `json:"instrument,omitempty"`
	Numbers    numbersView         `json:"numbers,omitzero"`
	Host       payment.HostNumbers `json:"host,omitzero"`
	Code       string              `json:"code,omitempty"` // the other side's last word
	Text       string              `json:"text,omitempty"`
	CreatedAt  time.Time           `json:"created_at"`
	SentAt     time.Time           `json:"sent_at,omitzero"`
	DecidedAt  time.Time           `json:"decided_at,omitzero"`
	Reversal   *reversalView       `json:"reversal,omitempty"`
	Settled    *payment.Settlement `json:"settled,omitempty"`
	Ordered    *payment.Order      `json:"ordered,omitempty"` // a refund that a supervisor has ordered
	Found      *payment.Order      `json:"found,omitempty"`   // it ended without money, and a bill shows that it took some
	Slip       []string            `json:"slip,omitempty"`
	RetryAt    time.Time           `json:"retry_at,omitzero"`
	Problem    *problemView        `json:"problem,omitempty"` // when it is not approved
}

// numbersView is posd's own numbers of an attempt, as the other side knows them.
type numbersView struct {
	Terminal string `json:"terminal,omitempty"`
	Batch    string `json:"batch,omitempty"`
	Trace    string `json:"trace,omitempty"`
	Order    string `json:"order,omitempty"`
}

// reversalView is how far a reversal has come.
type reversalView struct {
	Since   time.Time      `json:"since"`
	Reason  payment.Reason `json:"reason,omitempty"`
	Tries   int            `json:"tries"`
	NextTry time.Time      `json:"next_try,omitzero"`
	Code    string         `json:"code,omitempty"`
	Text    string         `json:"text,omitempty"`
	Alarmed bool           `json:"alarmed,omitempty"`
}

// problemView is why an attempt is not approved, in the words of a problem.
type problemView struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

func (a *API) viewSale(s payment.Sale) saleView {
	return saleView{
		Client: s.Client, ID: s.ID, Amount: s.Amount, Paid: s.Net(), Rest: s.Rest(), Reserved: s.Reserved(), Currency: s.Currency, Reference: s.Reference,
		OpenedAt: s.OpenedAt, AckedAt: s.AckedAt, After: s.After, Warning: s.Warning, Attempts: a.viewAttempts(s.Attempts),
	}
}

func (a *API) viewAttempts(attempts []payment.Attempt) []attemptView {
	views := make([]attemptView, len(attempts))
	for i, at := range attempts {
		views[i] = viewAttempt(at, a.o.Now())
	}
	return views
}

func viewAttempt(a payment.Attempt, now time.Time) attemptView {
	v := attemptView{
		Client: a.Client, Sale: a.Sale, Attempt: a.Attempt, ShortID: a.ShortID, Rail: a.Rail, Kind: a.Kind,
		State: a.Said(), InnerState: a.State, Amount: a.Amount, Approved: a.Approved, Refunded: a.Refunded,
		Currency: a.Currency, Balance: a.Balance, Original: a.Original, CardAgain: a.CardAgain, System: a.System, Instrument: a.Instrument, Host: a.Host,
		Numbers: numbersView{Terminal: a.Numbers.Terminal, Batch: a.Numbers.Batch, Order: a.Numbers.Order},
		Code:    a.Code, Text: a.Text, CreatedAt: a.CreatedAt, SentAt: a.SentAt, DecidedAt: a.DecidedAt,
		Settled: a.Settled, Ordered: a.Ordered, Found: a.Found, Problem: problemIn(a),
	}
	if a.Numbers.Trace > 0 {
		v.Numbers.Trace = a.Numbers.Trace.String()
	}
	if u := a.Undo; !u.Since.IsZero() {
		v.Reversal = &reversalView{Since: u.Since, Reason: a.Reason, Tries: u.Tries, Code: u.Code, Text: u.Text, Alarmed: u.Alarmed}
		if a.State == payment.Reversing {
			v.Reversal.NextTry = u.NextTry
		}
	}
	v.RetryAt = retryAt(a, now)
	return v
}

// retryAt is when to ask again about what goes on: in a second, or after a reversal's next try. Zero for what has its outcome.
func retryAt(a payment.Attempt, now time.Time) time.Time {
	if !a.State.Open() {
		return time.Time{}
	}
	soon := now.Add(time.Second)
	if a.State == payment.Reversing && a.Undo.NextTry.After(soon) {
		return a.Undo.NextTry
	}
	return soon
}

// fullView adds what takes the sale: the slip.
func (a *API) fullView(s payment.Sale, at payment.Attempt) attemptView {
	v := viewAttempt(at, a.o.Now())
	if at.State != payment.Created && at.State != payment.Sent {
		v.Slip = a.o.SlipLines(s, at)
	}
	return v
}

// deviceView is how a device is.
type deviceView struct {
	Name    string       `json:"name"`
	Kind    drivers.Kind `json:"kind"`
	Driver  string       `json:"driver"`
	Address string       `json:"address"`
	Online  bool         `json:"online"`
	Since   time.Time    `json:"since"`
	Why     string       `json:"why,omitempty"`
	Remedy  string       `json:"remedy,omitempty"`
	Note    string       `json:"note,omitempty"`
}

func viewDevice(d drivers.DeviceStatus) deviceView {
	return deviceView{d.Name, d.Kind, d.Driver, d.Address, d.Online, d.Since, d.Why, d.Remedy, d.Note}
}
