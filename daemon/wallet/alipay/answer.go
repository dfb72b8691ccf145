package alipay

import (
	"encoding/json"
	"errors"
	"time"

	"posd/daemon/wallet"
)

// answerFields are what of an answer may be read, journaled and shown. Buyers' names and ids are not among them.
var answerFields = []string{
	"code", "msg", "sub_code", "sub_msg", "trade_no", "out_trade_no", "total_amount", "trans_currency", "trade_status",
	"gmt_payment", "send_pay_date", "retry_flag", "action", "fund_change", "refund_fee", "refund_amount",
	"refund_status", "out_request_no", "seller_id",
}

// read takes the text members of a response node; members of other kinds mean nothing to us.
func read(node json.RawMessage) (map[string]string, error) {
	var members map[string]any
	if err := json.Unmarshal(node, &members); err != nil {
		return nil, errors.New("the response is no object")
	}
	fields := map[string]string{}
	for k, v := range members {
		if text, ok := v.(string); ok {
			fields[k] = text
		}
	}
	return fields, nil
}

// facts are what the five checks look at. Most answers name neither seller nor currency: the key that verified the
// answer is Alipay's for this application alone, and the API is in yuan. Where they are named, they count.
func (p *Provider) facts(fields map[string]string) wallet.Facts {
	f := wallet.Facts{
		Order: fields["out_trade_no"], Currency: fields["trans_currency"], Merchant: fields["seller_id"],
		Reference: fields["trade_no"],
	}
	if f.Currency == "" {
		f.Currency = "CNY"
	}
	if f.Merchant == "" {
		f.Merchant = p.o.SellerID
	}
	if amount, err := wallet.ParseYuan(fields["total_amount"]); err == nil {
		f.Amount = amount
	}
	paid := either(fields, "gmt_payment", "send_pay_date")
	if at, err := time.ParseInLocation(time.DateTime, paid, wallet.Beijing); err == nil {
		f.PaidAt = at
	}
	return f
}
