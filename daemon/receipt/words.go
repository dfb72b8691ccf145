package receipt

import "posd/daemon/payment"

// words is one language.
type words struct {
	language                                       string
	kind, merchant, terminal, card, wallet         string
	batch, trace, approval, reference, order       string
	till, sale, time, printed, amount, total, rest string
	refunded, copied, noReceipt, system            string
	balance, notTold                               string
	sales, completions, voided, refunds, net       string
	firstAt, endedAt, by, reason, next, answer     string
	uploaded, open, notCounted, counted            string
	kinds, voids                                   map[payment.Kind]string
	wordings                                       map[Wording]phrase
	batches                                        map[payment.BatchState]phrase
	freed                                          phrase // Voided, of a pre-auth
}

// phrase is a wording in one language: a title of at most 16 cells in double width, and what it means.
type phrase struct {
	title string
	says  []string
}

func wordsOf(language string) words {
	if language == Chinese {
		return zh
	}
	return en
}

var zh = words{
	language: Chinese,
	kind:     "交易类型", merchant: "商户号", terminal: "终端号", card: "卡号", wallet: "支付方式",
	batch: "批次号", trace: "凭证号", approval: "授权码", reference: "参考号", order: "订单号",
	till: "收银台", sale: "单号", time: "交易时间", printed: "打印时间", amount: "金额", total: "应付总额", rest: "尚需支付",
	refunded: "已退金额", copied: "*** 副本 ***", noReceipt: "本单不是付款凭证", system: "重复付款，系统自动退回",
	balance: "可用余额", notTold: "未告知",
	sales: "消费", completions: "预授权完成", voided: "撤销", refunds: "退货", net: "合计",
	firstAt: "首笔时间", endedAt: "结算时间", by: "操作员", reason: "原因", next: "下一批次", answer: "应答",
	uploaded: "对账不平，已上送明细", open: "未决交易", notCounted: "未计入以上合计", counted: "* 已计入，仍可能冲正",
	kinds: map[payment.Kind]string{
		payment.KindSale: "消费", payment.KindVoid: "消费撤销", payment.KindRefund: "退货", payment.KindPreAuth: "预授权",
		payment.KindCompletion: "预授权完成", payment.KindBalance: "余额查询",
	},
	voids: map[payment.Kind]string{payment.KindPreAuth: "预授权撤销", payment.KindCompletion: "预授权完成撤销"},
	wordings: map[Wording]phrase{
		Paid:          {"付款成功", nil},
		NotPaidYet:    {"尚未付款", []string{"结果不明，正在冲正", "如已扣款，将原路退回"}},
		Cancelled:     {"交易已取消", []string{"未付款；如已扣款", "将原路退回"}},
		NotConfirmed:  {"取消未确认", []string{"请致电收单机构", "凭本单号查询"}},
		PreAuthorised: {"预授权成功", []string{"金额已冻结", "尚未扣款"}},
		BalanceTold:   {"余额查询", nil},
		Voided:        {"撤销成功", []string{"款项将原路退回"}},
		VoidNotDone:   {"撤销未成功", []string{"原交易仍然有效"}},
		VoidUnsure:    {"撤销未确认", []string{"请致电收单机构", "凭本单号查询"}},
		Refunded:      {"退货成功", []string{"款项将原路退回"}},
		RefundNotDone: {"退货未成功", []string{"原交易仍然有效"}},
		RefundUnsure:  {"退货未确认", []string{"请致电收单机构", "凭本单号查询"}},
	},
	batches: map[payment.BatchState]phrase{
		payment.BatchClosed:     {"批结算完成", nil},
		payment.BatchRefused:    {"批结算未完成", []string{"主机未受理，批次仍未关闭", "请致电收单机构"}},
		payment.BatchSuperseded: {"批次未结算", []string{"未经主机结算，批次已换", "请致电收单机构"}},
	},
	freed: phrase{"撤销成功", []string{"冻结金额已解冻", "未扣款"}},
}

var en = words{
	language: English,
	kind:     "Type", merchant: "Merchant", terminal: "Terminal", card: "Card", wallet: "Paid with",
	batch: "Batch", trace: "Trace", approval: "Approval", reference: "Reference", order: "Order",
	till: "Till", sale: "Sale", time: "Time", printed: "Printed", amount: "Amount", total: "Total", rest: "Still to pay",
	refunded: "Refunded", copied: "*** COPY ***", noReceipt: "THIS IS NOT A RECEIPT",
	system:  "Paid twice: this payment is returned",
	balance: "Balance", notTold: "not told",
	sales: "Sales", completions: "Completions", voided: "Voids", refunds: "Refunds", net: "Total",
	firstAt: "First", endedAt: "Ended", by: "By", reason: "Reason", next: "Next batch", answer: "Answer",
	uploaded: "totals differed: all uploaded", open: "Not decided yet", notCounted: "not in the totals above", counted: "* but these, so far",
	kinds: map[payment.Kind]string{
		payment.KindSale: "Sale", payment.KindVoid: "Void", payment.KindRefund: "Refund", payment.KindPreAuth: "Pre-auth",
		payment.KindCompletion: "Completion", payment.KindBalance: "Balance inquiry",
	},
	voids: map[payment.Kind]string{payment.KindPreAuth: "Void of pre-auth", payment.KindCompletion: "Void of completion"},
	wordings: map[Wording]phrase{
		Paid:          {"PAID", nil},
		NotPaidYet:    {"NOT PAID YET", []string{"being cancelled", "money taken returns the same way"}},
		Cancelled:     {"CANCELLED", []string{"not paid", "money taken returns the same way"}},
		NotConfirmed:  {"CANCELLATION NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
		PreAuthorised: {"PRE-AUTHORISED", []string{"the amount is reserved", "nothing was taken"}},
		BalanceTold:   {"BALANCE", nil},
		Voided:        {"VOIDED", []string{"money returns the same way"}},
		VoidNotDone:   {"VOID NOT DONE", []string{"the payment stands"}},
		VoidUnsure:    {"VOID NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
		Refunded:      {"REFUNDED", []string{"money returns the same way"}},
		RefundNotDone: {"REFUND NOT DONE", []string{"the payment stands"}},
		RefundUnsure:  {"REFUND NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
	},
	batches: map[payment.BatchState]phrase{
		payment.BatchClosed:     {"BATCH CLOSED", nil},
		payment.BatchRefused:    {"BATCH NOT CLOSED", []string{"not taken by the host: still open", "please call the acquirer"}},
		payment.BatchSuperseded: {"BATCH NOT SETTLED", []string{"over, and not taken by the host", "please call the acquirer"}},
	},
	freed: phrase{"VOIDED", []string{"the amount is free again", "nothing was taken"}},
}
