package wallet

import (
	"context"
	"time"

	"posd/daemon/payment"
)

// Provider speaks one gateway's protocol. It does one exchange per call, keeps no state about payments and decides
// nothing: it signs, sends, verifies and reads.
type Provider interface {
	// Terms are the gateway's name, our identity there and its figures. They are constant.
	Terms() Terms
	// Request describes the message that Do would send, masked: never the code, never a key.
	Request(c Call) payment.Message
	// Do sends one request and reads the answer. It never retries. ctx carries the time limit.
	Do(ctx context.Context, c Call) Result
}

// Concerned is a Provider that may have concerns of its own: what somebody should look at.
type Concerned interface {
	Concerns() []payment.Concern
}

// Terms is what the wallet must know of a gateway. Figures are those of its documents unless a shop sets others.
type Terms struct {
	Name             string // "alipay", "wechat": what routes point at
	Merchant         string // who we are there, as Facts.Merchant tells it
	Owner            string // whose the orders are there, if that is only a part of Merchant
	Currency         string
	Deadline         time.Duration // how long an unknown or pending payment is asked for
	FirstAsk         time.Duration
	QueryEvery       time.Duration
	ReverseNotBefore time.Duration // counted from sent
	ReverseWindow    time.Duration // after this only a refund undoes
}

// Op is one of the calls that every gateway has.
type Op int

// The calls. OpProbe sends nothing financial: it tells whether the gateway can be reached.
const (
	OpProbe Op = iota
	OpPay
	OpQuery
	OpCancel
	OpRefund
)

// Call is one request to a gateway.
type Call struct {
	Op       Op
	Order    string        // our number of the payment
	Amount   payment.Cents // pay: to take; refund: to give back
	Currency string
	Refund   string         // our number of the refund
	Total    payment.Cents  // refund: what the payment was
	Code     payment.Secret // pay
	Sum      bool           // query: of what was refunded Facts.Refunded is wanted, too, if the gateway can tell
}

// Result is what came of a Call. The zero value says that it may have happened and that nobody answered.
type Result struct {
	NotSent    bool           // dialling or TLS failed: not one byte of the request left
	Reached    bool           // the gateway answered something complete
	Signed     bool           // the answer is signed by the gateway, for us; else Class and Facts mean nothing
	Doubt      payment.Reason // not Signed: why
	Class      Class
	Absent     bool // query: the gateway says that it knows no such order
	ByRefund   bool // query: ClassReversed by refunds, perhaps of a part only
	Code, Text string
	Facts      Facts
	Messages   []payment.Message // what followed the request, masked
}

// Facts are what an answer says about a payment; empty where it says nothing.
type Facts struct {
	Order     string
	Amount    payment.Cents
	Currency  string
	Merchant  string
	PaidAt    time.Time
	Reference string        // the gateway's own number
	Refunded  payment.Cents // ByRefund: how much went back by all refunds; 0 where the gateway does not tell
}
