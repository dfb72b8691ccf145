package template

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// provider speaks to the gateway. It keeps nothing of payments, and is safe for concurrent use.
type provider struct {
	Settings
	key  []byte
	shop string
	now  func() time.Time
	post *wallet.Poster
}

// Terms are the gateway's figures, or the shop's.
func (p *provider) Terms() wallet.Terms {
	return wallet.Terms{
		Name: Name, Merchant: p.Merchant, Currency: "CNY", Deadline: p.Deadline.Duration, FirstAsk: p.QueryEvery.Duration,
		QueryEvery: p.QueryEvery.Duration, ReverseWindow: p.ReverseWindow.Duration,
	}
}

// calls are what the gateway calls them, and its paths. Cite document and section of the real one.
var calls = map[wallet.Op]string{wallet.OpPay: "pay", wallet.OpQuery: "query", wallet.OpCancel: "cancel", wallet.OpRefund: "refund"}

// The meaning of answers, by state and why. What no row lists is unknown: it is asked for, and undone in the end.
var (
	payTable = wallet.Table{
		{Code: "paid", Class: wallet.ClassPaid, Why: "if the five checks hold"},
		{Code: "waiting", Class: wallet.ClassPending, Why: "the customer types a password"},
		{Code: "refused", Sub: "code", Class: wallet.ClassFailedNewCode},
		{Code: "refused", Sub: "merchant", Class: wallet.ClassConfig},
		{Code: "refused", Sub: "balance", Class: wallet.ClassFailed},
	}
	queryTable = wallet.Table{
		{Code: "paid", Class: wallet.ClassPaid},
		{Code: "waiting", Class: wallet.ClassPending},
		{Code: "closed", Class: wallet.ClassClosed},
		{Code: "absent", Class: wallet.ClassUnknown, Why: "the payment may still be under way"},
	}
	cancelTable = wallet.Table{
		{Code: "closed", Class: wallet.ClassReversed},
		{Code: "absent", Class: wallet.ClassReversed, Why: "confirmed by two queries"},
		{Code: "busy", Class: wallet.ClassRetryReverse},
	}
	refundTable = wallet.Table{
		{Code: "refunded", Class: wallet.ClassReversed},
		{Code: "refused", Sub: "*", Class: wallet.ClassFailed},
	}
	tables = map[wallet.Op]wallet.Table{
		wallet.OpPay: payTable, wallet.OpQuery: queryTable, wallet.OpCancel: cancelTable, wallet.OpRefund: refundTable,
	}
)

// fields are a request's, with the code as it shall be shown or sent.
func (p *provider) fields(c wallet.Call, code string) map[string]string {
	f := map[string]string{"merchant": p.Merchant, "order": c.Order}
	switch c.Op {
	case wallet.OpPay:
		f["amount"], f["subject"], f["code"] = cents(c.Amount), p.shop, code
	case wallet.OpRefund:
		f["amount"], f["refund"] = cents(c.Amount), c.Refund
	case wallet.OpProbe, wallet.OpQuery, wallet.OpCancel:
	}
	return f
}

func cents(c payment.Cents) string { return strconv.FormatInt(int64(c), 10) }

// Request shows a message with the code masked.
func (p *provider) Request(c wallet.Call) payment.Message {
	return wallet.Message("out", calls[c.Op], p.now(), p.fields(c, wallet.CodeMask(c.Code)))
}

// Do makes one exchange: sign, send, verify, read. It never tries twice.
func (p *provider) Do(ctx context.Context, c wallet.Call) wallet.Result {
	if c.Op == wallet.OpProbe {
		return p.post.Probe(ctx, p.URL+"/")
	}
	var body []byte
	c.Code.Reveal(func(code []byte) { body, _ = json.Marshal(p.fields(c, string(code))) }) // a map of texts does not fail
	reply, err := p.post.Exchange(ctx, wallet.Letter{
		Method: http.MethodPost, To: p.URL + "/" + calls[c.Op], Header: http.Header{signature: {Sign(p.key, body)}}, Body: body,
	})
	clear(body)
	if err != nil {
		return p.doubt(c, wallet.Unanswered(err))
	}
	fields, err := p.verified(reply)
	if err != nil {
		return p.doubt(c, wallet.Distrusted(err))
	}
	return p.read(c, wallet.Shown(fields, c.Code, answerFields))
}

// signature is the header of both directions' signatures.
const signature = "Signature"

// Sign gives HMAC-SHA256 of a body in hex: the tests' gateway signs with it as well.
func Sign(key, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// doubt journals why an answer, if there was any, is worth nothing.
func (p *provider) doubt(c wallet.Call, r wallet.Result) wallet.Result {
	if !r.NotSent {
		r.Messages = p.heard(c, map[string]string{"problem": r.Text})
	}
	return r
}

func (p *provider) heard(c wallet.Call, fields map[string]string) []payment.Message {
	return []payment.Message{wallet.Message("in", calls[c.Op], p.now(), fields)}
}

// verified gives the fields of an answer whose signature holds over the exact bytes. Nothing is read before.
func (p *provider) verified(r wallet.Reply) (fields map[string]string, err error) {
	given := r.Header.Get(signature)
	switch {
	case given == "":
		return nil, sign.ErrMissing
	case !hmac.Equal([]byte(given), []byte(Sign(p.key, r.Body))):
		return nil, sign.ErrWrong
	}
	if err := json.Unmarshal(r.Body, &fields); err != nil {
		return nil, fmt.Errorf("%w: no object of texts", wallet.ErrAnswer)
	}
	return fields, nil
}

// answerFields are what of an answer may be read, journaled and shown. Customers' names are not among them.
var answerFields = []string{"state", "why", "merchant", "order", "amount", "refund", "trade", "paid_at"}

// read says what a signed answer means.
func (p *provider) read(c wallet.Call, f map[string]string) wallet.Result {
	r := wallet.Result{
		Reached: true, Signed: true, Code: f["state"], Text: f["why"], Messages: p.heard(c, f),
		Class: tables[c.Op].Class(f["state"], f["why"]), Absent: f["state"] == "absent",
		Facts: wallet.Facts{Order: f["order"], Currency: "CNY", Merchant: f["merchant"], Reference: f["trade"]},
	}
	if n, err := strconv.ParseInt(f["amount"], 10, 64); err == nil {
		r.Facts.Amount = payment.Cents(n)
	}
	if at, err := time.Parse(time.RFC3339, f["paid_at"]); err == nil {
		r.Facts.PaidAt = at
	}
	if c.Op == wallet.OpRefund && r.Class == wallet.ClassReversed && (f["refund"] != c.Refund || r.Facts.Amount != c.Amount) {
		r.Class = wallet.ClassUnknown // an answer about another refund
	}
	return r
}
