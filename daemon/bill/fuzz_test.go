package bill_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"posd/daemon/bill"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
)

// rowsOf counts, in a way of its own, the rows of a bill's text that is whole.
func rowsOf(p bill.Provider, text string) int {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\xef\xbb\xbf"), "\r\n", "\n")
	end := map[bill.Provider]string{alipay.Name: "#", wechat.Name: "总交易单数", bill.Acquirer: "# end: "}[p]
	head, n := false, 0
	for i, line := range strings.Split(text, "\n") {
		skip := p == bill.Acquirer && i == 0 || p != bill.Acquirer && strings.TrimSpace(line) == "" && (p == alipay.Name || line == "")
		switch {
		case skip || !head && p == alipay.Name && strings.HasPrefix(line, "#"):
		case !head:
			head = true
		case strings.HasPrefix(strings.TrimLeft(line, " \t"), end) && (p != alipay.Name || strings.HasPrefix(line, "#")):
			return n
		default:
			n++
		}
	}
	return n
}

// shapes are bills as they come: of every provider, with every kind of row, in every packing.
func shapes(tb testing.TB) map[int][][]byte {
	tb.Helper()
	alipay := alipayBill(alipayRow("A", "交易", "1.00", ""), alipayRow("A", "退款", "-1.00", "R"), alipayRow("B", "转账", "1.00", ""))
	wechat := wechatBill("4", wechatRow("A", "SUCCESS", "1.00", "0", "0.00", ""), wechatRow("A", "REFUND", "0.00", "R", "0.50", "PROCESSING"),
		wechatRow("C", "REVOKED", "0.00", "0", "2.00", "SUCCESS"), wechatRow("D", "PAID", "1.00", "0", "0.00", ""))
	older := strings.NewReplacer("应结订单金额", "总金额", ",订单金额,申请退款金额,费率备注", ",费率备注").Replace(wechat)
	batch := batchHead + "1,000001,000001,sale,booked,1,CNY,,,\n1,000001,000002,refund,booked,1,CNY,123456789012,654321,2026-11-28T12:00:00+08:00\n" +
		"1,000001,000003,qr-sale,reversed,1,CNY,,,\n1,000001,000004,loan,booked,1,CNY,,,\n# end: 4 rows\n"
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(alipay)
	if err != nil {
		tb.Fatal(err)
	}
	return map[int][][]byte{
		0: {[]byte(alipay), []byte(gbk), inZIP(tb, "2088_业务明细.csv", gbk), []byte(strings.ReplaceAll(alipay, "\n", "\r\n")), []byte("\xef\xbb\xbf" + alipay)},
		1: {[]byte(wechat), []byte(older), inGZIP(tb, wechat), []byte("<xml><return_code>FAIL</return_code></xml>")},
		2: {[]byte(batch), inGZIP(tb, batch)},
	}
}

func inZIP(tb testing.TB, name, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func inGZIP(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write([]byte(text))
	if err = errors.Join(err, z.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// A file is a bill as a whole or not at all. Of a bill each row is read, with all that is needed to compare it, or refused with
// its line; none is left out, and none is there twice.
func FuzzEveryRowOfABillIsReadOrRefused(f *testing.F) {
	for which, files := range shapes(f) {
		for _, file := range files {
			f.Add(which, file)
		}
	}
	formats := []bill.Format{alipay.Bill, wechat.Bill, bill.Batch}
	f.Fuzz(func(t *testing.T, which int, file []byte) {
		f := formats[(which%3+3)%3]
		p := f.Provider
		b, err := bill.Read(f, file)
		if err != nil {
			var e *bill.Error
			if !errors.As(err, &e) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		lines := map[int]bool{}
		for _, r := range b.Rows {
			lines[r.Line] = true
			known := r.Kind == bill.Took || r.Kind == bill.Gave || r.Kind == bill.Revoked
			if r.Amount <= 0 || r.Order == "" && r.Trace == "" || !known || r.Currency == "" || r.Status == "" {
				t.Fatalf("a row without amount, number, kind, currency or the bill's own word: %+v", r)
			}
		}
		for _, r := range b.Refused {
			lines[r.Line] = true
		}
		if len(lines) != len(b.Rows)+len(b.Refused) {
			t.Fatalf("%d rows and %d refusals are of %d lines", len(b.Rows), len(b.Refused), len(lines))
		}
		packed := bytes.HasPrefix(file, []byte("PK")) || bytes.HasPrefix(file, []byte{0x1f, 0x8b})
		if want := rowsOf(p, string(file)); !packed && bytes.Equal(file, bytes.ToValidUTF8(file, nil)) && p != bill.Acquirer && len(lines) != want {
			t.Fatalf("%d rows are accounted for, and there are %d", len(lines), want)
		}
	})
}
