package walletsim

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/wallet/sign"
)

// wechatV3 is WeChat Pay v3: REST addresses, JSON both ways, signatures in headers. Orders are those of v2.
type wechatV3 struct{ g *Gateway }

const v3Order = "/v3/pay/transactions/out-trade-no/"

// wechatV3Calls are the calls, by the pattern that an address fits.
var wechatV3Calls = map[string]string{
	"POST /v3/pay/transactions/codepay":   CallPay,
	"GET " + v3Order + "{order}":          CallQuery,
	"POST " + v3Order + "{order}/reverse": CallCancel,
	"POST /v3/refund/domestic/refunds":    CallRefund,
	"GET /v3/bill/tradebill":              CallBill,
}

// v3Content is what the bodies of all calls may hold.
type v3Content struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	Description string `json:"description"`
	Order       string `json:"out_trade_no"`
	Refund      string `json:"out_refund_no"`
	Payer       struct {
		Code string `json:"auth_code"`
	} `json:"payer"`
	Amount struct {
		Total    int64  `json:"total"`
		Refund   int64  `json:"refund"`
		Currency string `json:"currency"`
	} `json:"amount"`
	Scene struct {
		Store struct {
			ID    string `json:"id"`
			OutID string `json:"out_id"`
		} `json:"store_info"`
	} `json:"scene_info"`
}

func (x wechatV3) read(r *http.Request, body []byte) (Request, *sealed) {
	req := Request{Wallet: WeChatName, Call: wechatV3Calls[r.Pattern], Order: r.PathValue("order"), sign: "v3", host: hostOf(r)}
	stamp, err := sign.V3Requester(r.Header.Get("Authorization"))
	v3 := x.g.o.WeChat.V3
	switch {
	case err != nil, stamp.MchID != x.g.o.WeChat.MchID, stamp.Serial != v3.Serial, stamp.Nonce == "":
		return req, x.error(req, http.StatusUnauthorized, "SIGN_ERROR", Unsigned)
	case sign.CheckV3Call(v3.MerchantKey, stamp, sign.V3Call{Method: r.Method, Path: r.URL.RequestURI(), Body: body}, x.now()) != nil:
		return req, x.error(req, http.StatusUnauthorized, "SIGN_ERROR", Unsigned)
	case !x.fill(&req, r, body):
		return req, x.error(req, http.StatusBadRequest, "PARAM_ERROR", "")
	}
	return req, nil
}

func (x wechatV3) now() time.Time {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.g.now()
}

// fill reads the call's own fields and tells whether each has its form.
func (x wechatV3) fill(req *Request, r *http.Request, body []byte) bool {
	if req.Call == CallBill {
		var ok bool
		req.bill, ok = dayOf(WeChatName, time.DateOnly, r.URL.Query().Get("bill_date"))
		kind := r.URL.Query().Get("bill_type")
		return ok && (kind == "ALL" || kind == "") && r.URL.Query().Get("tar_type") == ""
	}
	if req.Call == CallQuery {
		return r.URL.Query().Get("mchid") == x.g.o.WeChat.MchID && goodNumber(req.Order, 32)
	}
	var c v3Content
	if json.Unmarshal(body, &c) != nil {
		return false
	}
	ours := c.AppID == x.g.o.WeChat.AppID && c.MchID == x.g.o.WeChat.MchID
	switch req.Call {
	case CallPay:
		req.Order, req.Amount, req.code = c.Order, c.Amount.Total, c.Payer.Code
		return ours && goodNumber(req.Order, 32) && req.Amount > 0 && c.Amount.Currency == "CNY" && c.Description != "" &&
			len(c.Description) <= 127 && c.Scene.Store.ID+c.Scene.Store.OutID != "" && allDigits(req.code) && len(req.code) == codeDigits
	case CallRefund:
		req.Order, req.Refund, req.Amount, req.total = c.Order, c.Refund, c.Amount.Refund, c.Amount.Total
		return goodNumber(req.Order, 32) && goodNumber(req.Refund, 64) && req.Amount > 0 && req.total > 0 && c.Amount.Currency == "CNY"
	}
	return ours && goodNumber(req.Order, 32)
}

// v3Refusal is the status and code of an outcome that is none of success.
type v3Refusal struct {
	status int
	code   string
}

var v3Refusals = map[outcome]v3Refusal{
	noBill: {400, "NO_STATEMENT_EXIST"}, isAbsent: {404, "ORDER_NOT_EXIST"}, badCode: {400, "AUTH_CODE_INVALID"}, badContent: {403, "OUT_TRADE_NO_USED"},
	noMoney: {403, "NOT_ENOUGH"}, hasSuccess: {400, "ORDERPAID"}, tooLate: {400, "REVERSE_EXPIRE"}, tooEarly: {400, "USERPAYING"},
	wantsRetry: {500, "SYSTEM_ERROR"}, badState: {400, "INVALID_REQUEST"}, tooMuch: {400, "INVALID_REQUEST"},
	badRepeat: {400, "INVALID_REQUEST"}, broken: {500, "SYSTEM_ERROR"}, isLimited: {429, "FREQUENCY_LIMITED"}, isUnavailable: {500, "SYSTEM_ERROR"},
}

// v3RefusalStatus is the status with which a code comes.
func v3RefusalStatus(code string) int {
	switch code {
	case "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS":
		return http.StatusNotFound
	case "NO_AUTH", "NOT_ENOUGH", "RULE_LIMIT", "TRADE_ERROR", "REQUEST_BLOCKED":
		return http.StatusForbidden
	case "SIGN_ERROR":
		return http.StatusUnauthorized
	case "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED":
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

// The fields are flat here: "amount.total" is a member of the object amount, "status code" is the HTTP status.
const (
	v3Status = "status code"
	v3Amount = "amount."
)

func (x wechatV3) fields(req Request, out outcome, o *order, refuse string) map[string]string {
	no, refused := v3Refusals[out]
	switch {
	case out == isRefused:
		no, refused = v3Refusal{v3RefusalStatus(refuse), refuse}, true
	case req.Call == CallPay && out == isClosed:
		no, refused = v3Refusal{http.StatusBadRequest, "ORDER_CLOSED"}, true
	}
	if refused {
		return map[string]string{v3Status: strconv.Itoa(no.status), "code": no.code, "message": "refused: " + no.code}
	}
	if req.Call == CallBill {
		sum := sha1.Sum(x.g.wechatBill(req.bill)) // WeChat Pay has this hash here: it tells torn downloads, and nothing else
		return map[string]string{"hash_type": "SHA1", "hash_value": hex.EncodeToString(sum[:]), "download_url": x.g.ticket(req, wechatBills+"?token=")}
	}
	f := map[string]string{"appid": x.g.o.WeChat.AppID, "mchid": x.g.o.WeChat.MchID, "out_trade_no": req.Order}
	switch req.Call {
	case CallPay, CallQuery:
		x.payment(f, out, o)
	case CallRefund:
		delete(f, "appid")
		delete(f, "mchid")
		f["out_refund_no"], f["status"] = req.Refund, "PROCESSING"
		f[v3Amount+"refund"], f[v3Amount+"total"] = strconv.FormatInt(req.Amount, 10), strconv.FormatInt(req.total, 10)
	}
	return f
}

func (x wechatV3) payment(f map[string]string, out outcome, o *order) {
	f["trade_type"], f["trade_state"] = "MICROPAY", map[outcome]string{
		done: "SUCCESS", isWaiting: "USERPAYING", isClosed: "REVOKED", isReturned: "REVOKED", isFailed: "PAYERROR",
	}[out]
	if o == nil { // a fault said so without the call
		return
	}
	f[v3Amount+"total"], f[v3Amount+"currency"], f["transaction_id"] = strconv.FormatInt(o.amount, 10), "CNY", o.trade
	if !o.paidAt.IsZero() {
		f["success_time"] = o.paidAt.In(beijing).Format(time.RFC3339)
	}
	if o.account != nil {
		f["payer.openid"], f["bank_type"] = "o"+o.account.id, "OTHERS"
	}
	if o.returned > 0 && !o.cancelled {
		f["trade_state"] = "REFUND"
	}
}

func (x wechatV3) spoil(f map[string]string, fault Fault) {
	switch fault {
	case WrongAmount:
		if f[v3Amount+"total"] != "" {
			f[v3Amount+"total"] = "1"
		}
	case WrongOrder:
		f["out_trade_no"] = "ANOTHERORDER"
	case WrongMerchant:
		f["mchid"] = "1900000000"
	case WrongCurrency:
		f[v3Amount+"currency"] = "USD"
	default:
	}
}

// error is a refusal before the content counts.
func (x wechatV3) error(req Request, status int, code string, f Fault) *sealed {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.refuse(req, v3Refusal{status, code}, f)
}

// refuse is error with the gateway's mu held.
func (x wechatV3) refuse(req Request, no v3Refusal, f Fault) *sealed {
	fields := map[string]string{v3Status: strconv.Itoa(no.status), "code": no.code, "message": "refused: " + no.code}
	return x.seal(req, fields, Rule{Fault: f})
}

func (x wechatV3) stranger(req Request) *sealed {
	return x.refuse(req, v3Refusal{http.StatusUnauthorized, "SIGN_ERROR"}, Unsigned)
}

// seal writes the fields as JSON and signs the bytes in the headers; the gateway's mu is held.
func (x wechatV3) seal(_ Request, fields map[string]string, rule Rule) *sealed {
	f := rule.Fault
	if f == WrongCharset {
		fields["trade_state_desc"] = chinese
	}
	out := &sealed{header: map[string]string{"Content-Type": "application/json"}, body: v3JSON(fields)}
	if f == WrongCharset {
		out.body = gbk(out.body)
	}
	if n, err := strconv.Atoi(fields[v3Status]); err == nil {
		out.status = n
	}
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(x.g.o.Rand, nonce); err != nil || f == Unsigned {
		return out
	}
	v3, at := x.g.o.WeChat.V3, x.g.now()
	switch f {
	case OldKey:
		v3.PlatformKey, v3.PlatformSerial = x.g.oldKey(), "PUB_KEY_ID_OF_LAST_YEAR"
	case WrongTime:
		at = at.Add(time.Duration(rule.Delay))
	default:
	}
	s := sign.V3Stamp{Nonce: hex.EncodeToString(nonce), Timestamp: strconv.FormatInt(at.Unix(), 10)}
	over := out.body
	if f == BadSignature {
		over = append([]byte("x"), over...)
	}
	signature, err := sign.V3Answer(v3.PlatformKey, s, over)
	if err != nil {
		return out
	}
	out.header[sign.V3Serial], out.header[sign.V3Nonce] = v3.PlatformSerial, s.Nonce
	out.header[sign.V3Timestamp], out.header[sign.V3Signature] = s.Timestamp, signature
	return out
}

// v3Numbers are the fields that are numbers in JSON.
var v3Numbers = []string{v3Amount + "total", v3Amount + "refund"}

// v3JSON makes an object of fields: what has a dot in its name is a member of a member.
func v3JSON(fields map[string]string) []byte {
	object := map[string]any{}
	for name, text := range fields {
		if name == v3Status {
			continue
		}
		var value any = text
		if slices.Contains(v3Numbers, name) {
			value = json.Number(text)
		}
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			object[outer] = value
			continue
		}
		member, ok := object[outer].(map[string]any)
		if !ok {
			member = map[string]any{}
			object[outer] = member
		}
		member[inner] = value
	}
	text, _ := json.Marshal(object) // maps of strings and numbers do not fail
	return text
}
