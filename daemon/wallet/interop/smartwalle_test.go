package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/smartwalle/alipay/v3"

	"posd/daemon/wallet/sign"
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

// certificate is one that its key has signed itself.
func certificate(t *testing.T, key *rsa.PrivateKey, serial int64) string {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{Country: []string{"CN"}, Organization: []string{"Test"}, CommonName: "Test Root"},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// The names of certificates are what an independent client makes of the same files.
func TestSmartwalleAlipayPaysInCertificateMode(t *testing.T) {
	app, root, alipays := certificate(t, keys()[0], 2), certificate(t, keys()[1], 1), certificate(t, keys()[1], 3)
	name := func(text string) string {
		list, err := sign.ParseCertificates([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return sign.CertSN(list[0])
	}
	for _, known := range []string{alipays, certificate(t, keys()[0], 4)} { // answers name another than the latter: it is fetched
		g := openGatewayWith(t, walletsim.Alipay{
			AppCertSN: name(app), RootCertSN: name(root), GatewayCertSN: name(alipays), GatewayCert: alipays,
		})
		c, err := alipay.New(alipayApp, bare([]byte(privatePEM(t, keys()[0]))), true, alipay.WithProductionGateway(g.url+"/gateway.do"))
		if err == nil {
			err = errors.Join(c.LoadAppCertPublicKey(app), c.LoadAliPayRootCert(root), c.LoadAlipayCertPublicKey(known))
		}
		if err != nil {
			t.Fatal(err)
		}
		paid, err := c.TradePay(t.Context(), barcode(g, "S1", "19.99"))
		if err != nil || paid.Code != "10000" {
			t.Fatalf("pay: %+v, %v", paid, err)
		}
		g.holds("S1", 1999)
	}
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
