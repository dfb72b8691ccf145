package wechat

import (
	"strconv"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
)

// answerFields are what of an answer may be read, journaled and shown. openid and the bank's name are not among them.
var answerFields = []string{
	"return_code", "return_msg", "appid", "mch_id", "result_code", "err_code", "err_code_des", "trade_type",
	"trade_state", "trade_state_desc", "total_fee", "fee_type", "transaction_id", "out_trade_no", "time_end", "recall",
	"refund_id", "out_refund_no", "refund_fee",
}

// timeLayout is time_end: Beijing time.
const timeLayout = "20060102150405"

// result classes a verified answer.
func (p *Provider) result(c wallet.Call, f map[string]string) wallet.Result {
	r := wallet.Result{Reached: true, Signed: true, Code: code(f), Text: text(f), Facts: facts(f)}
	layers := layers(f)
	switch c.Op {
	case wallet.OpPay:
		r.Class = payTable.Class(layers, f["err_code"])
	case wallet.OpQuery:
		r.Absent = f["err_code"] == notExist
		if layers == "SUCCESS/SUCCESS" {
			r.Class, r.Code = queryTable.Class(f["trade_state"], ""), f["trade_state"]
			r.ByRefund = f["trade_state"] == refunded
		}
	case wallet.OpCancel:
		r.Class = reverseTable.Class(layers, recalled(f))
	case wallet.OpRefund:
		r.Class = refundTable.Class(layers, f["err_code"])
		if r.Class == wallet.ClassReversed && (f["out_refund_no"] != c.Refund || f["refund_fee"] != fen(c.Amount)) {
			r.Class = wallet.ClassUnknown // an answer about another refund
		}
	case wallet.OpProbe:
	}
	return r
}

// layers writes the two layers of an answer as the tables have them.
func layers(f map[string]string) string {
	if f["return_code"] != "SUCCESS" {
		return "return_code=FAIL"
	}
	return f["return_code"] + "/" + f["result_code"]
}

// recalled is recall where the answer has it, else the error.
func recalled(f map[string]string) string {
	if f["recall"] == "Y" || f["result_code"] == "SUCCESS" && f["recall"] != "" {
		return "recall=" + f["recall"]
	}
	return f["err_code"]
}

func code(f map[string]string) string {
	for _, name := range []string{"err_code", "result_code", "return_code"} {
		if f[name] != "" {
			return f[name]
		}
	}
	return ""
}

func text(f map[string]string) string {
	for _, name := range []string{"err_code_des", "trade_state_desc", "return_msg"} {
		if f[name] != "" {
			return f[name]
		}
	}
	return ""
}

// facts are what the five checks look at. fee_type is left out for yuan (docs, micropay: default CNY).
func facts(f map[string]string) wallet.Facts {
	out := wallet.Facts{Order: f["out_trade_no"], Currency: f["fee_type"], Reference: f["transaction_id"]}
	if out.Currency == "" {
		out.Currency = "CNY"
	}
	if f["appid"] != "" || f["mch_id"] != "" {
		out.Merchant = f["appid"] + "/" + f["mch_id"]
	}
	if n, err := strconv.ParseInt(f["total_fee"], 10, 64); err == nil {
		out.Amount = payment.Cents(n)
	}
	if at, err := time.ParseInLocation(timeLayout, f["time_end"], wallet.Beijing); err == nil {
		out.PaidAt = at
	}
	return out
}
