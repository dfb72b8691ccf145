package bill

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// alipay is the bill of trades (alipay.data.dataservice.bill.downloadurl.query, bill_type trade): the file that is called
// 业务明细, GBK in a ZIP. Lines that begin with # stand before and behind the rows; the last of them count these.
// Source: opendocs.alipay.com, open/204/106262.
var alipay = format{
	columns: []string{"支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额（元）", "退款批次号/请求号"},
	lines:   alipayLines, cells: commaCells, row: alipayRow,
}

var (
	alipaySpan  = regexp.MustCompile(`起始日期：\[(.+?)\]\s*终止日期：\[(.+?)\]`)
	alipayCount = regexp.MustCompile(`^#(交易|退款)合计：([0-9]{1,9})笔`)
	alipayKinds = map[string]Kind{"交易": Took, "退款": Gave}
)

const alipayTime = "2006年01月02日 15:04:05"

func alipayLines(text []string) (p parts, err error) {
	p.counts = map[Kind]int{}
	ended := false
	for i, line := range text {
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "#"):
			ended = ended || p.head != "" && strings.Contains(line, "列表结束")
			p.readNote(line)
		case ended:
			return p, &Error{Line: i + 1, Why: "something follows the end of the rows"}
		case p.head == "":
			p.head, p.first = line, i+2
		case i+1 != p.first+len(p.rows):
			return p, &Error{Line: i + 1, Why: "a line among the rows is none"}
		default:
			p.rows = append(p.rows, line)
		}
	}
	switch {
	case p.head == "":
		return p, &Error{Why: "has no line with the names of columns: is it Alipay's 业务明细?"}
	case !ended:
		return p, &Error{Why: "is cut off: the line 业务明细列表结束 is missing; get it again"}
	}
	return p, nil
}

// readNote takes from a line around the rows what it says: the time that the bill is of, and how many rows it has.
func (p *parts) readNote(line string) {
	if m := alipaySpan.FindStringSubmatch(line); m != nil {
		from, err1 := time.ParseInLocation(alipayTime, m[1], Beijing)
		until, err2 := time.ParseInLocation(alipayTime, m[2], Beijing)
		if err1 == nil && err2 == nil && from.Before(until) {
			p.from, p.until = from, until
		}
	}
	if m := alipayCount.FindStringSubmatch(line); m != nil {
		if n, err := strconv.Atoi(m[2]); err == nil {
			p.counts[alipayKinds[m[1]]] = n
		}
	}
}

func alipayRow(c cells) (r Row, err error) {
	var known bool
	r.Status, r.Currency = c.text("业务类型"), "CNY"
	if r.Kind, known = alipayKinds[r.Status]; !known {
		return r, unknownWord("业务类型", r.Status)
	}
	if r.Order, err = c.number("商户订单号", false); err != nil {
		return r, err
	}
	if r.Reference, err = c.number("支付宝交易号", true); err != nil {
		return r, err
	}
	if r.Amount, err = c.firstYuan("订单金额（元）"); err != nil {
		return r, err
	}
	if negative := strings.HasPrefix(c.text("订单金额（元）"), "-"); negative != (r.Kind == Gave) {
		return r, &columnError{"订单金额（元）", "has the wrong sign for " + r.Status}
	}
	if r.At, err = c.moment("完成时间"); err != nil {
		return r, err
	}
	if r.Kind == Gave {
		r.Refund, err = c.number("退款批次号/请求号", true)
	}
	return r, err
}
