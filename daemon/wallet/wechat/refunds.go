package wechat

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"posd/daemon/payment"
	"posd/daemon/wallet"
)

// refunded is the trade_state of an order of which something was given back: docs, orderquery, "REFUND 转入退款". How much it
// is only refundquery tells.
const refunded = "REFUND"

// refundQuery is its address; it needs no client certificate.
const refundQuery = "/pay/refundquery"

// maxRefunds is how many refunds an answer lists (docs, refundquery: the first ten; offset gives more). Of an order with more
// the sum is not told.
const maxRefunds = 10

// summed adds how much of an order went back by all refunds, whoever made them. What cannot be believed takes the place of the
// query's answer: an unknown sum is asked for again.
func (p *Provider) summed(ctx context.Context, c wallet.Call, query wallet.Result) wallet.Result {
	fields := p.fields(c)
	out := wallet.Message("out", refundQuery[1:], p.o.Now(), fields)
	r, f := p.exchange(ctx, refundQuery, fields)
	if r.Signed {
		shown := wallet.Shown(f, c.Code, sumFields())
		r.Code, r.Text, r.Facts, r.Messages = code(shown), text(shown), facts(shown), p.heard(refundQuery, shown)
		if layers(shown) == "SUCCESS/SUCCESS" && shown["out_trade_no"] == c.Order {
			r.Code, r.Text, r.Class, r.ByRefund, r.Facts = query.Code, query.Text, query.Class, true, query.Facts
			r.Facts.Refunded = sum(shown)
		}
	}
	r.Messages = slices.Concat(query.Messages, []payment.Message{out}, r.Messages)
	return r
}

// sum adds what went back or is on its way. A refund that was closed, or that the customer's account did not take (CHANGE), gave
// nothing back.
func sum(f map[string]string) (all payment.Cents) {
	if total := f["total_refund_count"]; total != "" && total != f["refund_count"] {
		return 0
	}
	for i := range maxRefunds {
		status := f[fmt.Sprintf("refund_status_%d", i)]
		if n, err := strconv.ParseInt(f[fmt.Sprintf("refund_fee_%d", i)], 10, 64); err == nil && n > 0 && (status == "SUCCESS" || status == "PROCESSING") {
			all += payment.Cents(n)
		}
	}
	return all
}

// sumFields are what of refundquery's answer may be read, journaled and shown. refund_recv_accout, the customer's bank, is not
// among them.
func sumFields() []string {
	all := slices.Concat(answerFields, []string{"refund_count", "total_refund_count"})
	for i := range maxRefunds {
		for _, name := range []string{"out_refund_no", "refund_fee", "refund_status"} {
			all = append(all, fmt.Sprintf("%s_%d", name, i))
		}
	}
	return all
}
