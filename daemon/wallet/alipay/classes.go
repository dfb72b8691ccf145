package alipay

import "posd/daemon/wallet"

// The meaning of answers, by code and sub_code (pay, refund), code and trade_status or sub_code (query), code and
// retry_flag with action (cancel). Source: error tables of alipay.trade.pay, .query, .cancel and .refund; the class is
// our reading. Rows with no code stand for no believable answer.
var (
	payTable = wallet.Table{
		{Code: "10000", Class: wallet.ClassPaid, Why: "if the five checks hold"},
		{Code: "10003", Class: wallet.ClassPending, Why: "also returned when the same request is repeated while waiting"},
		{Code: "20000", Sub: "*", Class: wallet.ClassUnknown, Why: "service unavailable is not a refusal"},
		{Code: "40004", Sub: "ACQ.SYSTEM_ERROR", Class: wallet.ClassUnknown, Why: "docs: query at once"},
		{Code: "40004", Sub: "ACQ.TRADE_HAS_SUCCESS", Class: wallet.ClassUnknown, Why: "already paid: the query compares"},
		{Code: "40004", Sub: "ACQ.TRADE_HAS_CLOSE", Class: wallet.ClassClosed, Why: "number is burnt"},
		{Code: "40004", Sub: "ACQ.CONTEXT_INCONSISTENT", Class: wallet.ClassUnknown, Why: "same number, other content"},
		{Code: "40004", Sub: "ACQ.PAYMENT_AUTH_CODE_INVALID", Class: wallet.ClassFailedNewCode},
		{Code: "40004", Sub: "ACQ.PULL_MOBILE_CASHIER_FAIL", Class: wallet.ClassFailedNewCode},
		{Code: "40004", Sub: "ACQ.PAYMENT_FAIL", Class: wallet.ClassFailedNewCode, Why: "docs: one retry with a fresh code, then another means"},
		{Code: "40004", Sub: "ACQ.BUYER_BALANCE_NOT_ENOUGH", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.PAYMENT_REQUEST_HAS_RISK", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.ACCESS_FORBIDDEN", Class: wallet.ClassConfig},
		{Code: "40004", Sub: "ACQ.INVALID_PARAMETER", Class: wallet.ClassConfig},
		{Code: "40002", Sub: "isv.invalid-signature", Class: wallet.ClassConfig, Why: "mostly comes unsigned, and is not believed then"},
		{Code: "40006", Sub: "*", Class: wallet.ClassConfig, Why: "permission"},
		{Code: "", Sub: "*", Class: wallet.ClassUnknown, Why: "no answer, 5xx, TLS error, bad signature, not JSON"},
	}
	queryTable = wallet.Table{
		{Code: "10000", Sub: "WAIT_BUYER_PAY", Class: wallet.ClassPending},
		{Code: "10000", Sub: "TRADE_SUCCESS", Class: wallet.ClassPaid},
		{Code: "10000", Sub: "TRADE_FINISHED", Class: wallet.ClassPaid},
		{Code: "10000", Sub: "TRADE_CLOSED", Class: wallet.ClassClosed, Why: "unpaid and closed, or paid and fully refunded"},
		{Code: "40004", Sub: notExist, Class: wallet.ClassUnknown, Why: "the pay request can still be under way"},
		{Code: "20000", Sub: "*", Class: wallet.ClassUnknown},
	}
	cancelTable = wallet.Table{
		{Code: "*", Sub: "retry_flag=Y", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "retry_flag=Y action=close", Class: wallet.ClassRetryReverse},
		{Code: "*", Sub: "retry_flag=Y action=refund", Class: wallet.ClassRetryReverse},
		{Code: "10000", Sub: "retry_flag=N action=close", Class: wallet.ClassReversed},
		{Code: "10000", Sub: "retry_flag=N action=refund", Class: wallet.ClassReversed, Why: "money had been taken and is being given back"},
		{Code: "10000", Sub: "retry_flag=N", Class: wallet.ClassReversed, Why: "no such trade: the number is burnt"},
		{Code: "20000", Sub: "*", Class: wallet.ClassRetryReverse},
		{Code: "40004", Sub: "ACQ.SYSTEM_ERROR", Class: wallet.ClassRetryReverse},
		{Code: "40004", Sub: "*", Class: wallet.ClassUnknown, Why: "past the cancel period, for one: a refund follows"},
		{Code: "", Sub: "*", Class: wallet.ClassRetryReverse, Why: "no answer"},
	}
	refundTable = wallet.Table{
		{Code: "10000", Sub: "fund_change=Y", Class: wallet.ClassReversed},
		{Code: "10000", Sub: "refund_status=REFUND_SUCCESS", Class: wallet.ClassReversed, Why: "told by the refund query"},
		{Code: "40004", Sub: "ACQ.SYSTEM_ERROR", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_request_no"},
		{Code: "40004", Sub: "ACQ.TRADE_NOT_EXIST", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.TRADE_HAS_FINISHED", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.TRADE_STATUS_ERROR", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.TRADE_NOT_ALLOW_REFUND", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", Class: wallet.ClassFailed, Why: "more than is left"},
		{Code: "40004", Sub: "ACQ.REASON_TRADE_REFUND_FEE_ERR", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.DISCORDANT_REPEAT_REQUEST", Class: wallet.ClassFailed, Why: "same refund number, other amount"},
		{Code: "40004", Sub: "ACQ.SELLER_BALANCE_NOT_ENOUGH", Class: wallet.ClassFailed},
		{Code: "40004", Sub: "ACQ.INVALID_PARAMETER", Class: wallet.ClassConfig},
		{Code: "40006", Sub: "*", Class: wallet.ClassConfig, Why: "permission"},
	}
)

// notExist is the answer for an order that the gateway does not know.
const notExist = "ACQ.TRADE_NOT_EXIST"

// Classes are the tables of all calls, for the page that shows them.
func Classes() []wallet.Named {
	return []wallet.Named{{Call: "pay", Table: payTable}, {Call: "query", Table: queryTable}, {Call: "cancel", Table: cancelTable}, {Call: "refund", Table: refundTable}}
}
