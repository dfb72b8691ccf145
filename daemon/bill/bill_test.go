package bill_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"posd/daemon/bill"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
)

const alipayHead = `#支付宝业务明细查询
#账号：[20881000000000010156]
#起始日期：[2026年11月28日 00:00:00]   终止日期：[2026年11月29日 00:00:00]
#-----------------------------------------业务明细列表----------------------------------------
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注
`

func alipayRow(order, kind, amount, refund string) string {
	return "2026112822001400000001\t," + order + "\t," + kind + ",测试商店,2026-11-28 10:00:00,2026-11-28 10:00:01,,,,,159****5620," + amount + "," + amount +
		",0.00,0.00,0.00,0.00,0.00,,0.00,0.00," + refund + "\t,0.00,0.00,\n"
}

func alipayBill(rows ...string) string {
	return alipayHead + strings.Join(rows, "") + `#-----------------------------------------业务明细列表结束------------------------------------
#导出时间：[2026年11月29日 09:00:00]
`
}

const wechatHead = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"

func wechatRow(order, state, amount, refund, back, status string) string {
	return "`2026-11-28 10:00:00,`wx0000000000000001,`1900000001,`0,`,`4200000000,`" + order + ",`o1,`MICROPAY,`" + state + ",`OTHERS,`CNY,`" + amount +
		",`0.00,`0,`" + refund + ",`" + back + ",`0.00,`,`" + status + ",`面包, 两个,`,`0.00000,`0.60%,`" + amount + ",`" + back + ",`\r\n"
}

func wechatBill(count string, rows ...string) string {
	return wechatHead + strings.Join(rows, "") + "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`" + count + ",`0.00,`0.00,`0.00,`0.00,`0.00,`0.00\r\n"
}

const batchHead = "# batch bill 1\nterminal,batch,trace,kind,state,amount,currency,reference,approval,time\n"

func read(t *testing.T, f bill.Format, text string) bill.Bill {
	t.Helper()
	b, err := bill.Read(f, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAlipaysBillIsReadAsItComesInAZIPAndInGBK(t *testing.T) {
	text := alipayBill(alipayRow("J1000000001", "交易", "19.99", ""), alipayRow("J1000000001", "退款", "-5.00", "J1000000002"))
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, content := range map[string]string{"2088_20261128_业务明细.csv": gbk, "2088_20261128_业务明细(汇总).csv": "#nothing"} {
		gbkName, err := simplifiedchinese.GBK.NewEncoder().String(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: gbkName, NonUTF8: true, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for how, file := range map[string]string{"UTF-8": text, "GBK": gbk, "ZIP": packed.String(), "with a mark": "\xef\xbb\xbf" + text} {
		b := read(t, alipay.Bill, file)
		day := time.Date(2026, 11, 28, 0, 0, 0, 0, bill.Beijing)
		if len(b.Rows) != 2 || len(b.Refused) != 0 || !b.From.Equal(day) || !b.Until.Equal(day.AddDate(0, 0, 1)) {
			t.Fatalf("%s: %+v", how, b)
		}
		paid, back := b.Rows[0], b.Rows[1]
		if paid.Kind != bill.Took || paid.Amount != 1999 || paid.Order != "J1000000001" || paid.Line != 6 || paid.Currency != "CNY" || paid.Refund != "" {
			t.Errorf("%s: payment is %+v", how, paid)
		}
		if back.Kind != bill.Gave || back.Amount != 500 || back.Refund != "J1000000002" || back.Line != 7 {
			t.Errorf("%s: refund is %+v", how, back)
		}
	}
}

func TestWeChatsBillIsReadWithItsRefundsAndReversals(t *testing.T) {
	text := wechatBill("4",
		wechatRow("A", "SUCCESS", "19.99", "0", "0.00", ""), wechatRow("A", "REFUND", "0.00", "R1", "5.00", "PROCESSING"),
		wechatRow("B", "SUCCESS", "1.00", "0", "0.00", ""), wechatRow("B", "REVOKED", "0.00", "0", "1.00", "SUCCESS"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for how, file := range map[string]string{"text": text, "GZIP": packed.String()} {
		b := read(t, wechat.Bill, file)
		var got []string
		for _, r := range b.Rows {
			got = append(got, strings.Join([]string{r.Order, string(r.Kind), r.Refund}, " "))
		}
		if want := "A took ,A gave R1,B took ,B revoked "; strings.Join(got, ",") != want || len(b.Refused) != 0 {
			t.Errorf("%s: rows %q, refused %+v", how, got, b.Refused)
		}
		if b.Rows[1].Amount != 500 || b.Rows[3].Amount != 100 {
			t.Errorf("%s: amounts %+v", how, b.Rows)
		}
	}
}

func TestABatchsBillIsRead(t *testing.T) {
	b := read(t, bill.Batch, batchHead+"10000001,000007,000012,sale,booked,1999,CNY,123456789012,654321,2026-11-28T12:00:00+08:00\n"+
		"10000001,000007,000013,sale,reversed,700,CNY,,,\n10000001,000007,000014,void,booked,1999,CNY,,,\n# end: 3 rows\n")
	if len(b.Rows) != 3 || b.Rows[0].Kind != bill.Took || b.Rows[1].Kind != bill.Revoked || b.Rows[2].Kind != bill.Gave || b.Rows[0].Trace != "000012" {
		t.Errorf("rows are %+v, refused %+v", b.Rows, b.Refused)
	}
}

func TestARowThatSaysSomethingUnknownIsRefusedWithItsLineAndColumn(t *testing.T) {
	for name, c := range map[string]struct {
		provider bill.Format
		text     string
		line     int
		column   string
	}{
		"alipay: word":       {alipay.Bill, alipayBill(alipayRow("A", "交易", "1.00", ""), alipayRow("B", "转账", "1.00", "")), 7, "业务类型"},
		"alipay: amount":     {alipay.Bill, alipayBill(alipayRow("A", "交易", "1.005", "")), 6, "订单金额（元）"},
		"alipay: sign":       {alipay.Bill, alipayBill(alipayRow("A", "退款", "1.00", "R")), 6, "订单金额（元）"},
		"alipay: no order":   {alipay.Bill, alipayBill(alipayRow("", "交易", "1.00", "")), 6, "商户订单号"},
		"alipay: columns":    {alipay.Bill, alipayBill("1,2,3\n"), 6, ""},
		"wechat: word":       {wechat.Bill, wechatBill("1", wechatRow("A", "PAID", "1.00", "0", "0.00", "")), 2, "交易状态"},
		"wechat: refund":     {wechat.Bill, wechatBill("1", wechatRow("A", "REFUND", "0.00", "R", "1.00", "FAIL")), 2, "退款状态"},
		"wechat: nothing":    {wechat.Bill, wechatBill("1", wechatRow("A", "SUCCESS", "0.00", "0", "0.00", "")), 2, "订单金额"},
		"acquirer: kind":     {bill.Batch, batchHead + "1,000001,000001,loan,booked,1,CNY,,,\n# end: 1 rows\n", 3, "kind"},
		"acquirer: state":    {bill.Batch, batchHead + "1,000001,000001,sale,pending,1,CNY,,,\n# end: 1 rows\n", 3, "state"},
		"acquirer: amount":   {bill.Batch, batchHead + "1,000001,000001,sale,booked,1.00,CNY,,,\n# end: 1 rows\n", 3, "amount"},
		"acquirer: no trace": {bill.Batch, batchHead + "1,000001,,sale,booked,1,CNY,,,\n# end: 1 rows\n", 3, "trace"},
	} {
		t.Run(name, func(t *testing.T) {
			b := read(t, c.provider, c.text)
			if len(b.Refused) != 1 || b.Refused[0].Line != c.line || b.Refused[0].Column != c.column || b.Refused[0].Why == "" {
				t.Errorf("refused %+v, want line %d, column %q", b.Refused, c.line, c.column)
			}
		})
	}
}

func TestWhatIsNoWholeBillIsRefusedWholly(t *testing.T) {
	whole := alipayBill(alipayRow("A", "交易", "1.00", ""))
	for name, c := range map[string]struct {
		provider bill.Format
		text     string
		why      string
	}{
		"alipay: cut off":       {alipay.Bill, whole[:len(whole)-200], "cut off"},
		"alipay: fewer rows":    {alipay.Bill, alipayBill(alipayRow("A", "交易", "1.00", "")) + "#交易合计：2笔，商家实收共1.00元\n", "not whole"},
		"alipay: a gap":         {alipay.Bill, alipayBill(alipayRow("A", "交易", "1.00", ""), "\n", alipayRow("B", "交易", "1.00", "")), "line 8"},
		"alipay: no columns":    {alipay.Bill, "#支付宝业务明细查询\n", "names of columns"},
		"alipay: WeChat's":      {alipay.Bill, wechatBill("0"), "cut off"},
		"wechat: cut off":       {wechat.Bill, strings.SplitAfter(wechatBill("1", wechatRow("A", "SUCCESS", "1.00", "0", "0.00", "")), "总交易")[0], "cut off"},
		"wechat: fewer rows":    {wechat.Bill, wechatBill("2", wechatRow("A", "SUCCESS", "1.00", "0", "0.00", "")), "not whole"},
		"wechat: an error":      {wechat.Bill, "<xml><return_code>FAIL</return_code></xml>", "no bill"},
		"wechat: Alipay's":      {wechat.Bill, whole, "cut off"},
		"wechat: other columns": {wechat.Bill, strings.Replace(wechatBill("0"), "交易状态", "状态", 1), "交易状态"},
		"acquirer: cut off":     {bill.Batch, batchHead + "1,000001,000001,sale,booked,1,CNY,,,\n", "cut off"},
		"acquirer: count":       {bill.Batch, batchHead + "# end: 1 rows\n", "not whole"},
		"acquirer: other":       {bill.Batch, "hello", "batch bill 1"},
		"a damaged ZIP":         {alipay.Bill, "PK\x03\x04....", "ZIP"},
		"a damaged GZIP":        {wechat.Bill, "\x1f\x8b....", "GZIP"},
		"too large":             {wechat.Bill, strings.Repeat(" ", bill.MaxFile+1), "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bill.Read(c.provider, []byte(c.text))
			var e *bill.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("got %v, want an *Error that says %q", err, c.why)
			}
		})
	}
}

func TestWhatAFileHoldsIsQuotedOnlyWhereItIsAWord(t *testing.T) {
	b := read(t, wechat.Bill, wechatBill("1", wechatRow("A", "6222020000000000", "1.00", "0", "0.00", "")))
	if len(b.Refused) != 1 || strings.Contains(b.Refused[0].Why, "6222") {
		t.Errorf("refused %+v", b.Refused)
	}
}
