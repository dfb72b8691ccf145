package interop

import (
	"strings"
	"testing"

	"github.com/go-pay/gopay"
	"github.com/go-pay/gopay/wechat"
	wechatv3 "github.com/go-pay/gopay/wechat/v3"
)

// nonce is one that a client may send.
const nonce = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"

func TestGopayWeChatV2PaysQueriesAndReversesInBothSignatures(t *testing.T) {
	for _, kind := range []string{wechat.SignType_HMAC_SHA256, wechat.SignType_MD5} {
		t.Run(kind, func(t *testing.T) {
			g := openGateway(t)
			c := wechat.NewClient(appID, mchID, apiKey, true)
			c.BaseURL = g.url + "/"
			c.SetTLSHttpClient(c.GetHttpClient()) // the gateway here is on loopback and asks for no certificate
			verified := func(what string, answer any) {
				t.Helper()
				if ok, err := wechat.VerifySign(apiKey, kind, answer); err != nil || !ok {
					t.Errorf("%s: the signature of the answer does not hold: %v", what, err)
				}
			}
			paid, err := c.Micropay(t.Context(), gopay.BodyMap{
				"nonce_str": nonce, "sign_type": kind, "body": "Test Shop", "out_trade_no": "W1", "total_fee": "1999",
				"spbill_create_ip": "127.0.0.1", "auth_code": g.code(),
			})
			if err != nil || paid.ResultCode != "SUCCESS" || paid.TotalFee != "1999" {
				t.Fatalf("micropay: %+v, %v", paid, err)
			}
			verified("micropay", paid)
			g.holds("W1", 1999)
			asked, fields, err := c.QueryOrder(t.Context(), gopay.BodyMap{"nonce_str": nonce, "sign_type": kind, "out_trade_no": "W1"})
			if err != nil || asked.TradeState != "SUCCESS" {
				t.Fatalf("orderquery: %+v, %v", asked, err)
			}
			verified("orderquery", fields)
			_, fields, err = c.Refund(t.Context(), gopay.BodyMap{
				"nonce_str": nonce, "sign_type": kind, "out_trade_no": "W1", "out_refund_no": "R1", "total_fee": "1999", "refund_fee": "999",
			})
			if err != nil || fields.GetString("refund_fee") != "999" {
				t.Fatalf("refund: %+v, %v", fields, err)
			}
			verified("refund", fields)
			g.holds("W1", 1000)
			told, fields, err := c.QueryRefund(t.Context(), gopay.BodyMap{"nonce_str": nonce, "sign_type": kind, "out_trade_no": "W1"})
			if err != nil || told.RefundCount != "1" || told.RefundFee0 != "999" || told.RefundStatus0 != "SUCCESS" {
				t.Errorf("refundquery: %+v, %v", told, err)
			}
			verified("refundquery", fields)
			undone, err := c.Reverse(t.Context(), gopay.BodyMap{"nonce_str": nonce, "sign_type": kind, "out_trade_no": "W1"})
			if err != nil || undone.ResultCode != "SUCCESS" || undone.Recall != "N" {
				t.Errorf("reverse: %+v, %v", undone, err)
			}
			verified("reverse", undone)
			g.holds("W1", 0)
		})
	}
}

// gopay checks answers' signatures when it was given the platform's public key.
func TestGopayWeChatV3PaysQueriesRefundsAndReverses(t *testing.T) {
	g := openGateway(t)
	c, err := wechatv3.NewClientV3(mchID, serial, strings.Repeat("3", 32), privatePEM(t, keys()[0]))
	if err != nil {
		t.Fatal(err)
	}
	c.SetProxyHost(g.url)
	if err := c.AutoVerifySignByPublicKey(publicPEM(t, &keys()[1].PublicKey), keyID); err != nil {
		t.Fatal(err)
	}
	body := gopay.BodyMap{"appid": appID, "description": "Test Shop", "out_trade_no": "V1"}
	body.SetBodyMap("payer", func(b gopay.BodyMap) { b.Set("auth_code", g.code()) })
	body.SetBodyMap("amount", func(b gopay.BodyMap) { b.Set("total", 1999).Set("currency", "CNY") })
	body.SetBodyMap("scene_info", func(b gopay.BodyMap) {
		b.SetBodyMap("store_info", func(b gopay.BodyMap) { b.Set("id", "1") })
	})
	paid, err := c.V3TransactionCodePay(t.Context(), body)
	if err != nil || paid.Code != wechatv3.Success || paid.Response.TradeState != "SUCCESS" || paid.Response.Amount.Total != 1999 {
		t.Fatalf("codepay: %+v, %v", paid, err)
	}
	g.holds("V1", 1999)
	asked, err := c.V3TransactionQueryOrder(t.Context(), wechatv3.OutTradeNo, "V1")
	if err != nil || asked.Code != wechatv3.Success || asked.Response.TradeState != "SUCCESS" {
		t.Errorf("query: %+v, %v", asked, err)
	}
	refund := gopay.BodyMap{"out_trade_no": "V1", "out_refund_no": "R1"}
	refund.SetBodyMap("amount", func(b gopay.BodyMap) { b.Set("refund", 999).Set("total", 1999).Set("currency", "CNY") })
	back, err := c.V3Refund(t.Context(), refund)
	if err != nil || back.Code != wechatv3.Success || back.Response.Amount.Refund != 999 {
		t.Errorf("refund: %+v, %v", back, err)
	}
	g.holds("V1", 1000)
	undone, err := c.V3TransactionCodePayReverse(t.Context(), "V1", gopay.BodyMap{"appid": appID})
	if err != nil || undone.Code != wechatv3.Success || undone.Response.OutTradeNo != "V1" {
		t.Errorf("reverse: %+v, %v", undone, err)
	}
	g.holds("V1", 0)
	absent, err := c.V3TransactionQueryOrder(t.Context(), wechatv3.OutTradeNo, "V2")
	if err != nil || absent.Code != 404 || absent.ErrResponse.Code != "ORDER_NOT_EXIST" {
		t.Errorf("an order that never was: %+v, %v", absent, err)
	}
}
