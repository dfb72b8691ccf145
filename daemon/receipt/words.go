package receipt

import "posd/daemon/payment"

// words is one language.
type words struct {
	language                                       string
	kind, merchant, terminal, card, wallet         string
	batch, trace, approval, reference, order       string
	till, sale, time, printed, amount, total, rest string
	refunded, copied, noReceipt, system            string
	kinds                                          map[payment.Kind]string
	wallets                                        map[string]string
	wordings                                       map[Wording]phrase
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
	kinds:   map[payment.Kind]string{payment.KindSale: "消费", payment.KindVoid: "消费撤销", payment.KindRefund: "退货"},
	wallets: map[string]string{"alipay": "支付宝", "wechat": "微信支付", "unionpay": "云闪付"},
	wordings: map[Wording]phrase{
		Paid:          {"付款成功", nil},
		NotPaidYet:    {"尚未付款", []string{"结果不明，正在冲正", "如已扣款，将原路退回"}},
		Cancelled:     {"交易已取消", []string{"未付款；如已扣款", "将原路退回"}},
		NotConfirmed:  {"取消未确认", []string{"请致电收单机构", "凭本单号查询"}},
		Voided:        {"撤销成功", []string{"款项将原路退回"}},
		VoidNotDone:   {"撤销未成功", []string{"原交易仍然有效"}},
		VoidUnsure:    {"撤销未确认", []string{"请致电收单机构", "凭本单号查询"}},
		Refunded:      {"退货成功", []string{"款项将原路退回"}},
		RefundNotDone: {"退货未成功", []string{"原交易仍然有效"}},
		RefundUnsure:  {"退货未确认", []string{"请致电收单机构", "凭本单号查询"}},
	},
}

var en = words{
	language: English,
	kind:     "Type", merchant: "Merchant", terminal: "Terminal", card: "Card", wallet: "Paid with",
	batch: "Batch", trace: "Trace", approval: "Approval", reference: "Reference", order: "Order",
	till: "Till", sale: "Sale", time: "Time", printed: "Printed", amount: "Amount", total: "Total", rest: "Still to pay",
	refunded: "Refunded", copied: "*** COPY ***", noReceipt: "THIS IS NOT A RECEIPT",
	system:  "Paid twice: this payment is returned",
	kinds:   map[payment.Kind]string{payment.KindSale: "Sale", payment.KindVoid: "Void", payment.KindRefund: "Refund"},
	wallets: map[string]string{"alipay": "Alipay", "wechat": "WeChat Pay", "unionpay": "UnionPay"},
	wordings: map[Wording]phrase{
		Paid:          {"PAID", nil},
		NotPaidYet:    {"NOT PAID YET", []string{"being cancelled", "money taken returns the same way"}},
		Cancelled:     {"CANCELLED", []string{"not paid", "money taken returns the same way"}},
		NotConfirmed:  {"CANCELLATION NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
		Voided:        {"VOIDED", []string{"money returns the same way"}},
		VoidNotDone:   {"VOID NOT DONE", []string{"the payment stands"}},
		VoidUnsure:    {"VOID NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
		Refunded:      {"REFUNDED", []string{"money returns the same way"}},
		RefundNotDone: {"REFUND NOT DONE", []string{"the payment stands"}},
		RefundUnsure:  {"REFUND NOT CONFIRMED", []string{"please call the acquirer", "and name the id below"}},
	},
}
