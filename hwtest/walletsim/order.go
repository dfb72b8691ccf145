package walletsim

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Wallet names of the two ends.
const (
	AlipayName = "alipay"
	WeChatName = "wechat"
)

// Request is one verified call to the gateway. The code is not part of what is shown.
type Request struct {
	Wallet  string
	Call    string // "pay", "query", "cancel", "refund", "refund_query", "bill", "certificate"
	Order   string
	Amount  int64 // pay and refund
	Refund  string
	total   int64  // refund at WeChat: what the merchant thinks was paid
	code    string // pay
	header  http.Header
	sandbox bool   // the wire's address is that of WeChat's sandbox
	method  string // the wire's own name of the call
	sign    string // the wire's own kind of signature
	bill    Bill   // bill: which one
	host    string // bill: under which name the gateway was asked

	certificate string // certificate: which one
}

// The calls.
const (
	CallPay         = "pay"
	CallQuery       = "query"
	CallCancel      = "cancel"
	CallRefund      = "refund"
	CallRefundQuery = "refund_query"
	CallBill        = "bill"
	CallCertificate = "certificate"
)

// state is where an order stands.
type state int

const (
	waiting state = iota // the customer has to type a password
	paid
	closed // no money was taken, or all of it was given back by a cancel
)

// order is a payment as the gateway knows it.
type order struct {
	wallet, number, trade string
	amount, returned      int64
	state                 state
	created, paidAt       time.Time
	account               *account // nil for a burnt number, and after a restart
	content               [32]byte // of amount and code; zero when not known
	refunds               map[string]int64
	waits                 int // queries that still find it waiting; -1 waits for the phone
	failed                bool
	refuses               bool // the customer says no when waits are over
	cancelled             bool // money was given back by a cancel
}

func (o *order) move(by int64) {
	if o.account != nil {
		o.account.balance += by
	}
}

// outcome is what a call came to, before a wire puts it in its own words.
type outcome int

const (
	done          outcome = iota // pay, query: paid; cancel, refund: carried out
	isWaiting                    // pay, query
	isClosed                     // pay, query, and cancel of what took no money
	isReturned                   // query: all was given back; cancel: money was given back
	isFailed                     // query at WeChat: the payment failed, please reverse
	isRepeated                   // refund: carried out before
	isAbsent                     // no such order, or refund
	badCode                      // not valid, used, superseded, expired
	badContent                   // the number was used with other content
	noMoney                      // the account holds too little
	hasSuccess                   // pay: paid already
	tooLate                      // the window is over
	tooEarly                     // WeChat: reversing within 15 s
	badState                     // refund of what is not paid
	tooMuch                      // refund of more than is left
	badRepeat                    // refund number used with another amount
	broken                       // the ledger cannot be written
	wantsRetry                   // cancel: retry_flag=Y, recall=Y
	isUnavailable                // 20000, SYSTEMERROR
	isLimited                    // one of too many
	isRefused                    // by a rule, with its code
	isSaidClosed                 // by a rule: said to be cancelled, and is not
	noBill                       // bill: its day is not over, or nothing was moved in it
)

// The figures of both gateways (open docs): windows of cancelling, and when a payment nobody finishes is given up.
var (
	cancelWindow = map[string]time.Duration{AlipayName: 24 * time.Hour, WeChatName: 7 * 24 * time.Hour}
	autoClose    = map[string]time.Duration{AlipayName: 3 * time.Minute, WeChatName: 45 * time.Second}
)

// reverseNotBefore is WeChat's rule: not earlier than this after micropay.
const reverseNotBefore = 15 * time.Second

func (g *Gateway) order(wallet, number string) *order { return g.orders[wallet+"/"+number] }

// carryOut does what a request asks for; mu is held.
func (g *Gateway) carryOut(r Request, rule Rule) (outcome, *order) {
	switch r.Call {
	case CallBill:
		return g.billOutcome(r.bill), nil
	case CallCertificate:
		return g.certificateOutcome(r), nil
	}
	o := g.order(r.Wallet, r.Order)
	if o != nil && o.state == waiting && g.now().Sub(o.created) >= autoClose[r.Wallet] {
		if g.book(Entry{Kind: Closed, Wallet: o.wallet, Order: o.number}) != nil {
			return broken, o
		}
	}
	switch r.Call {
	case CallPay:
		return g.pay(r, o, rule)
	case CallQuery:
		return g.query(o)
	case CallCancel:
		return g.cancel(r, o)
	case CallRefundQuery:
		if o == nil || o.refunds[r.Refund] == 0 && (r.Refund != "" || len(o.refunds) == 0) {
			return isAbsent, o
		}
		return done, o
	}
	return g.refund(r, o)
}

// certificateOutcome tells whether there is such a certificate of ours to give.
func (g *Gateway) certificateOutcome(r Request) outcome {
	if a := g.o.Alipay; a.GatewayCert == "" || !strings.EqualFold(r.certificate, a.GatewayCertSN) {
		return isAbsent
	}
	return done
}

func (g *Gateway) pay(r Request, o *order, rule Rule) (outcome, *order) {
	content := sha256.Sum256(fmt.Appendf(nil, "%d %s", r.Amount, r.code))
	if o != nil {
		return paidAgain(o, content), o
	}
	payer := g.payer(r)
	if payer == nil {
		return badCode, nil
	}
	o = &order{
		wallet: r.Wallet, number: r.Order, amount: r.Amount, created: g.now(), account: payer, content: content,
		refunds: map[string]int64{},
	}
	if payer.balance < r.Amount {
		if r.Wallet == WeChatName { // Alipay keeps no order of a refused payment, WeChat one that wants reversing
			o.failed = true
			g.orders[o.wallet+"/"+o.number] = o
		}
		return noMoney, o
	}
	g.orders[o.wallet+"/"+o.number] = o
	if rule.Fault == UserPaying || rule.Fault == UserRefuses {
		o.waits, o.refuses = rule.Waits, rule.Fault == UserRefuses
		return isWaiting, o
	}
	if payer.askAbove > 0 && r.Amount > payer.askAbove {
		o.waits = -1
		return isWaiting, o
	}
	return g.capture(o), o
}

// fail ends a waiting payment whose customer said no. Alipay closes the order, WeChat keeps one that wants reversing;
// mu is held.
func (g *Gateway) fail(o *order) {
	if o.wallet == WeChatName {
		o.failed = true
		return
	}
	_ = g.book(Entry{Kind: Closed, Wallet: o.wallet, Order: o.number}) // unbooked, it closes by itself later
}

func paidAgain(o *order, content [32]byte) outcome {
	known := o.content != [32]byte{}
	switch {
	case o.state == closed:
		return isClosed
	case known && o.content != content:
		return badContent
	case o.state == waiting:
		return isWaiting
	}
	return hasSuccess
}

func (g *Gateway) capture(o *order) outcome {
	trade := fmt.Sprintf("%s22%08d", g.now().UTC().Format("2006010215"), g.trades+1)
	e := Entry{Kind: Capture, Wallet: o.wallet, Order: o.number, Trade: trade, Amount: o.amount, Account: o.account.masked()}
	if g.book(e) != nil {
		return broken
	}
	return done
}

func (g *Gateway) query(o *order) (outcome, *order) {
	switch {
	case o == nil:
		return isAbsent, nil
	case o.failed && o.state == waiting:
		return isFailed, o
	case o.state == closed && o.cancelled || o.state == paid && o.returned == o.amount:
		return isReturned, o
	case o.state == closed:
		return isClosed, o
	case o.state == paid:
		return done, o
	case o.waits == 0 && o.refuses:
		g.fail(o)
		if o.failed {
			return isFailed, o
		}
		return isClosed, o
	case o.waits == 0:
		return g.capture(o), o
	case o.waits > 0:
		o.waits--
	}
	return isWaiting, o
}

// cancel gives back what was taken. A number that is not known is burnt, and the answer is no different.
func (g *Gateway) cancel(r Request, o *order) (outcome, *order) {
	switch {
	case o == nil || o.state == waiting:
		if o != nil && g.early(o) {
			return tooEarly, o
		}
		if g.book(Entry{Kind: Closed, Wallet: r.Wallet, Order: r.Order}) != nil {
			return broken, o
		}
		return isClosed, g.order(r.Wallet, r.Order)
	case o.state == closed && o.cancelled:
		return isReturned, o
	case o.state == closed, o.returned == o.amount:
		return isClosed, o
	case g.now().Sub(o.created) >= cancelWindow[o.wallet], g.anotherDay(o):
		return tooLate, o
	case g.early(o):
		return tooEarly, o
	}
	e := Entry{Kind: Return, Wallet: o.wallet, Order: o.number, Trade: o.trade, Amount: o.amount - o.returned}
	e.Account = o.account.masked()
	if g.book(e) != nil {
		return broken, o
	}
	return isReturned, o
}

// dayBuffer is how long after midnight in Beijing the day before can still be cancelled where only that can.
const dayBuffer = 15 * time.Minute

func (g *Gateway) anotherDay(o *order) bool {
	if o.wallet != AlipayName || !g.o.Alipay.SameDay {
		return false
	}
	y, m, d := o.created.In(beijing).Date()
	return !g.now().Before(time.Date(y, m, d+1, 0, 0, 0, 0, beijing).Add(dayBuffer))
}

func (g *Gateway) early(o *order) bool {
	return o.wallet == WeChatName && g.now().Sub(o.created) < g.o.WeChat.ReverseNotBefore
}

// refund gives back part or all of a payment, once per refund number.
func (g *Gateway) refund(r Request, o *order) (outcome, *order) {
	switch {
	case o == nil:
		return isAbsent, nil
	case o.refunds[r.Refund] == r.Amount && r.Amount > 0:
		return isRepeated, o
	case o.refunds[r.Refund] != 0:
		return badRepeat, o
	case o.state != paid:
		return badState, o
	case r.Amount <= 0 || r.Amount > o.amount-o.returned, r.Wallet == WeChatName && r.total != o.amount:
		return tooMuch, o
	}
	e := Entry{Kind: Return, Wallet: o.wallet, Order: o.number, Refund: r.Refund, Trade: o.trade, Amount: r.Amount}
	e.Account = o.account.masked()
	if g.book(e) != nil {
		return broken, o
	}
	return done, o
}

// goodNumber tells whether a merchant's number has the gateway's form.
func goodNumber(s string, longest int) bool {
	return s != "" && len(s) <= longest &&
		strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}
