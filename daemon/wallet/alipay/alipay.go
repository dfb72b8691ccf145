// Package alipay is the Alipay open API as a wallet provider: pay with a scanned code, query, cancel, refund.
//
// Requests are form posts to one address, signed RSA2 over all parameters. An answer is verified over the exact bytes
// of its response node before anything in it is read. Source: Alipay open docs, alipay.trade.pay, .query, .cancel,
// .refund, .fastpay.refund.query, alipay.open.app.alipaycert.download, and the page on signatures.
package alipay

import (
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// Name is what routes call this provider.
const Name = "alipay"

// maxSubject is the longest subject in bytes (alipay.trade.pay).
const maxSubject = 256

// Options make a Provider. Zero durations become the gateway's figures.
type Options struct {
	URL           string // https://openapi.alipay.com/gateway.do
	BackupURL     string // a second host that knows the same orders; mostly empty
	AppID         string
	SellerID      string // our account there; an answer that names another is not believed
	Key           *rsa.PrivateKey
	GatewayKey    *rsa.PublicKey // Alipay's key for this application
	Certificates  *Certificates  // certificate mode, instead of GatewayKey
	Subject       string         // what the customer's bill says: the shop's name
	Transport     http.RoundTripper
	Now           func() time.Time
	Deadline      time.Duration // 60 s
	FirstAsk      time.Duration // 3 s
	QueryEvery    time.Duration // 3 s
	ReverseWindow time.Duration // 24 h
}

// Certificates is certificate mode: requests name our certificate and the roots that we trust, answers name Alipay's.
type Certificates struct {
	AppSN, RootSN string // sign.CertSN, sign.RootCertSN
	// GatewayKey gives the key of the certificate that an answer names in alipay_cert_sn. It is asked with every answer, so that
	// certificates may change while posd runs.
	GatewayKey func(sn string) (*rsa.PublicKey, error)
	// Given reads a certificate that Alipay gave when it was asked for one that GatewayKey does not know, and tells its name;
	// an error says why it is not Alipay's. nil: none is asked for.
	Given func(text []byte) (sn string, key *rsa.PublicKey, err error)
}

// Provider speaks to Alipay. It is safe for concurrent use.
type Provider struct {
	o    Options
	to   string
	post *wallet.Poster

	shelf shelf // certificates that Alipay gave
}

var _ wallet.Provider = (*Provider)(nil)

// New refuses options without which no request could be signed or no answer verified.
func New(o Options) (*Provider, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("alipay: url is not an address")
	case o.AppID == "" || o.SellerID == "":
		return nil, errors.New("alipay: app_id and seller_id are needed")
	case o.Key == nil || o.GatewayKey == nil && o.Certificates == nil:
		return nil, errors.New("alipay: private key, and gateway public key or certificates, are needed")
	case o.Transport == nil:
		return nil, errors.New("alipay: no transport")
	}
	q := u.Query()
	q.Set("charset", "utf-8")
	u.RawQuery = q.Encode()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Subject == "" {
		o.Subject = "Payment"
	}
	o.Subject = wallet.Cut(o.Subject, maxSubject)
	o.Deadline = cmp.Or(o.Deadline, time.Minute)
	o.FirstAsk = cmp.Or(o.FirstAsk, 3*time.Second)
	o.QueryEvery = cmp.Or(o.QueryEvery, 3*time.Second)
	o.ReverseWindow = cmp.Or(o.ReverseWindow, 24*time.Hour)
	post, err := wallet.NewPoster(o.Transport, o.BackupURL)
	if err != nil {
		return nil, fmt.Errorf("alipay: %w", err)
	}
	return &Provider{o: o, to: u.String(), post: post}, nil
}

// Terms are Alipay's figures, or the shop's.
func (p *Provider) Terms() wallet.Terms {
	return wallet.Terms{
		Name: Name, Merchant: p.o.SellerID, Currency: "CNY", Deadline: p.o.Deadline, FirstAsk: p.o.FirstAsk,
		QueryEvery: p.o.QueryEvery, ReverseWindow: p.o.ReverseWindow,
	}
}

// methods are the open API's names of our calls.
var methods = map[wallet.Op]string{
	wallet.OpPay:    "alipay.trade.pay",
	wallet.OpQuery:  "alipay.trade.query",
	wallet.OpCancel: "alipay.trade.cancel",
	wallet.OpRefund: "alipay.trade.refund",
}

// refundQuery tells what became of a refund whose repetition moved no money.
const refundQuery = "alipay.trade.fastpay.refund.query"

// Request shows biz_content with the code masked.
func (p *Provider) Request(c wallet.Call) payment.Message {
	biz := p.content(c)
	if biz["auth_code"] != "" {
		biz["auth_code"] = wallet.CodeMask(c.Code)
	}
	return wallet.Message("out", methods[c.Op], p.o.Now(), biz)
}

// Do makes one call. A refund that was made before is asked for with a second exchange, since the gateway answers a
// repetition with "no change" only.
func (p *Provider) Do(ctx context.Context, c wallet.Call) wallet.Result {
	if c.Op == wallet.OpProbe {
		return p.post.Probe(ctx, p.to)
	}
	r, fields := p.exchange(ctx, methods[c.Op], c, p.content(c))
	if !r.Signed {
		return r
	}
	switch c.Op {
	case wallet.OpPay:
		r.Class = payTable.Class(fields["code"], fields["sub_code"])
		if r.Class != wallet.ClassPaid && fields["code"] == "40004" && fields["out_trade_no"] == "" {
			r.Class = wallet.ClassUnknown // a business refusal names the order; one that does not could be anybody's
		}
	case wallet.OpQuery:
		r.Class = queryTable.Class(fields["code"], either(fields, "trade_status", "sub_code"))
		r.Absent = fields["sub_code"] == notExist
	case wallet.OpCancel:
		r.Class = cancelTable.Class(fields["code"], cancelled(fields))
	case wallet.OpRefund:
		return p.refunded(ctx, c, r, fields)
	case wallet.OpProbe:
	}
	return r
}

// refunded classes the answer to a refund, and asks for the refund when it says that nothing changed.
func (p *Provider) refunded(ctx context.Context, c wallet.Call, r wallet.Result, fields map[string]string) wallet.Result {
	if fields["code"] != "10000" {
		r.Class = refundTable.Class(fields["code"], fields["sub_code"])
		return r
	}
	if r.Class = refundTable.Class("10000", "fund_change="+fields["fund_change"]); r.Class != wallet.ClassUnknown {
		return r
	}
	biz := map[string]string{"out_trade_no": c.Order, "out_request_no": c.Refund}
	asked, answer := p.exchange(ctx, refundQuery, c, biz)
	out := wallet.Message("out", refundQuery, p.o.Now(), biz)
	asked.Messages = append(append(r.Messages, out), asked.Messages...)
	if asked.Signed && answer["out_request_no"] == c.Refund && answer["refund_amount"] == wallet.Yuan(c.Amount) {
		asked.Class = refundTable.Class(answer["code"], "refund_status="+answer["refund_status"])
	}
	return asked
}

func either(fields map[string]string, first, second string) string {
	if v := fields[first]; v != "" {
		return v
	}
	return fields[second]
}

// cancelled writes retry_flag and action as the table has them; a refusal has neither.
func cancelled(fields map[string]string) string {
	if fields["retry_flag"] == "" {
		return fields["sub_code"]
	}
	text := "retry_flag=" + fields["retry_flag"]
	if fields["action"] != "" {
		text += " action=" + fields["action"]
	}
	return text
}

// content is biz_content of a call.
func (p *Provider) content(c wallet.Call) map[string]string {
	biz := map[string]string{"out_trade_no": c.Order}
	switch c.Op {
	case wallet.OpPay:
		biz["scene"], biz["subject"], biz["total_amount"] = "bar_code", p.o.Subject, wallet.Yuan(c.Amount)
		c.Code.Reveal(func(b []byte) { biz["auth_code"] = string(b) })
	case wallet.OpRefund:
		biz["refund_amount"], biz["out_request_no"] = wallet.Yuan(c.Amount), c.Refund
	case wallet.OpProbe, wallet.OpQuery, wallet.OpCancel:
	}
	return biz
}

// formType is how requests are written.
const formType = "application/x-www-form-urlencoded;charset=utf-8"

// exchange signs, sends and verifies. The fields are those that may be shown, without the code.
func (p *Provider) exchange(ctx context.Context, method string, c wallet.Call, biz map[string]string) (wallet.Result, map[string]string) {
	form, err := p.form(method, biz)
	if err != nil {
		return wallet.Unanswered(fmt.Errorf("%w: %w", wallet.ErrNotSent, err)), nil
	}
	body, err := p.post.Post(ctx, p.to, formType, form)
	clear(form)
	if err != nil {
		r := wallet.Unanswered(err)
		if !r.NotSent {
			r.Messages = p.heard(method, map[string]string{"problem": r.Text})
		}
		return r, nil
	}
	node, err := p.verified(ctx, method, body)
	if err != nil {
		r := wallet.Distrusted(err)
		r.Messages = p.heard(method, map[string]string{"problem": r.Text})
		return r, nil
	}
	fields, err := read(node)
	if err != nil {
		r := wallet.Distrusted(err)
		r.Messages = p.heard(method, map[string]string{"problem": r.Text})
		return r, nil
	}
	shown := wallet.Shown(fields, c.Code, answerFields)
	return wallet.Result{
		Reached: true, Signed: true, Code: either(shown, "sub_code", "code"), Text: either(shown, "sub_msg", "msg"),
		Facts: p.facts(shown), Messages: p.heard(method, shown),
	}, shown
}

func (p *Provider) heard(method string, fields map[string]string) []payment.Message {
	return []payment.Message{wallet.Message("in", method, p.o.Now(), fields)}
}

// form is the signed request. The clock of the gateway is Beijing's.
func (p *Provider) form(method string, biz map[string]string) ([]byte, error) {
	content, err := json.Marshal(biz)
	if err != nil {
		return nil, fmt.Errorf("biz_content: %w", err)
	}
	params := map[string]string{
		"app_id": p.o.AppID, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
		"timestamp": p.o.Now().In(wallet.Beijing).Format(time.DateTime), "version": "1.0", "biz_content": string(content),
	}
	if c := p.o.Certificates; c != nil {
		params["app_cert_sn"], params["alipay_root_cert_sn"] = c.AppSN, c.RootSN
	}
	if params["sign"], err = sign.RSA2Request(p.o.Key, params); err != nil {
		return nil, err
	}
	form := url.Values{}
	for k, v := range params {
		form.Set(k, v)
	}
	return []byte(form.Encode()), nil
}

// verified gives the response node whose signature holds. The name of the node is the method's, or error_response.
func (p *Provider) verified(ctx context.Context, method string, body []byte) (json.RawMessage, error) {
	nodes, err := sign.Nodes(body)
	if err != nil {
		return nil, err
	}
	node, ok := nodes[strings.ReplaceAll(method, ".", "_")+"_response"]
	if !ok {
		if node, ok = nodes["error_response"]; !ok {
			return nil, errors.New("the answer is to another call")
		}
	}
	signature, err := member(nodes, "sign")
	if err != nil {
		return nil, err
	}
	key, err := p.gatewayKey(ctx, nodes, signature)
	if err != nil {
		return nil, err
	}
	if err := sign.CheckRSA2(key, node, signature); err != nil {
		return nil, err
	}
	return node, nil
}

// gatewayKey is the key that an answer must be signed with. Without a signature it does not matter which.
func (p *Provider) gatewayKey(ctx context.Context, nodes map[string]json.RawMessage, signature string) (*rsa.PublicKey, error) {
	if p.o.Certificates == nil || signature == "" {
		return p.o.GatewayKey, nil
	}
	sn, err := member(nodes, "alipay_cert_sn")
	if err != nil {
		return nil, err
	}
	key, err := p.keyOf(ctx, sn)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", sign.ErrWrong, err)
	}
	return key, nil
}

// member is a text beside the response node; empty where there is none.
func member(nodes map[string]json.RawMessage, name string) (text string, err error) {
	if raw, found := nodes[name]; found && json.Unmarshal(raw, &text) != nil {
		return "", sign.ErrWrong
	}
	return text, nil
}
