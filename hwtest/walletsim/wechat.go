package walletsim

import (
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"posd/daemon/wallet/sign"
)

// wechat is WeChat Pay v2: one address per call, flat XML maps both ways.
type wechat struct{ g *Gateway }

var wechatCalls = map[string]string{
	"/pay/micropay": CallPay, "/pay/orderquery": CallQuery, "/secapi/pay/reverse": CallCancel, "/secapi/pay/refund": CallRefund,
	"/pay/refundquery": CallRefundQuery, "/pay/downloadbill": CallBill,
}

// needsCert are the calls that want a client certificate.
var needsCert = map[string]bool{CallCancel: true, CallRefund: true}

func (x wechat) read(r *http.Request, body []byte) (Request, *sealed) {
	path, sandbox := strings.CutPrefix(r.URL.Path, sandboxPath)
	req := Request{Wallet: WeChatName, Call: wechatCalls[path], method: path, sandbox: sandbox}
	fields, err := sign.DecodeXML(body)
	if err != nil {
		return req, x.unsigned("XML format error")
	}
	req.sign = fields["sign_type"]
	switch {
	case x.g.o.WeChat.RequireCert && needsCert[req.Call] && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0):
		return req, x.unsigned("client certificate required")
	case fields["mch_id"] != x.g.o.WeChat.MchID:
		return req, x.unsigned("mch_id is wrong")
	case fields["appid"] != x.g.o.WeChat.AppID:
		return req, x.unsigned("appid and mch_id do not match")
	case sign.CheckWeChat(fields, x.g.o.WeChat.APIKey, req.sign) != nil:
		return req, x.unsigned("signature error")
	case fields["nonce_str"] == "" || len(fields["nonce_str"]) > 32:
		return req, x.unsigned("nonce_str is wrong")
	}
	if !req.fillWeChat(fields) {
		return req, x.seal(req, x.refused("PARAM_ERROR"), Rule{})
	}
	return req, nil
}

// fillWeChat reads the call's own fields and tells whether each has its form.
func (r *Request) fillWeChat(f map[string]string) bool {
	if r.Call == CallBill {
		var ok bool
		r.bill, ok = dayOf(WeChatName, "20060102", f["bill_date"])
		return ok && (f["bill_type"] == "ALL" || f["bill_type"] == "") && f["tar_type"] == ""
	}
	r.Order, r.Refund, r.code = f["out_trade_no"], f["out_refund_no"], f["auth_code"]
	if !goodNumber(r.Order, 32) {
		return false
	}
	var ok bool
	switch r.Call {
	case CallPay:
		r.Amount, ok = fen(f["total_fee"])
		return ok && f["body"] != "" && len(f["body"]) <= 128 && f["spbill_create_ip"] != "" &&
			allDigits(r.code) && len(r.code) == codeDigits
	case CallRefund:
		var whole bool
		r.Amount, ok = fen(f["refund_fee"])
		r.total, whole = fen(f["total_fee"])
		return ok && whole && goodNumber(r.Refund, 64)
	}
	return true
}

func fen(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && allDigits(text)
}

// unsigned is the transport layer's no.
func (x wechat) unsigned(why string) *sealed {
	return &sealed{body: sign.EncodeXML(map[string]string{"return_code": "FAIL", "return_msg": why})}
}

func (x wechat) refused(code string) map[string]string {
	return map[string]string{
		"return_code": "SUCCESS", "return_msg": "OK", "appid": x.g.o.WeChat.AppID, "mch_id": x.g.o.WeChat.MchID,
		"result_code": "FAIL", "err_code": code, "err_code_des": "refused: " + code,
	}
}

// wechatErrors are err_codes.
var wechatErrors = map[outcome]string{
	isAbsent: "ORDERNOTEXIST", badCode: "AUTH_CODE_INVALID", badContent: "OUT_TRADE_NO_USED", noMoney: "NOTENOUGH",
	hasSuccess: "ORDERPAID", tooLate: "REVERSE_EXPIRE", badState: "TRADE_STATE_ERROR", tooMuch: "INVALID_REQUEST",
	badRepeat: "REFUND_FEE_MISMATCH", broken: "SYSTEMERROR", isUnavailable: "SYSTEMERROR", isLimited: "FREQUENCY_LIMITED",
}

func (x wechat) fields(req Request, out outcome, o *order, refuse string) map[string]string {
	code := wechatErrors[out]
	switch {
	case req.Call == CallBill && out == done:
		return map[string]string{wholeBody: string(x.g.wechatBill(req.bill))}
	case req.Call == CallBill && out == noBill:
		return map[string]string{"return_code": "FAIL", "return_msg": "No Bill Exist", "error_code": "20002"}
	case out == isRefused:
		code = refuse
	case req.Call == CallPay && out == isWaiting:
		code = "USERPAYING"
	case req.Call == CallPay && out == isClosed:
		code = "ORDERCLOSED"
	case req.Call == CallRefundQuery && out == isAbsent:
		code = "REFUNDNOTEXIST"
	case req.Call == CallCancel && (out == wantsRetry || out == tooEarly):
		f := x.refused("USERPAYING")
		f["recall"] = "Y"
		return f
	}
	if code != "" {
		f := x.refused(code)
		if req.Call == CallCancel {
			f["recall"] = map[bool]string{true: "Y", false: "N"}[code == "SYSTEMERROR"]
		}
		return f
	}
	f := x.refused("")
	f["result_code"], f["err_code_des"] = "SUCCESS", ""
	switch req.Call {
	case CallPay, CallQuery:
		x.payment(f, req, out, o)
	case CallCancel:
		f["recall"] = "N"
	case CallRefundQuery:
		x.refunds(f, req, o)
	default:
		f["out_trade_no"], f["out_refund_no"] = req.Order, req.Refund
		f["refund_fee"] = strconv.FormatInt(req.Amount, 10)
		if o != nil {
			f["total_fee"], f["transaction_id"] = strconv.FormatInt(o.amount, 10), o.trade
		}
	}
	return f
}

// refunds lists what went back of an order, the numbers of the refunds in their order.
func (x wechat) refunds(f map[string]string, req Request, o *order) {
	f["out_trade_no"] = req.Order
	if o == nil { // a fault said so without the call
		return
	}
	f["total_fee"], f["transaction_id"] = strconv.FormatInt(o.amount, 10), o.trade
	numbers := slices.Sorted(maps.Keys(o.refunds))
	shown := numbers[:min(len(numbers), refundsShown)]
	f["total_refund_count"], f["refund_count"] = strconv.Itoa(len(numbers)), strconv.Itoa(len(shown))
	for i, number := range shown {
		at := "_" + strconv.Itoa(i)
		f["out_refund_no"+at], f["refund_fee"+at], f["refund_status"+at] = number, strconv.FormatInt(o.refunds[number], 10), "SUCCESS"
	}
}

// refundsShown is how many refunds an answer lists (docs, refundquery).
const refundsShown = 10

func (x wechat) payment(f map[string]string, req Request, out outcome, o *order) {
	f["out_trade_no"], f["trade_type"], f["fee_type"] = req.Order, "MICROPAY", "CNY"
	if o == nil { // a fault said so without the call
		return
	}
	f["total_fee"], f["transaction_id"] = strconv.FormatInt(o.amount, 10), o.trade
	if req.sandbox {
		addCoupons(f, o.amount)
	}
	if !o.paidAt.IsZero() {
		f["time_end"] = o.paidAt.In(beijing).Format("20060102150405")
	}
	if o.account != nil {
		f["openid"], f["bank_type"] = "o"+o.account.id, "OTHERS"
	}
	if req.Call == CallPay {
		return
	}
	f["trade_state"] = map[outcome]string{
		done: "SUCCESS", isWaiting: "USERPAYING", isClosed: "REVOKED", isReturned: "REVOKED", isFailed: "PAYERROR",
	}[out]
	if o.returned > 0 && !o.cancelled {
		f["trade_state"] = "REFUND"
	}
}

func (x wechat) spoil(f map[string]string, fault Fault) {
	switch fault {
	case WrongAmount:
		if f["total_fee"] != "" {
			f["total_fee"] = "1"
		}
	case WrongOrder:
		f["out_trade_no"] = "ANOTHERORDER"
	case WrongMerchant:
		f["mch_id"] = "1900000000"
	case WrongCurrency:
		f["fee_type"] = "USD"
	default:
	}
}

func (x wechat) stranger(Request) *sealed { return x.unsigned("client certificate refused") }

// seal signs in the way that the request was signed.
func (x wechat) seal(req Request, fields map[string]string, rule Rule) *sealed {
	if text, ok := fields[wholeBody]; ok {
		return &sealed{body: []byte(text)}
	}
	f := rule.Fault
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(x.g.o.Rand, nonce); err != nil {
		return x.unsigned("no random numbers")
	}
	fields["nonce_str"] = hex.EncodeToString(nonce)
	key := x.g.o.WeChat.APIKey
	switch f {
	case BadSignature:
		key += "x"
	case OldKey:
		key = strings.Repeat("o", len(key))
	case WrongCharset:
		fields["return_msg"] = chinese
	default:
	}
	switch {
	case f == Unsigned:
		delete(fields, "sign")
	case req.sign == sign.TypeHMAC:
		fields["sign"] = sign.HMAC(fields, key)
	default:
		fields["sign"] = sign.MD5(fields, key)
	}
	text := sign.EncodeXML(fields)
	if f == WrongCharset {
		text = gbk(text)
	}
	return &sealed{body: text}
}
