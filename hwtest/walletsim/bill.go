package walletsim

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Bill says which bill a merchant gets of the ledger, and what is wrong in it.
type Bill struct {
	Wallet      string    // AlipayName or WeChatName
	From, Until time.Time // entries from this time on, and before that one; zero takes all

	Missing []string         // faults: orders of which the bill says nothing
	Amounts map[string]int64 // payments of which it says another amount, in minor units
	Doubled []string         // and orders whose rows it has twice
	Extra   map[string]int64 // payments that it has of orders that the gateway never saw, in minor units
}

// SetBill makes every bill wrong in these ways, those that a merchant gets by the gateway's calls, too. Wallet and time of b do
// not count.
func (g *Gateway) SetBill(b Bill) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.odd = b
}

// Bill writes the bill as the gateway's own web page gives it: Alipay's is text in UTF-8, of which the wire has a ZIP in GBK.
func (g *Gateway) Bill(b Bill) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch b.Wallet {
	case AlipayName:
		return g.alipayBill(b), nil
	case WeChatName:
		return g.wechatBill(b), nil
	}
	return nil, errors.New("wallet is alipay or wechat")
}

// entries are those of the bill, with its faults; mu is held.
func (g *Gateway) entries(b Bill) (list []Entry) {
	for _, e := range g.ledger {
		early := !b.From.IsZero() && e.Time.Before(b.From)
		late := !b.Until.IsZero() && !e.Time.Before(b.Until)
		if early || late || e.Wallet != b.Wallet || e.Kind == Closed || b.lacks(e.Order) || g.odd.lacks(e.Order) {
			continue
		}
		for _, odd := range []Bill{b, g.odd} {
			if other, ok := odd.Amounts[e.Order]; ok && e.Kind == Capture {
				e.Amount = other
			}
			if slices.Contains(odd.Doubled, e.Order) {
				list = append(list, e)
			}
		}
		list = append(list, e)
	}
	return append(append(list, g.extra(b, b.Extra)...), g.extra(b, g.odd.Extra)...)
}

// extra are rows of orders that are somebody else's, in the middle of the bill's day; mu is held.
func (g *Gateway) extra(b Bill, orders map[string]int64) (list []Entry) {
	from, until := b.span(g.now())
	for i, order := range slices.Sorted(maps.Keys(orders)) {
		list = append(list, Entry{
			Kind: Capture, Wallet: b.Wallet, Order: order, Trade: fmt.Sprintf("9900%08d", i+1), Amount: orders[order],
			Time: from.Add(until.Sub(from) / 2), Account: "****",
		})
	}
	return list
}

func (b Bill) lacks(order string) bool { return slices.Contains(b.Missing, order) }

// span is the time that the bill says it is of.
func (b Bill) span(now time.Time) (from, until time.Time) {
	from, until = b.From, b.Until
	if from.IsZero() {
		from = now.AddDate(0, -1, 0)
	}
	if until.IsZero() {
		until = now.AddDate(0, 0, 1)
	}
	return from.In(beijing), until.In(beijing)
}

const alipayBillHead = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）," +
	"支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\n"

// alipayBill is the 业务明细 of Alipay's bill_type trade; mu is held.
func (g *Gateway) alipayBill(b Bill) []byte {
	const stamp = "2006年01月02日 15:04:05"
	from, until := b.span(g.now())
	var out bytes.Buffer
	fmt.Fprintf(&out, "#支付宝业务明细查询\n#账号：[%s0156]\n#起始日期：[%s]   终止日期：[%s]\n", g.o.Alipay.SellerID, from.Format(stamp), until.Format(stamp))
	rule := strings.Repeat("-", 41)
	fmt.Fprintf(&out, "#%s业务明细列表%s\n%s", rule, rule, alipayBillHead)
	counts := map[EntryKind]int{}
	for _, e := range g.entries(b) {
		counts[e.Kind]++
		kind, amount, refund := "交易", yuan(e.Amount), ""
		if e.Kind == Return {
			kind, amount, refund = "退款", "-"+yuan(e.Amount), e.Refund
			if refund == "" {
				refund = e.Order
			}
		}
		at := e.Time.In(beijing).Format(time.DateTime)
		fmt.Fprintf(&out, "%s\t,%s\t,%s,当面付,%s,%s,,,,,159****5620,%s,%s,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,%s\t,0.00,0.00,\n",
			e.Trade, e.Order, kind, at, at, amount, amount, refund)
	}
	fmt.Fprintf(&out, "#%s业务明细列表结束%s\n", rule, rule)
	fmt.Fprintf(&out, "#交易合计：%d笔，商家实收共0.00元，商家优惠共0.00元\n#退款合计：%d笔，商家实收退款共0.00元，商家优惠退款共0.00元\n", counts[Capture], counts[Return])
	fmt.Fprintf(&out, "#导出时间：[%s]\n", g.now().In(beijing).Format(stamp))
	return out.Bytes()
}

const (
	wechatBillHead = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
		"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
	wechatBillSums = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
)

// wechatBill is WeChat Pay's trade bill of type ALL; mu is held.
func (g *Gateway) wechatBill(b Bill) []byte {
	var out bytes.Buffer
	out.WriteString(wechatBillHead)
	n, took, gave := 0, int64(0), int64(0)
	for _, e := range g.entries(b) {
		n++
		state, amount, back, refund, status, way := "SUCCESS", yuan(e.Amount), "0.00", "0", "", ""
		switch {
		case e.Kind == Capture:
			took += e.Amount
		case e.Refund != "":
			state, refund = "REFUND", e.Refund
		default:
			state = "REVOKED"
		}
		id := "0"
		if e.Kind == Return {
			gave += e.Amount
			amount, back, status, way, id = "0.00", yuan(e.Amount), "SUCCESS", "ORIGINAL", fmt.Sprintf("5030%08d", e.Seq)
		}
		fmt.Fprintf(&out, "`%s,`%s,`%s,`0,`,`%s,`%s,`o%s,`MICROPAY,`%s,`OTHERS,`CNY,`%s,`0.00,`%s,`%s,`%s,`0.00,`%s,`%s,`面包, 牛奶,`,`0.00000,`0.60%%,`%s,`%s,`\r\n",
			e.Time.In(beijing).Format(time.DateTime), g.o.WeChat.AppID, g.o.WeChat.MchID, e.Trade, e.Order, e.Account, state, amount, id, refund, back,
			way, status, amount, back)
	}
	out.WriteString(wechatBillSums)
	fmt.Fprintf(&out, "`%d,`%s,`%s,`0.00,`0.00000,`%s,`%s\r\n", n, yuan(took), yuan(gave), yuan(took), yuan(gave))
	return out.Bytes()
}

// packed is Alipay's bill as its address gives it: a ZIP with two files whose names and contents are GBK.
func packed(text []byte, day string) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	files := []struct {
		name    string
		content []byte
	}{
		{"20881_" + day + "_业务明细.csv", text},
		{"20881_" + day + "_业务明细(汇总).csv", []byte("#支付宝业务汇总查询\n")},
	}
	gbk := simplifiedchinese.GBK.NewEncoder()
	for _, f := range files {
		name, err := gbk.String(f.name)
		if err != nil {
			return nil, err
		}
		content, err := gbk.Bytes(f.content)
		if err != nil {
			return nil, err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, NonUTF8: true, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// dayOf makes the bill of a day, written as the gateway's calls have it.
func dayOf(wallet, layout, day string) (Bill, bool) {
	from, err := time.ParseInLocation(layout, day, beijing)
	return Bill{Wallet: wallet, From: from, Until: from.AddDate(0, 0, 1)}, err == nil
}
