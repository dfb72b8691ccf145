package bill

import (
	"errors"
	"strconv"
	"strings"
)

// wechat is the bill of trades of WeChat Pay (v2 pay/downloadbill, v3 /v3/bill/tradebill; type ALL): UTF-8, names of
// columns, rows whose every value begins with a backquote, names of sums, sums. Older bills have 总金额 for 应结订单金额,
// and no 订单金额. Source: pay.weixin.qq.com, products/bill-download/format-trade (2024-11-25).
var wechat = format{
	columns: []string{"交易时间", "微信订单号", "商户订单号", "交易状态", "货币种类", "商户退款单号", "退款金额", "退款状态"},
	lines:   wechatLines, cells: backquoteCells, row: wechatRow,
}

func wechatLines(text []string) (p parts, err error) {
	var sums []string
	for i, line := range text {
		switch {
		case line == "" || sums != nil && strings.TrimSpace(line) == "":
		case p.head == "" && strings.HasPrefix(line, "<xml"):
			return p, &Error{Line: i + 1, Why: "is an answer that says why there is no bill"}
		case p.head == "":
			p.head, p.first = line, i+2
		case strings.HasPrefix(line, "总交易单数") || sums != nil:
			sums = append(sums, line)
		case i+1 != p.first+len(p.rows):
			return p, &Error{Line: i + 1, Why: "a line among the rows is none"}
		default:
			p.rows = append(p.rows, line)
		}
	}
	if p.head == "" {
		return p, &Error{Why: "is empty"}
	}
	if len(sums) != 2 {
		return p, &Error{Why: "is cut off: the two lines with the sums are not its last ones; get it again"}
	}
	values, err := backquoteCells(sums[1])
	if err != nil || len(values) == 0 {
		return p, &Error{Why: "its sums cannot be read"}
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 0 {
		return p, &Error{Why: "总交易单数 is no number"}
	}
	p.counts = map[Kind]int{"": n}
	return p, nil
}

// backquoteCells splits at each comma that a backquote follows, since a name of goods may hold a comma; the names of columns
// have no backquotes.
func backquoteCells(line string) ([]string, error) {
	if len(line) > maxLine {
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

var wechatKinds = map[string]Kind{"SUCCESS": Took, "REFUND": Gave, "REVOKED": Revoked}

func wechatRow(c cells) (r Row, err error) {
	var known bool
	r.Status = c.text("交易状态")
	if r.Kind, known = wechatKinds[r.Status]; !known {
		return r, unknownWord("交易状态", r.Status)
	}
	if r.Order, err = c.number("商户订单号", false); err != nil {
		return r, err
	}
	if r.Reference, err = c.number("微信订单号", true); err != nil {
		return r, err
	}
	if r.Currency, err = c.number("货币种类", false); err != nil {
		return r, err
	}
	if r.At, err = c.moment("交易时间"); err != nil {
		return r, err
	}
	switch r.Kind {
	case Gave:
		return wechatRefund(c, r)
	case Revoked:
		r.Amount, err = c.firstYuan("申请退款金额", "退款金额", "订单金额", "应结订单金额", "总金额")
	default:
		r.Amount, err = c.firstYuan("订单金额", "应结订单金额", "总金额")
	}
	return r, err
}

// wechatRefund reads a refund: one that is accepted counts as done (WeChat Pay's FAQ on reconciliation); of one that failed
// nobody can say from the bill where the money is.
func wechatRefund(c cells, r Row) (Row, error) {
	var err error
	if status := c.text("退款状态"); status != "SUCCESS" && status != "PROCESSING" {
		return r, unknownWord("退款状态", status)
	}
	if r.Amount, err = c.firstYuan("申请退款金额", "退款金额"); err != nil {
		return r, err
	}
	r.Refund, err = c.number("商户退款单号", true)
	if r.Refund == "0" {
		r.Refund = ""
	}
	return r, err
}
