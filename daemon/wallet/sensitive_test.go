package wallet_test

import (
	"testing"

	"posd/daemon/wallet"
)

// visible are texts that a till may see.
var visible = map[string]string{
	"an EAN": "6901234567892", "an EAN in pieces": " 690 1234 567892\r\n", "a shop's own EAN": "2512345012342", "an EAN that begins as codes do": "1212345678906",
	"a case": "00012345600012", "a pallet": "003456789012345678", "GS1": "]C10106901234567892\x1d2112345678\x1d1725123110ABC",
	"a letter card": "LOYAL-1234", "a member's card": "8612345678901234567", "a member's number that begins as codes do": "281234567890", "a short card": "6212345678901234",
	"nothing": "", "a line's end": "\r\n", "an address": "https://example.com/x?id=1234567890123", "another": "https://example.com/90/6901234567892",
	"a telephone": "+86 138 0013 8000", "an invoice": "01,10,031001600311,12345678,100.00,20261129,12345678901234567890,ABCD,",
	"a coupon": "ＡＢＣ１２３", "Chinese": "面包, 牛奶",
}

// hidden are texts that may hold a wallet code.
var hidden = map[string]string{
	"WeChat Pay": "120061098828009406", "Alipay": "281675652589992104\r", "UnionPay": "6212345678901234567", "a digit lost": "12006109882800940",
	"a digit too many": "1200610988280094061", "a face-pay token": "fp12345678901234567890", "EMVCo": "hQVDUFYwMWETTwegAAAA",
	"behind a blank": " 120061098828009406", "behind STX": "\x02120061098828009406\x03", "behind a mark": "\ufeff120061098828009406",
	"full-width": "１２００６１０９８８２８００９４０６", "full-width in GBK": "\xa3\xb1\xa3\xb2\xa3\xb0\xa3\xb0\xa3\xb6\xa3\xb1\xa3\xb0\xa3\xb9\xa3\xb8\xa3\xb8\xa3\xb2\xa3\xb8\xa3\xb0\xa3\xb0\xa3\xb9\xa3\xb4\xa3\xb0\xa3\xb6",
	"in pieces": "2816 7565 2589 9921 04", "in full-width pieces": "２８１６　７５６５　２５８９　９９２１　０４", "over two lines": "120061098\r\n828009406",
	"two, one behind the other": "120061098828009406281675652589992104", "two of Alipay": "281675652589992104281675652589992104",
	"in an address": "https://example.com/pay?code=281675652589992104", "in an address, and more": "https://example.com/281675652589992104/x",
	"behind an EAN": "6901234567892 120061098828009406", "behind a number": "99\t120061098828009406",
	"with its symbology": "]C0120061098828009406", "a face-pay token in pieces": "fp 1234 5678 9012", "EMVCo over two lines": "hQVD\r\nUFYwMWETTwegAAAA",
}

func TestGoodsAreNoWalletCodesAndTillsSeeThem(t *testing.T) {
	for name, text := range visible {
		if _, ok := router(t).Route([]byte(text)); ok {
			t.Errorf("%s, %q, is routed", name, text)
		}
		if router(t).Sensitive([]byte(text)) {
			t.Errorf("%s, %q, is hidden from the till", name, text)
		}
	}
}

func TestWhatMayHoldAWalletCodeIsSensitive(t *testing.T) {
	for name, text := range hidden {
		if !router(t).Sensitive([]byte(text)) {
			t.Errorf("%s, %q, is shown to anybody", name, text)
		}
	}
}

func TestCodesThatAShopDoesNotTakeAreHiddenToo(t *testing.T) {
	r, err := wallet.NewRouter([]wallet.Route{{Wallet: "alipay", Prefixes: []string{"90"}, Min: 18, Max: 18}})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sensitive([]byte("901726480360602098")) {
		t.Error("the shop's own codes are shown to anybody")
	}
	for _, text := range []string{"120061098828009406", "281675652589992104", "6212345678901234567"} {
		if _, ok := r.Route([]byte(text)); ok || !r.Sensitive([]byte(text)) {
			t.Errorf("%q is taken (%v), or shown to anybody", text, ok)
		}
	}
}
