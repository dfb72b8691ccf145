package wechatv3

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// What is sent. Amounts are fen.
type (
	merchant struct {
		AppID string `json:"appid"`
		MchID string `json:"mchid"`
	}
	payRequest struct {
		merchant

		Description string    `json:"description"`
		Order       string    `json:"out_trade_no"`
		Payer       payer     `json:"payer"`
		Amount      payAmount `json:"amount"`
		Scene       scene     `json:"scene_info"`
	}
	payer struct {
		Code string `json:"auth_code"`
	}
	payAmount struct {
		Total    payment.Cents `json:"total"`
		Currency string        `json:"currency"`
	}
	scene struct {
		Store store `json:"store_info"`
	}
	store struct {
		ID string `json:"id"`
	}
	refund struct {
		Order  string       `json:"out_trade_no"`
		Refund string       `json:"out_refund_no"`
		Amount refundAmount `json:"amount"`
	}
	refundAmount struct {
		Refund   payment.Cents `json:"refund"`
		Total    payment.Cents `json:"total"`
		Currency string        `json:"currency"`
	}
)

func (p *Provider) payment(c wallet.Call) payRequest {
	r := payRequest{
		merchant: merchant{p.o.AppID, p.o.MchID}, Description: p.o.Description, Order: c.Order,
		Amount: payAmount{c.Amount, c.Currency}, Scene: scene{store{p.o.Store}},
	}
	c.Code.Reveal(func(b []byte) { r.Payer.Code = string(b) })
	return r
}

// answerFields are what of an answer may be read, journaled and shown. The payer and the bank's name are not among them.
var answerFields = []string{
	"code", "message", "appid", "mchid", "out_trade_no", "transaction_id", "trade_type", "trade_state", "trade_state_desc",
	"success_time", "amount.total", "amount.currency", "amount.refund", "out_refund_no", "refund_id", "status",
}

// read gives an answer's own fields, and those of its amount as "amount.total". A body may be empty.
func read(body []byte) (map[string]string, error) {
	if len(body) == 0 {
		return map[string]string{}, nil
	}
	fields := map[string]string{}
	if err := readInto(fields, "", body); err != nil {
		return nil, err
	}
	return fields, nil
}

func readInto(fields map[string]string, prefix string, body []byte) error {
	nodes, err := sign.Nodes(body)
	if err != nil {
		return err
	}
	for name, raw := range nodes {
		if prefix == "" && name == "amount" {
			if err := readInto(fields, "amount.", raw); err != nil {
				return err
			}
			continue
		}
		if value, ok := scalar(raw); ok {
			fields[prefix+name] = value
		}
	}
	return nil
}

// scalar is the text of a string or of a number.
func scalar(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String(), true
	}
	return "", false
}

var errOther = errors.New("the answer is about another order")

// result classes a verified answer.
func (p *Provider) result(c wallet.Call, status int, f map[string]string) wallet.Result {
	r := wallet.Result{
		Reached: true, Signed: true, Code: code(status, f), Text: text(f), Facts: facts(f), Messages: p.heard(c, f),
	}
	word, state := statusWord(status), f["code"]
	switch c.Op {
	case wallet.OpPay:
		r.Class = payTable.Class(word, cmp.Or(f["trade_state"], state))
	case wallet.OpQuery:
		r.Class = queryTable.Class(word, cmp.Or(f["trade_state"], state))
		r.Absent = status == http.StatusNotFound && absent(state)
		r.ByRefund = status == http.StatusOK && f["trade_state"] == refunded
	case wallet.OpCancel:
		r.Class = reverseTable.Class(word, state)
		if r.Class == wallet.ClassReversed && status == http.StatusOK && f["out_trade_no"] != c.Order {
			r.Class, r.Text = wallet.ClassRetryReverse, errOther.Error()
		}
	case wallet.OpRefund:
		r.Class = refundTable.Class(word, cmp.Or(f["status"], state))
		if r.Class == wallet.ClassReversed && (f["out_refund_no"] != c.Refund || f["amount.refund"] != fen(c.Amount)) {
			r.Class = wallet.ClassUnknown // an answer about another refund
		}
		r.Facts.Merchant = "" // a refund's answer names none
	case wallet.OpProbe:
	}
	return r
}

// statusWord writes an HTTP status as the tables have it.
func statusWord(status int) string {
	if status >= http.StatusInternalServerError {
		return "5xx"
	}
	return strconv.Itoa(status)
}

func code(status int, f map[string]string) string {
	for _, name := range []string{"code", "trade_state", "status"} {
		if f[name] != "" {
			return f[name]
		}
	}
	return strconv.Itoa(status)
}

func text(f map[string]string) string { return cmp.Or(f["message"], f["trade_state_desc"]) }

// facts are what the five checks look at. An amount without a currency is in yuan (docs: default CNY).
func facts(f map[string]string) wallet.Facts {
	out := wallet.Facts{Order: f["out_trade_no"], Currency: cmp.Or(f["amount.currency"], "CNY"), Reference: f["transaction_id"]}
	if f["appid"] != "" || f["mchid"] != "" {
		out.Merchant = f["appid"] + "/" + f["mchid"]
	}
	if n, err := strconv.ParseInt(f["amount.total"], 10, 64); err == nil {
		out.Amount = payment.Cents(n)
	}
	if at, err := time.Parse(time.RFC3339, f["success_time"]); err == nil {
		out.PaidAt = at
	}
	return out
}
