package alipay

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"posd/daemon/bill"
)

// Bill is the bill of trades (alipay.data.dataservice.bill.downloadurl.query, bill_type trade): the file that is called
// 业务明细, GBK in a ZIP. Lines that begin with # stand before and behind the rows; the last of them count these.
// Source: opendocs.alipay.com, open/204/106262.
var Bill = bill.Format{
	Provider: Name,
	Source:   "业务明细 (bill_type trade; the ZIP as it is), from the next morning on",
	Columns:  []string{"支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额（元）", "退款批次号/请求号"},
	Lines:    billLines, Cells: bill.CommaCells, Row: billRow,
}

var (
	billSpan  = regexp.MustCompile(`起始日期：\[(.+?)\]\s*终止日期：\[(.+?)\]`)
	billCount = regexp.MustCompile(`^#(交易|退款)合计：([0-9]{1,9})笔`)
	billKinds = map[string]bill.Kind{"交易": bill.Took, "退款": bill.Gave}
)

const billTime = "2006年01月02日 15:04:05"

func billLines(text []string) (p bill.Parts, err error) {
	p.Counts = map[bill.Kind]int{}
	ended := false
	for i, line := range text {
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "#"):
			ended = ended || p.Head != "" && strings.Contains(line, "列表结束")
			readNote(&p, line)
		case ended:
			return p, &bill.Error{Line: i + 1, Why: "something follows the end of the rows"}
		case p.Head == "":
			p.Head, p.First = line, i+2
		case i+1 != p.First+len(p.Rows):
			return p, &bill.Error{Line: i + 1, Why: "a line among the rows is none"}
		default:
			p.Rows = append(p.Rows, line)
		}
	}
	switch {
	case p.Head == "":
		return p, &bill.Error{Why: "has no line with the names of columns: is it Alipay's 业务明细?"}
	case !ended:
		return p, &bill.Error{Why: "is cut off: the line 业务明细列表结束 is missing; get it again"}
	}
	return p, nil
}

// readNote takes from a line around the rows what it says: the time that the bill is of, and how many rows it has.
func readNote(p *bill.Parts, line string) {
	if m := billSpan.FindStringSubmatch(line); m != nil {
		from, err1 := time.ParseInLocation(billTime, m[1], bill.Beijing)
		until, err2 := time.ParseInLocation(billTime, m[2], bill.Beijing)
		if err1 == nil && err2 == nil && from.Before(until) {
			p.From, p.Until = from, until
		}
	}
	if m := billCount.FindStringSubmatch(line); m != nil {
		if n, err := strconv.Atoi(m[2]); err == nil {
			p.Counts[billKinds[m[1]]] = n
		}
	}
}

func billRow(c bill.Cells) (r bill.Row, err error) {
	var known bool
	r.Status, r.Currency = c.Text("业务类型"), "CNY"
	if r.Kind, known = billKinds[r.Status]; !known {
		return r, bill.UnknownWord("业务类型", r.Status)
	}
	if r.Order, err = c.Number("商户订单号", false); err != nil {
		return r, err
	}
	if r.Reference, err = c.Number("支付宝交易号", true); err != nil {
		return r, err
	}
	if r.Amount, err = c.FirstYuan("订单金额（元）"); err != nil {
		return r, err
	}
	if negative := strings.HasPrefix(c.Text("订单金额（元）"), "-"); negative != (r.Kind == bill.Gave) {
		return r, &bill.ColumnError{Column: "订单金额（元）", Why: "has the wrong sign for " + r.Status}
	}
	if r.At, err = c.Moment("完成时间"); err != nil {
		return r, err
	}
	if r.Kind == bill.Gave {
		r.Refund, err = c.Number("退款批次号/请求号", true)
	}
	return r, err
}
