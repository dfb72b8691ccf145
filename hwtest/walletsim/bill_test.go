package walletsim_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

// get gets an address that the gateway has told.
func (w *world) get(address string) *httptest.ResponseRecorder {
	w.t.Helper()
	req := httptest.NewRequest(http.MethodGet, address, nil)
	rec := httptest.NewRecorder()
	w.g.Handler().ServeHTTP(rec, req)
	return rec
}

func (w *world) alipayBill(day string) map[string]string {
	w.t.Helper()
	return w.alipay("alipay.data.dataservice.bill.downloadurl.query", map[string]string{"bill_type": "trade", "bill_date": day})
}

func TestAlipaysBillIsToldByAnAddressThatIsGoodForAWhile(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	w.alipayPay("A1", "19.99", w.online(p))
	w.want(w.alipayBill("2026-03-01"), "sub_code", "isp.bill_not_exist") // the day is not over
	w.now = w.now.Add(24 * time.Hour)
	w.want(w.alipayBill("2026-03-02"), "sub_code", "isp.bill_not_exist") // nothing was moved in it
	told := w.alipayBill("2026-03-01")
	w.want(told, "code", "10000")
	got := w.get(told["bill_download_url"])
	z, err := zip.NewReader(bytes.NewReader(got.Body.Bytes()), int64(got.Body.Len()))
	if err != nil || len(z.File) != 2 {
		t.Fatalf("status %d, %v, %d files", got.Code, err, len(z.File))
	}
	r, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(simplifiedchinese.GBK.NewDecoder().Reader(r))
	if err != nil || !strings.Contains(string(text), ",A1\t,交易,") || !strings.Contains(string(text), "交易合计：1笔") {
		t.Errorf("%v in:\n%s", err, text)
	}
	w.now = w.now.Add(31 * time.Second)
	if late := w.get(told["bill_download_url"]); late.Code != http.StatusForbidden {
		t.Errorf("after 31 s: status %d", late.Code)
	}
}

func TestABillLeavesOutOrChangesWhatItIsToldTo(t *testing.T) {
	w := newWorld(t)
	p := w.phone(50000)
	for _, order := range []string{"A1", "A2", "A3"} {
		w.alipayPay(order, "19.99", w.online(p))
		_ = must(t)(p.Refresh())
	}
	text, err := w.g.Bill(walletsim.Bill{Wallet: walletsim.AlipayName, Missing: []string{"A1"}, Amounts: map[string]int64{"A2": 100}})
	rows := strings.Count(string(text), "159****5620")
	if err != nil || rows != 2 || strings.Contains(string(text), "A1\t") || !strings.Contains(string(text), ",1.00,1.00,") {
		t.Errorf("%d rows, %v:\n%s", rows, err, text)
	}
	if _, err := w.g.Bill(walletsim.Bill{Wallet: "cash"}); err == nil {
		t.Error("cash has a bill")
	}
}

func TestABillHasRowsOfForeignOrdersWhereItIsToldTo(t *testing.T) {
	w := newWorld(t, func(o *walletsim.Options) { o.Token = "t0ken" })
	w.alipayPay("A1", "19.99", w.online(w.phone(5000)))
	for name, c := range map[string]struct {
		query  string
		status int
		rows   int
	}{
		"none":            {"?wallet=alipay", http.StatusOK, 1},
		"two":             {"?wallet=alipay&day=2026-03-01&extra=FOREIGN1:700&extra=FOREIGN2:800", http.StatusOK, 3},
		"no amount":       {"?wallet=alipay&extra=FOREIGN1", http.StatusBadRequest, 0},
		"no order number": {"?wallet=alipay&extra=:100", http.StatusBadRequest, 0},
	} {
		req := httptest.NewRequest(http.MethodGet, "/control/bill"+c.query, nil)
		req.Header.Set("Authorization", "Bearer t0ken")
		rec := httptest.NewRecorder()
		w.g.Handler().ServeHTTP(rec, req)
		rows := strings.Count(rec.Body.String(), "159****5620")
		if rec.Code != c.status || rows != c.rows || c.rows == 3 && !strings.Contains(rec.Body.String(), "FOREIGN1\t,交易,当面付,2026-03-01 12:00:00") {
			t.Errorf("%s: status %d, %d rows, want %d and %d:\n%s", name, rec.Code, rows, c.status, c.rows, rec.Body)
		}
	}
	if net := w.g.Net("FOREIGN1"); net != 0 {
		t.Errorf("the ledger has %d of a foreign order", net)
	}
}

func TestWeChatsBillHasPaymentsRefundsAndReversals(t *testing.T) {
	w := newWorld(t)
	p := w.phone(50000)
	pay := func(order string) {
		w.wechat("/pay/micropay", map[string]string{"body": "goods", "out_trade_no": order, "total_fee": "1999", "spbill_create_ip": "127.0.0.1", "auth_code": w.online(p)})
		_ = must(t)(p.Refresh())
	}
	pay("W1")
	pay("W2")
	w.wechat("/secapi/pay/refund", map[string]string{"out_trade_no": "W1", "out_refund_no": "R1", "total_fee": "1999", "refund_fee": "500"})
	w.now = w.now.Add(time.Minute)
	w.wechat("/secapi/pay/reverse", map[string]string{"out_trade_no": "W2"})
	w.now = w.now.Add(24 * time.Hour)
	fields := map[string]string{
		"appid": "wx0000000000000001", "mch_id": "1900000001", "nonce_str": "n", "bill_date": "20260301", "bill_type": "ALL",
	}
	fields["sign"] = sign.MD5(fields, strings.Repeat("k", 32))
	lines := strings.Split(strings.TrimSpace(string(w.send("/pay/downloadbill", "text/xml", sign.EncodeXML(fields)))), "\r\n")
	if len(lines) != 7 || !strings.HasPrefix(lines[6], "`4,`39.98,`24.99,") {
		t.Fatalf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, want := range []string{"`W1,`|`SUCCESS,`", "`W2,`|`SUCCESS,`", "`W1,`|`REFUND,`|`R1,`5.00,", "`W2,`|`REVOKED,`|`19.99,`"} {
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(lines[i+1], part) {
				t.Errorf("line %d lacks %q: %s", i+2, part, lines[i+1])
			}
		}
	}
}
