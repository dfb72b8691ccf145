package interop

import (
	"testing"

	"github.com/smartwalle/alipay/v3"

	"posd/hwtest/walletsim"
)

// smartwalle checks every answer's signature by itself, and fails the call when it does not hold.
func smartwalle(t *testing.T, g *gateway) *alipay.Client {
	t.Helper()
	c, err := alipay.New(alipayApp, bare([]byte(privatePEM(t, keys()[0]))), false, alipay.WithSandboxGateway(g.url+"/gateway.do"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.LoadAliPayPublicKey(bare(publicPEM(t, &keys()[1].PublicKey))); err != nil {
		t.Fatal(err)
	}
	return c
}

func barcode(g *gateway, order, yuan string) alipay.TradePay {
	return alipay.TradePay{
		Trade:    alipay.Trade{OutTradeNo: order, Subject: "Test Shop", TotalAmount: yuan},
		Scene:    "bar_code",
		AuthCode: g.code(),
	}
}

func TestSmartwalleAlipayPaysQueriesRefundsAndCancels(t *testing.T) {
	g := openGateway(t)
	c := smartwalle(t, g)
	paid, err := c.TradePay(t.Context(), barcode(g, "S1", "19.99"))
	if err != nil || paid.Code != "10000" || paid.TotalAmount != "19.99" || paid.TradeNo == "" {
		t.Fatalf("pay: %+v, %v", paid, err)
	}
	g.holds("S1", 1999)
	asked, err := c.TradeQuery(t.Context(), alipay.TradeQuery{OutTradeNo: "S1"})
	if err != nil || asked.TradeStatus != "TRADE_SUCCESS" || asked.TotalAmount != "19.99" {
		t.Errorf("query: %+v, %v", asked, err)
	}
	back, err := c.TradeRefund(t.Context(), alipay.TradeRefund{OutTradeNo: "S1", RefundAmount: "9.99", OutRequestNo: "R1"})
	if err != nil || back.FundChange != "Y" {
		t.Errorf("refund: %+v, %v", back, err)
	}
	g.holds("S1", 1000)
	again, err := c.TradeRefund(t.Context(), alipay.TradeRefund{OutTradeNo: "S1", RefundAmount: "9.99", OutRequestNo: "R1"})
	if err != nil || again.FundChange != "N" {
		t.Errorf("refund repeated: %+v, %v", again, err)
	}
	told, err := c.TradeFastPayRefundQuery(t.Context(), alipay.TradeFastPayRefundQuery{OutTradeNo: "S1", OutRequestNo: "R1"})
	if err != nil || told.RefundAmount != "9.99" {
		t.Errorf("refund query: %+v, %v", told, err)
	}
	undone, err := c.TradeCancel(t.Context(), alipay.TradeCancel{OutTradeNo: "S1"})
	if err != nil || undone.RetryFlag != "N" {
		t.Errorf("cancel: %+v, %v", undone, err)
	}
	g.holds("S1", 0)
}

func TestSmartwalleAlipayBelievesNoBadSignature(t *testing.T) {
	g := openGateway(t)
	if err := g.SetRules(walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.BadSignature}); err != nil {
		t.Fatal(err)
	}
	c := smartwalle(t, g)
	if _, err := c.TradePay(t.Context(), barcode(g, "S1", "1.00")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.TradeQuery(t.Context(), alipay.TradeQuery{OutTradeNo: "S1"}); err == nil {
		t.Errorf("believed %+v", got)
	}
}
