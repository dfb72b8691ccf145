// Package wechatv3 is WeChat Pay v3 as a wallet provider: codepay, query, reverse, refund.
//
// Messages are JSON; requests are signed in the Authorization header with the merchant's key, answers in theirs with a key of
// the platform, over the exact bytes of the body. There is no client certificate and no recall flag: a reverse is confirmed by
// a query. Source: WeChat Pay v3 merchant docs.
package wechatv3

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
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

// Name is what routes call this provider. It is v2's: an order belongs to the merchant, whichever API has made it, so that
// what is owed goes on after a change of version.
const Name = "wechat"

// maxDescription is the longest description in bytes (codepay).
const maxDescription = 127

// Options make a Provider. Zero durations become the gateway's figures.
type Options struct {
	URL       string // https://api.mch.weixin.qq.com
	BackupURL string // a second host that knows the same orders; mostly empty
	AppID     string
	MchID     string
	Serial    string          // of the merchant's certificate, in hex
	Key       *rsa.PrivateKey // its key
	// PlatformKey gives the key that a Wechatpay-Serial names: a platform certificate's or a PUB_KEY_ID's. It is asked with every
	// answer, so that keys may change while posd runs.
	PlatformKey func(serial string) (*rsa.PublicKey, error)

	Description string // what the customer's bill says: the shop's name
	Store       string // scene_info.store_info.id; the merchant's number of the shop
	Transport   http.RoundTripper
	Now         func() time.Time
	Rand        io.Reader // of nonces; crypto/rand when nil

	Deadline         time.Duration // 45 s
	FirstAsk         time.Duration // 5 s
	QueryEvery       time.Duration // 5 s
	ReverseNotBefore time.Duration // 15 s
	ReverseWindow    time.Duration // 7 days
}

// Provider speaks to WeChat Pay. It is safe for concurrent use if Rand and PlatformKey are.
type Provider struct {
	o    Options
	base string // without a path
	post *wallet.Poster
}

var _ wallet.Provider = (*Provider)(nil)

// New refuses options without which no request could be signed or no answer verified.
func New(o Options) (*Provider, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "":
		return nil, errors.New("wechat: url is not an address without a path")
	case o.AppID == "" || o.MchID == "" || o.Serial == "":
		return nil, errors.New("wechat: appid, mch_id and the certificate's serial number are needed")
	case o.Key == nil || o.PlatformKey == nil:
		return nil, errors.New("wechat: the merchant's key and the platform's keys are needed")
	case o.Transport == nil:
		return nil, errors.New("wechat: no transport")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	o.Description = wallet.Cut(cmp.Or(o.Description, "Payment"), maxDescription)
	o.Store = cmp.Or(o.Store, "1")
	o.Deadline = cmp.Or(o.Deadline, 45*time.Second)
	o.FirstAsk = cmp.Or(o.FirstAsk, 5*time.Second)
	o.QueryEvery = cmp.Or(o.QueryEvery, 5*time.Second)
	o.ReverseNotBefore = cmp.Or(o.ReverseNotBefore, 15*time.Second)
	o.ReverseWindow = cmp.Or(o.ReverseWindow, 7*24*time.Hour)
	post, err := wallet.NewPoster(o.Transport, o.BackupURL)
	if err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	return &Provider{o: o, base: u.Scheme + "://" + u.Host, post: post}, nil
}

// Terms are WeChat Pay's figures, or the shop's.
func (p *Provider) Terms() wallet.Terms {
	return wallet.Terms{
		Name: Name, Merchant: p.o.AppID + "/" + p.o.MchID, Owner: p.o.MchID, Currency: "CNY", Deadline: p.o.Deadline,
		FirstAsk: p.o.FirstAsk, QueryEvery: p.o.QueryEvery, ReverseNotBefore: p.o.ReverseNotBefore,
		ReverseWindow: p.o.ReverseWindow,
	}
}

// names are what messages are called in the journal.
var names = map[wallet.Op]string{
	wallet.OpPay: "v3/codepay", wallet.OpQuery: "v3/query", wallet.OpCancel: "v3/reverse", wallet.OpRefund: "v3/refund",
}

// Request shows what matters of the message, the code masked.
func (p *Provider) Request(c wallet.Call) payment.Message {
	fields := map[string]string{"appid": p.o.AppID, "mchid": p.o.MchID, "out_trade_no": c.Order}
	switch c.Op {
	case wallet.OpPay:
		fields["description"], fields["total"], fields["auth_code"] = p.o.Description, fen(c.Amount), wallet.CodeMask(c.Code)
	case wallet.OpRefund:
		fields["out_refund_no"], fields["total"], fields["refund"] = c.Refund, fen(c.Total), fen(c.Amount)
	case wallet.OpProbe, wallet.OpQuery, wallet.OpCancel:
	}
	return wallet.Message("out", names[c.Op], p.o.Now(), fields)
}

func fen(c payment.Cents) string { return strconv.FormatInt(int64(c), 10) }

// Do makes one call.
func (p *Provider) Do(ctx context.Context, c wallet.Call) wallet.Result {
	if c.Op == wallet.OpProbe {
		return p.post.Probe(ctx, p.base+"/")
	}
	letter, err := p.letter(c)
	if err != nil {
		return wallet.Unanswered(fmt.Errorf("%w: %w", wallet.ErrNotSent, err))
	}
	reply, err := p.post.Exchange(ctx, letter)
	clear(letter.Body)
	if err != nil {
		r := wallet.Unanswered(err)
		if !r.NotSent {
			r.Messages = p.heard(c, map[string]string{"problem": r.Text})
		}
		return r
	}
	if err := p.verify(reply); err != nil {
		return p.distrusted(c, err)
	}
	fields, err := read(reply.Body)
	if err != nil {
		return p.distrusted(c, err)
	}
	return p.result(c, reply.Status, wallet.Shown(fields, c.Code, answerFields))
}

func (p *Provider) distrusted(c wallet.Call, err error) wallet.Result {
	r := wallet.Distrusted(err)
	r.Messages = p.heard(c, map[string]string{"problem": r.Text})
	return r
}

func (p *Provider) heard(c wallet.Call, fields map[string]string) []payment.Message {
	return []payment.Message{wallet.Message("in", names[c.Op], p.o.Now(), fields)}
}

// letter is the signed request.
func (p *Provider) letter(c wallet.Call) (wallet.Letter, error) {
	method, path, content := p.content(c)
	var body []byte
	if content != nil {
		var err error
		if body, err = json.Marshal(content); err != nil {
			return wallet.Letter{}, errors.New("the request cannot be written") // without its content
		}
	}
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(p.o.Rand, nonce); err != nil {
		return wallet.Letter{}, fmt.Errorf("nonce: %w", err)
	}
	stamp := sign.V3Stamp{
		MchID: p.o.MchID, Serial: p.o.Serial, Nonce: hex.EncodeToString(nonce), Timestamp: strconv.FormatInt(p.o.Now().Unix(), 10),
	}
	authorization, err := sign.V3Authorization(p.o.Key, stamp, sign.V3Call{Method: method, Path: path, Body: body})
	if err != nil {
		return wallet.Letter{}, err
	}
	header := http.Header{"Authorization": {authorization}, "Accept": {"application/json"}, "User-Agent": {"posd"}}
	if body != nil {
		header["Content-Type"] = []string{"application/json"}
	}
	return wallet.Letter{Method: method, To: p.base + path, Header: header, Body: body}, nil
}

// content is where a call goes, and its body; nil where it has none.
func (p *Provider) content(c wallet.Call) (method, path string, body any) {
	order := "/v3/pay/transactions/out-trade-no/" + url.PathEscape(c.Order)
	switch c.Op {
	case wallet.OpPay:
		return http.MethodPost, "/v3/pay/transactions/codepay", p.payment(c)
	case wallet.OpCancel:
		return http.MethodPost, order + "/reverse", merchant{p.o.AppID, p.o.MchID}
	case wallet.OpRefund:
		return http.MethodPost, "/v3/refund/domestic/refunds", refund{c.Order, c.Refund, refundAmount{c.Amount, c.Total, c.Currency}}
	case wallet.OpProbe, wallet.OpQuery:
	}
	return http.MethodGet, order + "?mchid=" + url.QueryEscape(p.o.MchID), nil
}

// verify checks that the platform signed these bytes, and lately.
func (p *Provider) verify(r wallet.Reply) error {
	s := sign.V3Stamp{
		Serial: r.Header.Get(sign.V3Serial), Nonce: r.Header.Get(sign.V3Nonce),
		Timestamp: r.Header.Get(sign.V3Timestamp), Signature: r.Header.Get(sign.V3Signature),
	}
	switch {
	case s.Signature == "" && !json.Valid(r.Body): // a proxy's page, not the gateway's word
		return r.Useless()
	case s.Signature == "":
		return sign.ErrMissing
	}
	key, err := p.o.PlatformKey(s.Serial)
	if err != nil {
		return fmt.Errorf("%w: %w", sign.ErrWrong, err)
	}
	return sign.CheckV3Answer(key, s, r.Body, p.o.Now())
}
