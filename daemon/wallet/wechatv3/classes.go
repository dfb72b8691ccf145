package wechatv3

import "posd/daemon/wallet"

// The meaning of answers, by HTTP status ("5xx" for 500 and above) and by trade_state, or by code where the status is none of
// success. Source: WeChat Pay v3 docs of codepay, query by out_trade_no, reverse and domestic refunds. The class is our
// reading; of codes that v3's pages do not list, v2's meaning is taken, and what no row lists is asked for.
var (
	payTable = wallet.Table{
		{Code: "200", Sub: "SUCCESS", Class: wallet.ClassPaid, Why: "if the five checks hold"},
		{Code: "*", Sub: "USERPAYING", Class: wallet.ClassPending},
		{Code: "200", Sub: "NOTPAY", Class: wallet.ClassPending},
		{Code: "5xx", Sub: "*", Class: wallet.ClassUnknown, Why: "SYSTEM_ERROR: query"},
		{Code: "*", Sub: "AUTH_CODE_INVALID", Class: wallet.ClassFailedNewCode},
		{Code: "*", Sub: "PARAM_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "APPID_MCHID_NOT_MATCH", Class: wallet.ClassConfig},
		{Code: "*", Sub: "MCH_NOT_EXISTS", Class: wallet.ClassConfig},
		{Code: "*", Sub: "SIGN_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "NO_AUTH", Class: wallet.ClassConfig},
		{Code: "*", Sub: "*", Class: wallet.ClassUnknown, Why: "a refusal may hide a success: query"},
	}
	queryTable = wallet.Table{
		{Code: "200", Sub: "SUCCESS", Class: wallet.ClassPaid},
		{Code: "200", Sub: "USERPAYING", Class: wallet.ClassPending},
		{Code: "200", Sub: "NOTPAY", Class: wallet.ClassPending},
		{Code: "200", Sub: "ACCEPT", Class: wallet.ClassPending},
		{Code: "200", Sub: "PAYERROR", Class: wallet.ClassFailed, Why: "payment failed, please reverse the order"},
		{Code: "200", Sub: "CLOSED", Class: wallet.ClassClosed},
		{Code: "200", Sub: "REVOKED", Class: wallet.ClassReversed},
		{Code: "200", Sub: "REFUND", Class: wallet.ClassReversed},
	}
	reverseTable = wallet.Table{
		{Code: "200", Sub: "*", Class: wallet.ClassReversed, Why: "v3 has no recall flag: a query confirms"},
		{Code: "204", Sub: "*", Class: wallet.ClassReversed, Why: "overseas"},
		{Code: "5xx", Sub: "*", Class: wallet.ClassRetryReverse},
		{Code: "429", Sub: "*", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "USERPAYING", Class: wallet.ClassRetryReverse},
		{Code: "", Sub: "*", Class: wallet.ClassRetryReverse, Why: "no answer"},
	}
	refundTable = wallet.Table{
		{Code: "200", Sub: "SUCCESS", Class: wallet.ClassReversed},
		{Code: "200", Sub: "PROCESSING", Class: wallet.ClassReversed, Why: "the refund is accepted and under way"},
		{Code: "200", Sub: "CLOSED", Class: wallet.ClassFailed},
		{Code: "200", Sub: "ABNORMAL", Class: wallet.ClassUnknown, Why: "the customer's account takes no refund: a person must act"},
		{Code: "5xx", Sub: "*", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_refund_no"},
		{Code: "429", Sub: "*", Class: wallet.ClassUnknown},
		{Code: "*", Sub: "NOT_ENOUGH", Class: wallet.ClassFailed, Why: "our account there has too little"},
		{Code: "*", Sub: "RESOURCE_NOT_EXISTS", Class: wallet.ClassFailed},
		{Code: "*", Sub: "INVALID_REQUEST", Class: wallet.ClassFailed},
		{Code: "*", Sub: "PARAM_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "SIGN_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "NO_AUTH", Class: wallet.ClassConfig},
	}
)

// absent tells whether a code says that the gateway knows no such order: it has been written in two ways.
func absent(code string) bool { return code == "ORDER_NOT_EXIST" || code == "ORDERNOTEXIST" }

// Classes are the tables of all calls, for the page that shows them.
func Classes() []wallet.Named {
	return []wallet.Named{{Call: "pay", Table: payTable}, {Call: "query", Table: queryTable}, {Call: "reverse", Table: reverseTable}, {Call: "refund", Table: refundTable}}
}
