package walletsim

import (
	"slices"
	"strconv"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// WeChat's own simulation system, as it is published: the calls of v2 under another path, success by amount, trouble by
// a header that names the case (its pages call these the micropay cases of acceptance). It takes any code of WeChat's
// form, from a customer who never runs out of money; what it books stands in the ledger with everything else.
const (
	sandboxPath   = "/xdc/apiv2sandbox"
	sandboxHeader = "Wechatpay-Negative-Test"
)

// The cases.
const (
	caseUserPaying   = "MICROPAY_USERPAYING"        // the customer does not finish
	caseTimeout      = "MICROPAY_TIMEOUT"           // the customer has paid, the answer does not come
	casePayError     = "MICROPAY_PAYERROR"          // the customer has failed, the answer does not come
	caseQueryTimeout = "MICROPAY_PAY_QUERY_TIMEOUT" // the answer does not come, and the query fails
)

// sandboxAmounts are those that are paid, in fen; 501 to 552 are those of the older system.
var sandboxAmounts = []int64{1, 2, 3, 501, 502, 551, 552}

// sandboxRule is what a case does to a call. Each call names its case, or has none.
func sandboxRule(r Request) (Rule, bool) {
	if !r.sandbox {
		return Rule{}, false
	}
	name := r.header.Get(sandboxHeader)
	switch {
	case name == caseUserPaying && r.Call == CallPay:
		return Rule{Fault: UserPaying, Waits: -1}, true
	case r.Call == CallPay && slices.Contains([]string{caseTimeout, casePayError, caseQueryTimeout}, name):
		return Rule{Fault: Silence, Commit: true}, true
	case name == caseQueryTimeout && r.Call == CallQuery:
		return Rule{Fault: Unavailable}, true
	case name == "" && r.Call == CallPay && !slices.Contains(sandboxAmounts, r.Amount):
		return Rule{Fault: Refuse, Code: "PARAM_ERROR"}, true // no case has this amount
	}
	return Rule{}, false
}

// payer finds whose money a payment takes; nil when the code is not good; mu is held.
func (g *Gateway) payer(r Request) *account {
	if !r.sandbox {
		return g.redeem(r.code, r.Wallet+"/"+r.Order)
	}
	if r.code[:1] != "1" || r.code[1] > '5' {
		return nil
	}
	a := &account{id: "2088000000000000", balance: r.Amount}
	if r.header.Get(sandboxHeader) == casePayError {
		a.balance = 0
	}
	return a
}

// addCoupons says what part of an amount of the sandbox is paid by coupons.
func addCoupons(f map[string]string, amount int64) {
	coupons := map[int64]int64{2: 1, 3: 3, 502: 1, 552: 1}[amount]
	if coupons == 0 {
		return
	}
	f["coupon_fee"], f["cash_fee"] = strconv.FormatInt(coupons, 10), strconv.FormatInt(amount-coupons, 10)
}

// chinese stands in an answer whose charset is wrong: "success".
const chinese = "\u6210\u529f"

// gbk writes UTF-8 text in the charset that gateways had before.
func gbk(text []byte) []byte {
	out, err := simplifiedchinese.GBK.NewEncoder().Bytes(text)
	if err != nil {
		return text // it has a character that GBK lacks: none of ours has
	}
	return out
}
