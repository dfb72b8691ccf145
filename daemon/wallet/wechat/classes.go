package wechat

import "posd/daemon/wallet"

// The meaning of answers, by return_code/result_code and err_code (pay, reverse, refund) and by trade_state (query).
// Source: WeChat Pay v2 micropay, orderquery, reverse and refund, and the page "correct request result judgment logic";
// the class is our reading.
var (
	payTable = wallet.Table{
		{Code: "return_code=FAIL", Sub: "*", Class: wallet.ClassUnknown, Why: "called a communication failure"},
		{Code: "SUCCESS/SUCCESS", Sub: "*", Class: wallet.ClassPaid, Why: "if the five checks hold"},
		{Code: "SUCCESS/FAIL", Sub: "USERPAYING", Class: wallet.ClassPending},
		{Code: "SUCCESS/FAIL", Sub: "SYSTEMERROR", Class: wallet.ClassUnknown, Why: "query after 5 s"},
		{Code: "SUCCESS/FAIL", Sub: "BANKERROR", Class: wallet.ClassUnknown, Why: "query"},
		{Code: "SUCCESS/FAIL", Sub: "AUTH_CODE_INVALID", Class: wallet.ClassFailedNewCode},
		{Code: "SUCCESS/FAIL", Sub: "ORDERPAID", Class: wallet.ClassUnknown, Why: "the query compares"},
		{Code: "SUCCESS/FAIL", Sub: "*", Class: wallet.ClassUnknown, Why: "a FAIL may hide a success"},
	}
	queryTable = wallet.Table{
		{Code: "SUCCESS", Class: wallet.ClassPaid},
		{Code: "USERPAYING", Class: wallet.ClassPending},
		{Code: "NOTPAY", Class: wallet.ClassPending},
		{Code: "ACCEPT", Class: wallet.ClassPending, Why: "an extra state of v2"},
		{Code: "PAYERROR", Class: wallet.ClassFailed, Why: "payment failed, please reverse the order"},
		{Code: "CLOSED", Class: wallet.ClassClosed},
		{Code: "REVOKED", Class: wallet.ClassReversed},
		{Code: refunded, Class: wallet.ClassReversed, Why: "check amount: refundquery tells how much went back, and the rest is refunded"},
	}
	reverseTable = wallet.Table{
		{Code: "*", Sub: "recall=Y", Class: wallet.ClassRetryReverse},
		{Code: "SUCCESS/SUCCESS", Sub: "recall=N", Class: wallet.ClassReversed, Why: "given for any number: a query confirms"},
		{Code: "SUCCESS/FAIL", Sub: "SYSTEMERROR", Class: wallet.ClassRetryReverse},
		{Code: "SUCCESS/FAIL", Sub: "USERPAYING", Class: wallet.ClassRetryReverse},
		{Code: "return_code=FAIL", Sub: "*", Class: wallet.ClassRetryReverse},
		{Code: "", Sub: "*", Class: wallet.ClassRetryReverse, Why: "no answer"},
	}
	refundTable = wallet.Table{
		{Code: "SUCCESS/SUCCESS", Sub: "*", Class: wallet.ClassReversed, Why: "the refund is accepted and under way"},
		{Code: "SUCCESS/FAIL", Sub: "SYSTEMERROR", Class: wallet.ClassUnknown, Why: "docs: repeat with the same out_refund_no"},
		{Code: "SUCCESS/FAIL", Sub: "BIZERR_NEED_RETRY", Class: wallet.ClassUnknown},
		{Code: "SUCCESS/FAIL", Sub: "FREQUENCY_LIMITED", Class: wallet.ClassUnknown},
		{Code: "SUCCESS/FAIL", Sub: "ORDERNOTEXIST", Class: wallet.ClassFailed},
		{Code: "SUCCESS/FAIL", Sub: "TRADE_OVERDUE", Class: wallet.ClassFailed, Why: "older than a year"},
		{Code: "SUCCESS/FAIL", Sub: "TRADE_STATE_ERROR", Class: wallet.ClassFailed},
		{Code: "SUCCESS/FAIL", Sub: "NOTENOUGH", Class: wallet.ClassFailed, Why: "our account there has too little"},
		{Code: "SUCCESS/FAIL", Sub: "REFUND_FEE_MISMATCH", Class: wallet.ClassFailed, Why: "same refund number, other amount"},
		{Code: "SUCCESS/FAIL", Sub: "INVALID_REQUEST", Class: wallet.ClassFailed},
		{Code: "SUCCESS/FAIL", Sub: "PARAM_ERROR", Class: wallet.ClassConfig},
		{Code: "SUCCESS/FAIL", Sub: "NO_AUTH", Class: wallet.ClassConfig},
	}
)

// notExist is the answer for an order that the gateway does not know.
const notExist = "ORDERNOTEXIST"

// Classes are the tables of all calls, for the page that shows them.
func Classes() []wallet.Named {
	return []wallet.Named{{Call: "pay", Table: payTable}, {Call: "query", Table: queryTable}, {Call: "reverse", Table: reverseTable}, {Call: "refund", Table: refundTable}}
}
