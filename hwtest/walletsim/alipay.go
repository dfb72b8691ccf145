package walletsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"posd/daemon/wallet/sign"
)

// beijing is the zone of both gateways' times.
var beijing = time.FixedZone("CST", 8*60*60)

// alipay is the Alipay open API: one address, form posts, JSON answers signed over the raw response node.
type alipay struct{ g *Gateway }

var alipayCalls = map[string]string{
	"alipay.trade.pay": CallPay, "alipay.trade.query": CallQuery, "alipay.trade.cancel": CallCancel,
	"alipay.trade.refund": CallRefund, "alipay.trade.fastpay.refund.query": CallRefundQuery,
	"alipay.data.dataservice.bill.downloadurl.query": CallBill, "alipay.open.app.alipaycert.download": CallCertificate,
}

func (a alipay) read(r *http.Request, body []byte) (Request, *sealed) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Request{}, a.unsigned("isv.invalid-format")
	}
	params := map[string]string{}
	for k, v := range form {
		if len(v) != 1 {
			return Request{}, a.unsigned("isv.invalid-format")
		}
		params[k] = v[0]
	}
	req := Request{Wallet: AlipayName, Call: alipayCalls[params["method"]], method: params["method"], host: hostOf(r)}
	switch {
	case params["app_id"] != a.g.o.Alipay.AppID:
		return req, a.unsigned("isv.invalid-app-id")
	case params["sign_type"] != "RSA2":
		return req, a.unsigned("isv.invalid-signature-type")
	case sign.CheckRSA2Request(a.g.o.Alipay.MerchantKey, params) != nil:
		return req, a.unsigned("isv.invalid-signature")
	case params["app_cert_sn"] != a.g.o.Alipay.AppCertSN || params["alipay_root_cert_sn"] != a.g.o.Alipay.RootCertSN:
		return req, a.unsigned("isv.missing-app-cert-sn")
	case req.Call == "":
		return req, a.unsigned("isv.invalid-method")
	case params["charset"] != "utf-8" || params["version"] != "1.0" || params["format"] != "JSON":
		return req, a.refused(req, "40002", "isv.invalid-arguments")
	}
	if _, err := time.ParseInLocation(time.DateTime, params["timestamp"], beijing); err != nil {
		return req, a.refused(req, "40002", "isv.invalid-timestamp")
	}
	if !req.fillAlipay(params["biz_content"]) {
		return req, a.refused(req, "40004", "ACQ.INVALID_PARAMETER")
	}
	return req, nil
}

// fillAlipay reads biz_content and tells whether every field has its form.
func (r *Request) fillAlipay(content string) bool {
	var biz map[string]string
	if json.Unmarshal([]byte(content), &biz) != nil {
		return false
	}
	if r.Call == CallBill {
		var ok bool
		r.bill, ok = dayOf(AlipayName, time.DateOnly, biz["bill_date"])
		return ok && biz["bill_type"] == "trade"
	}
	if r.Call == CallCertificate {
		r.certificate = biz["alipay_cert_sn"]
		return r.certificate != ""
	}
	r.Order, r.Refund, r.code = biz["out_trade_no"], biz["out_request_no"], biz["auth_code"]
	if !goodNumber(r.Order, 64) {
		return false
	}
	var ok bool
	switch r.Call {
	case CallPay:
		r.Amount, ok = cents(biz["total_amount"])
		return ok && biz["scene"] == "bar_code" && biz["subject"] != "" && len(biz["subject"]) <= 256 &&
			allDigits(r.code) && len(r.code) >= 16 && len(r.code) <= 24
	case CallRefund:
		r.Amount, ok = cents(biz["refund_amount"])
		return ok && goodNumber(r.Refund, 64)
	case CallRefundQuery:
		return goodNumber(r.Refund, 64)
	}
	return true
}

// cents reads yuan with exactly two decimals, 0.01 to 100000000.
func cents(text string) (int64, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) != 2 || len(whole) > 9 || !allDigits(whole+part) {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+part, 10, 64)
	return n, err == nil && n > 0 && n <= 100000000_00
}

func yuan(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// unsigned is an answer to somebody whose keys cannot be known: the real gateway does not sign these either.
func (a alipay) unsigned(code string) *sealed {
	text, _ := json.Marshal(map[string]map[string]string{
		"error_response": {"code": "40002", "msg": "Invalid Arguments", "sub_code": code},
	})
	return &sealed{body: text}
}

func (a alipay) refused(req Request, code, sub string) *sealed {
	f := map[string]string{"code": code, "msg": "Business Failed", "sub_code": sub}
	if req.Order != "" {
		f["out_trade_no"] = req.Order
	}
	return a.seal(req, f, Rule{})
}

// alipayErrors are sub_codes of 40004, by call where calls differ.
var alipayErrors = map[outcome]string{
	isAbsent: "ACQ.TRADE_NOT_EXIST", badCode: "ACQ.PAYMENT_AUTH_CODE_INVALID", badContent: "ACQ.CONTEXT_INCONSISTENT",
	noMoney: "ACQ.BUYER_BALANCE_NOT_ENOUGH", hasSuccess: "ACQ.TRADE_HAS_SUCCESS", tooLate: "ACQ.TRADE_CANCEL_TIME_OUT",
	badState: "ACQ.TRADE_STATUS_ERROR", tooMuch: "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
	badRepeat: "ACQ.DISCORDANT_REPEAT_REQUEST", broken: "ACQ.SYSTEM_ERROR", noBill: "isp.bill_not_exist",
}

func (a alipay) fields(req Request, out outcome, o *order, refuse string) map[string]string {
	f := map[string]string{"code": "10000", "msg": "Success", "out_trade_no": req.Order}
	sub := alipayErrors[out]
	switch {
	case out == isRefused:
		sub = refuse
	case out == isAbsent && req.Call == CallCertificate:
		sub = "ISV_CERT_NOT_EXIST" // made up: the docs list no code
	case out == isClosed && req.Call == CallPay:
		sub = "ACQ.TRADE_HAS_CLOSE"
	case out == isLimited:
		f["code"], f["msg"], f["sub_code"] = "40005", "Call Limited", "isv.app-call-limited"
		return f
	case out == isUnavailable:
		f["code"], f["msg"], f["sub_code"] = "20000", "Service Currently Unavailable", "isp.unknow-error"
		delete(f, "out_trade_no")
		return f
	}
	if sub != "" {
		f["code"], f["msg"], f["sub_code"], f["sub_msg"] = "40004", "Business Failed", sub, "refused: "+sub
		return f
	}
	switch req.Call {
	case CallPay, CallQuery:
		a.payment(f, req.Call, out, o)
	case CallCancel:
		a.cancelled(f, out)
	case CallCertificate:
		delete(f, "out_trade_no")
		f["alipay_cert_content"] = base64.StdEncoding.EncodeToString([]byte(a.g.o.Alipay.GatewayCert))
	case CallBill:
		delete(f, "out_trade_no")
		f["bill_download_url"] = a.g.ticket(req, alipayBills)
	default:
		a.refunded(f, req, out, o)
	}
	if o != nil && o.trade != "" {
		f["trade_no"] = o.trade
	}
	return f
}

func (a alipay) payment(f map[string]string, call string, out outcome, o *order) {
	f["seller_id"] = a.g.o.Alipay.SellerID
	if o == nil { // a fault said so without the call
		return
	}
	f["total_amount"] = yuan(o.amount)
	if o.account != nil {
		f["buyer_user_id"], f["buyer_logon_id"] = o.account.id, "159****5620"
	}
	if call == CallPay {
		if out == isWaiting {
			f["code"], f["msg"] = "10003", "order success pay inprocess"
			return
		}
		f["gmt_payment"] = o.paidAt.In(beijing).Format(time.DateTime)
		return
	}
	f["trade_status"] = map[outcome]string{
		done: "TRADE_SUCCESS", isWaiting: "WAIT_BUYER_PAY", isClosed: "TRADE_CLOSED", isReturned: "TRADE_CLOSED",
		isFailed: "WAIT_BUYER_PAY",
	}[out]
	if !o.paidAt.IsZero() {
		f["send_pay_date"] = o.paidAt.In(beijing).Format(time.DateTime)
	}
}

func (a alipay) cancelled(f map[string]string, out outcome) {
	f["retry_flag"] = "N"
	switch out {
	case isReturned:
		f["action"] = "refund"
	case wantsRetry, tooEarly:
		f["retry_flag"] = "Y"
	default:
		f["action"] = "close"
	}
}

func (a alipay) refunded(f map[string]string, req Request, out outcome, o *order) {
	f["out_request_no"] = req.Refund
	if o == nil { // a fault said so without the call
		return
	}
	if req.Call == CallRefundQuery {
		f["refund_status"], f["refund_amount"] = "REFUND_SUCCESS", yuan(o.refunds[req.Refund])
		return
	}
	f["fund_change"] = "Y"
	if out == isRepeated {
		f["fund_change"] = "N"
	}
	f["refund_fee"] = yuan(o.returned) // all refunds of the order so far
}

func (a alipay) spoil(f map[string]string, fault Fault) {
	switch fault {
	case WrongAmount:
		if f["total_amount"] != "" {
			f["total_amount"] = "0.01"
		}
	case WrongOrder:
		f["out_trade_no"] = "ANOTHERORDER"
	case WrongMerchant:
		f["seller_id"] = "2088000000000000"
	case WrongCurrency:
		f["trans_currency"] = "USD"
	default:
	}
}

func (a alipay) stranger(Request) *sealed { return a.unsigned("isv.missing-app-cert-sn") }

func (a alipay) seal(req Request, fields map[string]string, rule Rule) *sealed {
	key, f := a.g.o.Alipay.GatewayKey, rule.Fault
	if f == OldKey {
		key = a.g.oldKey()
	}
	if f == WrongCharset {
		fields["msg"] = chinese
	}
	node, _ := json.Marshal(fields) // a map of strings does not fail
	if f == WrongCharset {
		node = gbk(node)
	}
	name := strings.ReplaceAll(req.method, ".", "_") + "_response"
	if f == Unsigned {
		return &sealed{body: fmt.Appendf(nil, `{%q:%s}`, name, node)}
	}
	signed := node
	if f == BadSignature {
		signed = append([]byte("x"), node...)
	}
	signature, err := sign.RSA2(key, signed)
	if err != nil {
		return &sealed{body: fmt.Appendf(nil, `{%q:%s}`, name, node)}
	}
	if sn := a.g.o.Alipay.GatewayCertSN; sn != "" {
		return &sealed{body: fmt.Appendf(nil, `{%q:%s,"alipay_cert_sn":%q,"sign":%q}`, name, node, sn, signature)}
	}
	return &sealed{body: fmt.Appendf(nil, `{%q:%s,"sign":%q}`, name, node, signature)}
}
