// Package wechat is WeChat Pay v2 as a wallet provider: micropay, orderquery, reverse, refund, refundquery.
//
// Messages are flat XML maps, signed with HMAC-SHA256 or MD5 under the API key in both directions. reverse and refund want a
// client certificate: it is part of the transport. Source: WeChat Pay v2 merchant docs.
package wechat

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// Name is what routes call this provider.
const Name = "wechat"

// maxBody is the longest body in bytes (micropay).
const maxBody = 128

// Options make a Provider. Zero durations become the gateway's figures.
type Options struct {
	URL              string // https://api.mch.weixin.qq.com
	BackupURL        string // a second host that knows the same orders; mostly empty
	AppID            string
	MchID            string
	APIKey           string
	SignType         string // sign.TypeHMAC, which is the default, or sign.TypeMD5
	Body             string // what the customer's bill says: the shop's name
	IP               string // spbill_create_ip: the till's address; 127.0.0.1 when unset
	Transport        http.RoundTripper
	Now              func() time.Time
	Rand             io.Reader     // of nonce_str; crypto/rand when nil
	Deadline         time.Duration // 45 s
	FirstAsk         time.Duration // 5 s
	QueryEvery       time.Duration // 5 s
	ReverseNotBefore time.Duration // 15 s
	ReverseWindow    time.Duration // 7 days
}

// Provider speaks to WeChat Pay. It is safe for concurrent use if Rand is.
type Provider struct {
	o    Options
	base string
	post *wallet.Poster
}

var _ wallet.Provider = (*Provider)(nil)

// New refuses options without which no request could be signed or no answer verified.
func New(o Options) (*Provider, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("wechat: url is not an address")
	case o.AppID == "" || o.MchID == "" || o.APIKey == "":
		return nil, errors.New("wechat: appid, mch_id and API key are needed")
	case o.Transport == nil:
		return nil, errors.New("wechat: no transport")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Body == "" {
		o.Body = "Payment"
	}
	o.Body = wallet.Cut(o.Body, maxBody)
	if o.SignType = cmp.Or(o.SignType, sign.TypeHMAC); o.SignType != sign.TypeHMAC && o.SignType != sign.TypeMD5 {
		return nil, errors.New("wechat: sign_type is HMAC-SHA256 or MD5")
	}
	if o.IP == "" {
		o.IP = "127.0.0.1"
	}
	o.Deadline = cmp.Or(o.Deadline, 45*time.Second)
	o.FirstAsk = cmp.Or(o.FirstAsk, 5*time.Second)
	o.QueryEvery = cmp.Or(o.QueryEvery, 5*time.Second)
	o.ReverseNotBefore = cmp.Or(o.ReverseNotBefore, 15*time.Second)
	o.ReverseWindow = cmp.Or(o.ReverseWindow, 7*24*time.Hour)
	post, err := wallet.NewPoster(o.Transport, o.BackupURL)
	if err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	return &Provider{o: o, base: strings.TrimSuffix(o.URL, "/"), post: post}, nil
}

// Terms are WeChat Pay's figures, or the shop's.
func (p *Provider) Terms() wallet.Terms {
	return wallet.Terms{
		Name: Name, Merchant: p.o.AppID + "/" + p.o.MchID, Owner: p.o.MchID, Currency: "CNY", Deadline: p.o.Deadline,
		FirstAsk: p.o.FirstAsk, QueryEvery: p.o.QueryEvery, ReverseNotBefore: p.o.ReverseNotBefore,
		ReverseWindow: p.o.ReverseWindow,
	}
}

// paths are the gateway's addresses of our calls, and the names of their messages.
var paths = map[wallet.Op]string{
	wallet.OpPay:    "/pay/micropay",
	wallet.OpQuery:  "/pay/orderquery",
	wallet.OpCancel: "/secapi/pay/reverse",
	wallet.OpRefund: "/secapi/pay/refund",
}

// Request shows the message without nonce and signature, the code masked.
func (p *Provider) Request(c wallet.Call) payment.Message {
	fields := p.fields(c)
	if fields["auth_code"] != "" {
		fields["auth_code"] = wallet.CodeMask(c.Code)
	}
	return wallet.Message("out", paths[c.Op][1:], p.o.Now(), fields)
}

// Do makes one call. Where the sum of an order's refunds is wanted a second exchange asks for it, since the query tells only
// that there are some.
func (p *Provider) Do(ctx context.Context, c wallet.Call) wallet.Result {
	if c.Op == wallet.OpProbe {
		return p.post.Probe(ctx, p.base+"/")
	}
	r, fields := p.exchange(ctx, paths[c.Op], p.fields(c))
	if !r.Signed {
		return r
	}
	shown := wallet.Shown(fields, c.Code, answerFields)
	r = p.result(c, shown)
	r.Messages = p.heard(paths[c.Op], shown)
	if c.Sum && r.ByRefund {
		return p.summed(ctx, c, r)
	}
	return r
}

// exchange signs, sends and verifies. The fields are all that the answer has.
func (p *Provider) exchange(ctx context.Context, path string, f map[string]string) (wallet.Result, map[string]string) {
	body, err := p.request(f)
	if err != nil {
		return wallet.Unanswered(fmt.Errorf("%w: %w", wallet.ErrNotSent, err)), nil
	}
	answer, err := p.post.Post(ctx, p.base+path, "text/xml; charset=utf-8", body)
	clear(body)
	if err != nil {
		r := wallet.Unanswered(err)
		if !r.NotSent {
			r.Messages = p.heard(path, map[string]string{"problem": r.Text})
		}
		return r, nil
	}
	fields, err := p.verified(answer)
	if err != nil {
		r := wallet.Distrusted(err)
		r.Messages = p.heard(path, map[string]string{"problem": r.Text})
		return r, nil
	}
	return wallet.Result{Reached: true, Signed: true}, fields
}

func (p *Provider) heard(path string, fields map[string]string) []payment.Message {
	return []payment.Message{wallet.Message("in", path[1:], p.o.Now(), fields)}
}

// fields are a request's own parameters.
func (p *Provider) fields(c wallet.Call) map[string]string {
	f := map[string]string{"appid": p.o.AppID, "mch_id": p.o.MchID, "sign_type": p.o.SignType, "out_trade_no": c.Order}
	switch c.Op {
	case wallet.OpPay:
		f["body"], f["spbill_create_ip"], f["total_fee"] = p.o.Body, p.o.IP, fen(c.Amount)
		c.Code.Reveal(func(b []byte) { f["auth_code"] = string(b) })
	case wallet.OpRefund:
		f["out_refund_no"], f["total_fee"], f["refund_fee"] = c.Refund, fen(c.Total), fen(c.Amount)
	case wallet.OpProbe, wallet.OpQuery, wallet.OpCancel:
	}
	return f
}

func fen(c payment.Cents) string { return strconv.FormatInt(int64(c), 10) }

// request is the signed XML of fields; they get nonce and signature.
func (p *Provider) request(f map[string]string) ([]byte, error) {
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(p.o.Rand, nonce); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	f["nonce_str"] = hex.EncodeToString(nonce)
	if f["sign"] = sign.HMAC(f, p.o.APIKey); p.o.SignType == sign.TypeMD5 {
		f["sign"] = sign.MD5(f, p.o.APIKey)
	}
	return sign.EncodeXML(f), nil
}

// verified gives the fields of an answer whose signature holds.
func (p *Provider) verified(body []byte) (map[string]string, error) {
	fields, err := sign.DecodeXML(body)
	if err != nil {
		return nil, err
	}
	if err := sign.CheckWeChat(fields, p.o.APIKey, p.o.SignType); err != nil {
		return nil, err
	}
	return fields, nil
}
