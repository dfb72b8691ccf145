package wechatv3

import "posd/daemon/wallet"

// The meaning of answers, by HTTP status ("5xx" for 500 and above) and by trade_state, or by code where the status is none of
// success. The pages of codepay and reverse name few codes. The others are those of v3's list of codes for all calls
// (pay.weixin.qq.com, apiv3/Share/error_code), of its page on HTTP statuses (api_external/en/wechatpay/wechatpay2_1) and of
// domestic refunds (the table in wechatpay-go 0.2.21, services/refunddomestic); several are v2's in other letters, and mean what
// they mean there: WeChat keeps an order of a payment that it has refused, and wants that reversed. The class is our reading.
// What no row lists is asked for, and never taken for a refusal.
var (
	payTable = wallet.Table{
		{Code: "200", Sub: "SUCCESS", Class: wallet.ClassPaid, Why: "if the five checks hold"},
		{Code: "*", Sub: "USERPAYING", Class: wallet.ClassPending},
		{Code: "200", Sub: "NOTPAY", Class: wallet.ClassPending},
		{Code: "5xx", Sub: "*", Class: wallet.ClassUnknown, Why: "SYSTEM_ERROR: query"},
		{Code: "429", Sub: "*", Class: wallet.ClassUnknown, Why: "RATELIMIT_EXCEEDED, FREQUENCY_LIMITED: query"},
		{Code: "*", Sub: "SYSTEM_ERROR", Class: wallet.ClassUnknown, Why: "query"},
		{Code: "*", Sub: "BANK_ERROR", Class: wallet.ClassUnknown, Why: "query, as v2's BANKERROR"},
		{Code: "*", Sub: "RULE_LIMIT", Class: wallet.ClassUnknown, Why: "too many by a rule: query"},
		{Code: "*", Sub: "AUTH_CODE_INVALID", Class: wallet.ClassFailedNewCode},
		{Code: "*", Sub: "AUTH_CODE_EXPIRE", Class: wallet.ClassFailedNewCode, Why: "the code is too old"},
		{Code: "*", Sub: "ORDERCLOSED", Class: wallet.ClassClosed, Why: "number is burnt"},
		{Code: "*", Sub: "ORDER_CLOSED", Class: wallet.ClassClosed, Why: "number is burnt"},
		{Code: "*", Sub: "ORDERREVERSED", Class: wallet.ClassClosed, Why: "number is burnt"},
		{Code: "*", Sub: "ORDER_REVERSED", Class: wallet.ClassClosed, Why: "number is burnt"},
		{Code: "*", Sub: "ORDERPAID", Class: wallet.ClassUnknown, Why: "already paid: the query compares"},
		{Code: "*", Sub: "ORDER_PAID", Class: wallet.ClassUnknown, Why: "already paid: the query compares"},
		{Code: "*", Sub: "OUT_TRADE_NO_USED", Class: wallet.ClassUnknown, Why: "same number: the query compares"},
		{Code: "*", Sub: "INVALID_REQUEST", Class: wallet.ClassUnknown, Why: "same number, other content, for one: query"},
		{Code: "*", Sub: "NOT_ENOUGH", Class: wallet.ClassUnknown, Why: "the customer has too little; the order stays, and is reversed"},
		{Code: "*", Sub: "TRADE_ERROR", Class: wallet.ClassUnknown, Why: "refused; the order stays, and is reversed"},
		{Code: "*", Sub: "ACCOUNT_ERROR", Class: wallet.ClassUnknown, Why: "the customer's account; the order stays, and is reversed"},
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
		{Code: "200", Sub: refunded, Class: wallet.ClassReversed, Why: "check amount: proof only after our own refund of the whole; v3 tells no sum"},
		{Code: "404", Sub: "ORDER_NOT_EXIST", Class: wallet.ClassUnknown, Why: "the pay request can still be under way"},
		{Code: "*", Sub: "*", Class: wallet.ClassUnknown, Why: "a refused query says nothing about the payment"},
	}
	reverseTable = wallet.Table{
		{Code: "200", Sub: "*", Class: wallet.ClassReversed, Why: "v3 has no recall flag: a query confirms"},
		{Code: "204", Sub: "*", Class: wallet.ClassReversed, Why: "overseas"},
		{Code: "5xx", Sub: "*", Class: wallet.ClassRetryReverse},
		{Code: "429", Sub: "*", Class: wallet.ClassRetryReverse, Why: "RATELIMIT_EXCEEDED, FREQUENCY_LIMITED"},
		{Code: "*", Sub: "USERPAYING", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "SYSTEM_ERROR", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "BANK_ERROR", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "RULE_LIMIT", Class: wallet.ClassRetryReverse},
		{Code: "404", Sub: "ORDER_NOT_EXIST", Class: wallet.ClassClosed, Why: "nothing to reverse: two queries, apart, confirm that it never came"},
		{Code: "*", Sub: "ORDERREVERSED", Class: wallet.ClassReversed, Why: "done before: a query confirms"},
		{Code: "*", Sub: "ORDER_REVERSED", Class: wallet.ClassReversed, Why: "done before: a query confirms"},
		{Code: "*", Sub: "ORDERCLOSED", Class: wallet.ClassClosed, Why: "a query confirms"},
		{Code: "*", Sub: "ORDER_CLOSED", Class: wallet.ClassClosed, Why: "a query confirms"},
		{Code: "*", Sub: "REVERSE_EXPIRE", Class: wallet.ClassUnknown, Why: "older than 7 days: if it is paid, a refund follows"},
		{Code: "*", Sub: "TRADE_ERROR", Class: wallet.ClassUnknown, Why: "if it is paid, a refund follows"},
		{Code: "*", Sub: "INVALID_REQUEST", Class: wallet.ClassUnknown, Why: "if it is paid, a refund follows"},
		{Code: "*", Sub: "PARAM_ERROR", Class: wallet.ClassConfig, Why: "called again, too"},
		{Code: "*", Sub: "APPID_MCHID_NOT_MATCH", Class: wallet.ClassConfig, Why: "called again, too"},
		{Code: "*", Sub: "MCH_NOT_EXISTS", Class: wallet.ClassConfig, Why: "called again, too"},
		{Code: "*", Sub: "SIGN_ERROR", Class: wallet.ClassConfig, Why: "called again, too"},
		{Code: "*", Sub: "NO_AUTH", Class: wallet.ClassConfig, Why: "called again, too"},
		{Code: "", Sub: "*", Class: wallet.ClassRetryReverse, Why: "no answer"},
		{Code: "*", Sub: "*", Class: wallet.ClassUnknown, Why: "if it is paid, a refund follows"},
	}
	refundTable = wallet.Table{
		{Code: "200", Sub: "SUCCESS", Class: wallet.ClassReversed},
		{Code: "200", Sub: "PROCESSING", Class: wallet.ClassReversed, Why: "the refund is accepted and under way"},
		{Code: "200", Sub: "CLOSED", Class: wallet.ClassFailed},
		{Code: "200", Sub: "ABNORMAL", Class: wallet.ClassUnknown, Why: "the customer's account takes no refund: a person must act"},
		{Code: "5xx", Sub: "*", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_refund_no"},
		{Code: "429", Sub: "*", Class: wallet.ClassUnknown, Why: "not taken: repeat"},
		{Code: "*", Sub: "SYSTEM_ERROR", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_refund_no"},
		{Code: "*", Sub: "BIZ_ERR_NEED_RETRY", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_refund_no"},
		{Code: "*", Sub: "FREQUENCY_LIMITED", Class: wallet.ClassUnknown, Why: "not taken: repeat"},
		{Code: "*", Sub: "NOT_ENOUGH", Class: wallet.ClassFailed, Why: "our account there has too little"},
		{Code: "*", Sub: "USER_ACCOUNT_ABNORMAL", Class: wallet.ClassFailed, Why: "the customer's account is closed: give it back another way"},
		{Code: "*", Sub: "REQUEST_BLOCKED", Class: wallet.ClassFailed, Why: "docs: the request for a refund has failed"},
		{Code: "*", Sub: "RESOURCE_NOT_EXISTS", Class: wallet.ClassFailed},
		{Code: "*", Sub: "INVALID_REQUEST", Class: wallet.ClassFailed},
		{Code: "*", Sub: "PARAM_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "APPID_MCHID_NOT_MATCH", Class: wallet.ClassConfig},
		{Code: "*", Sub: "MCH_NOT_EXISTS", Class: wallet.ClassConfig},
		{Code: "*", Sub: "SIGN_ERROR", Class: wallet.ClassConfig},
		{Code: "*", Sub: "NO_AUTH", Class: wallet.ClassConfig},
		{Code: "*", Sub: "*", Class: wallet.ClassUnknown, Why: "repeat with the same out_refund_no"},
	}
)

// refunded is the trade_state of an order of which something was given back. How much it is v3 tells nowhere: it has queries of a
// refund by the number of that refund only, which is not known where somebody made it at the merchant's page.
const refunded = "REFUND"

// absent tells whether a code says that the gateway knows no such order: it has been written in two ways.
func absent(code string) bool { return code == "ORDER_NOT_EXIST" || code == "ORDERNOTEXIST" }

// Classes are the tables of all calls, for the page that shows them.
func Classes() []wallet.Named {
	return []wallet.Named{{Call: "pay", Table: payTable}, {Call: "query", Table: queryTable}, {Call: "reverse", Table: reverseTable}, {Call: "refund", Table: refundTable}}
}
