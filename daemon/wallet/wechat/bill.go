package wechat

import (
	"errors"
	"strconv"
	"strings"

	"posd/daemon/bill"
)

// Bill is the bill of trades of WeChat Pay (v2 pay/downloadbill, v3 /v3/bill/tradebill; type ALL): UTF-8, names of
// columns, rows whose every value begins with a backquote, names of sums, sums. Older bills have 总金额 for 应结订单金额,
// and no 订单金额. Source: pay.weixin.qq.com, products/bill-download/format-trade (2024-11-25).
var Bill = bill.Format{
	Provider: Name,
	Source:   "the trade bill (type ALL), from the next morning on",
	Columns:  []string{"交易时间", "微信订单号", "商户订单号", "交易状态", "货币种类", "商户退款单号", "退款金额", "退款状态"},
	Lines:    billLines, Cells: backquoteCells, Row: billRow,
}

func billLines(text []string) (p bill.Parts, err error) {
	var sums []string
	for i, line := range text {
		switch {
		case line == "" || sums != nil && strings.TrimSpace(line) == "":
		case p.Head == "" && strings.HasPrefix(line, "<xml"):
			return p, &bill.Error{Line: i + 1, Why: "is an answer that says why there is no bill"}
		case p.Head == "":
			p.Head, p.First = line, i+2
		case strings.HasPrefix(line, "总交易单数") || sums != nil:
			sums = append(sums, line)
		case i+1 != p.First+len(p.Rows):
			return p, &bill.Error{Line: i + 1, Why: "a line among the rows is none"}
		default:
			p.Rows = append(p.Rows, line)
		}
	}
	if p.Head == "" {
		return p, &bill.Error{Why: "is empty"}
	}
	if len(sums) != 2 {
		return p, &bill.Error{Why: "is cut off: the two lines with the sums are not its last ones; get it again"}
	}
	values, err := backquoteCells(sums[1])
	if err != nil || len(values) == 0 {
		return p, &bill.Error{Why: "its sums cannot be read"}
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 0 {
		return p, &bill.Error{Why: "总交易单数 is no number"}
	}
	p.Counts = map[bill.Kind]int{"": n}
	return p, nil
}

// backquoteCells splits at each comma that a backquote follows, since a name of goods may hold a comma; the names of columns
// have no backquotes.
func backquoteCells(line string) ([]string, error) {
	if len(line) > bill.MaxLine {
		return nil, errors.New("the line is too long")
	}
	rest, row := strings.CutPrefix(strings.TrimSpace(line), "`")
	between := ","
	if row {
		between = ",`"
	}
	values := strings.Split(rest, between)
	for i, v := range values {
		values[i] = strings.TrimSpace(v)
	}
	return values, nil
}

var billKinds = map[string]bill.Kind{"SUCCESS": bill.Took, "REFUND": bill.Gave, "REVOKED": bill.Revoked}

func billRow(c bill.Cells) (r bill.Row, err error) {
	var known bool
	r.Status = c.Text("交易状态")
	if r.Kind, known = billKinds[r.Status]; !known {
		return r, bill.UnknownWord("交易状态", r.Status)
	}
	if r.Order, err = c.Number("商户订单号", false); err != nil {
		return r, err
	}
	if r.Reference, err = c.Number("微信订单号", true); err != nil {
		return r, err
	}
	if r.Currency, err = c.Number("货币种类", false); err != nil {
		return r, err
	}
	if r.At, err = c.Moment("交易时间"); err != nil {
		return r, err
	}
	switch r.Kind {
	case bill.Gave:
		return billRefund(c, r)
	case bill.Revoked:
		r.Amount, err = c.FirstYuan("申请退款金额", "退款金额", "订单金额", "应结订单金额", "总金额")
	default:
		r.Amount, err = c.FirstYuan("订单金额", "应结订单金额", "总金额")
	}
	return r, err
}

// billRefund reads a refund: one that is accepted counts as done (WeChat Pay's FAQ on reconciliation); of one that failed
// nobody can say from the bill where the money is.
func billRefund(c bill.Cells, r bill.Row) (bill.Row, error) {
	var err error
	if status := c.Text("退款状态"); status != "SUCCESS" && status != "PROCESSING" {
		return r, bill.UnknownWord("退款状态", status)
	}
	if r.Amount, err = c.FirstYuan("申请退款金额", "退款金额"); err != nil {
		return r, err
	}
	r.Refund, err = c.Number("商户退款单号", true)
	if r.Refund == "0" {
		r.Refund = ""
	}
	return r, err
}
