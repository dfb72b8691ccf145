package walletsim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posd/hwtest/walletsim"
)

func TestAlipayCodeIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	code := w.online(p)
	f := w.alipayPay("A1", "19.99", code)
	w.want(f, "code", "10000")
	w.want(f, "total_amount", "19.99")
	w.want(w.alipayPay("A2", "19.99", code), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	w.want(w.alipayPay("A1", "19.99", code), "sub_code", "ACQ.TRADE_HAS_SUCCESS")
	w.want(w.alipayPay("A1", "20.00", code), "sub_code", "ACQ.CONTEXT_INCONSISTENT")
	if w.g.Net("A1") != 1999 || p.Balance() != 3001 {
		t.Errorf("net %d, balance %d", w.g.Net("A1"), p.Balance())
	}
}

func TestOnlineCodeDiesAfterSixtySeconds(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	code := w.online(p)
	w.now = w.now.Add(59 * time.Second)
	if w.online(p) != code {
		t.Error("another code before 60 s")
	}
	w.g.SetClock(time.Second)
	w.want(w.alipayPay("A1", "1.00", code), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	if w.online(p) == code {
		t.Error("the dead code is shown again")
	}
}

func TestRefreshKillsTheOldCode(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	old := w.online(p)
	fresh := must(t)(p.Refresh())
	w.want(w.alipayPay("A1", "1.00", old), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	w.want(w.alipayPay("A2", "1.00", fresh), "code", "10000")
}

func TestOfflineCodeLivesThreeStepsAndIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	code := must(t)(p.Offline())
	w.g.SetClock(30 * time.Second)
	w.want(w.alipayPay("A1", "1.00", code), "code", "10000")
	w.want(w.alipayPay("A2", "1.00", code), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	late := must(t)(p.Offline())
	w.g.SetClock(90 * time.Second)
	w.want(w.alipayPay("A3", "1.00", late), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
}

func TestANewLoginDestroysTheSeed(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	old := must(t)(p.Offline())
	if err := p.Login(); err != nil {
		t.Fatal(err)
	}
	w.want(w.alipayPay("A1", "1.00", old), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	w.want(w.alipayPay("A2", "1.00", must(t)(p.Offline())), "code", "10000")
}

func TestFiveWrongTagsSuspendOfflineButNotOnlineCodes(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	stale := must(t)(p.Offline())
	w.g.SetClock(5 * time.Minute)
	for i := range 5 {
		w.want(w.alipayPay("A"+string(rune('0'+i)), "1.00", stale), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	}
	w.want(w.alipayPay("B1", "1.00", must(t)(p.Offline())), "sub_code", "ACQ.PAYMENT_AUTH_CODE_INVALID")
	w.want(w.alipayPay("B2", "1.00", w.online(p)), "code", "10000")
}

func TestAlipayCancelAndItsWindow(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	cancel := func(no string) map[string]string {
		return w.alipay("alipay.trade.cancel", map[string]string{"out_trade_no": no})
	}
	w.alipayPay("A1", "10.00", w.online(p))
	w.want(cancel("A1"), "action", "refund")
	w.want(cancel("A1"), "action", "refund")
	w.want(w.alipay("alipay.trade.query", map[string]string{"out_trade_no": "A1"}), "trade_status", "TRADE_CLOSED")
	w.want(cancel("NEVER"), "retry_flag", "N")
	w.want(w.alipayPay("NEVER", "1.00", w.online(p)), "sub_code", "ACQ.TRADE_HAS_CLOSE")
	w.alipayPay("A2", "10.00", w.online(p))
	w.g.SetClock(24 * time.Hour)
	w.want(cancel("A2"), "sub_code", "ACQ.TRADE_CANCEL_TIME_OUT")
	if w.g.Net("A1") != 0 || w.g.Net("A2") != 1000 || p.Balance() != 4000 {
		t.Errorf("net %d %d, balance %d", w.g.Net("A1"), w.g.Net("A2"), p.Balance())
	}
}

func TestAlipayRefundIsDoneOncePerNumberAndNeverExceeds(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	w.alipayPay("A1", "10.00", w.online(p))
	refund := func(no, amount string) map[string]string {
		return w.alipay("alipay.trade.refund", map[string]string{
			"out_trade_no": "A1", "out_request_no": no, "refund_amount": amount,
		})
	}
	w.want(refund("R1", "4.00"), "fund_change", "Y")
	w.want(refund("R1", "4.00"), "fund_change", "N")
	w.want(refund("R1", "5.00"), "sub_code", "ACQ.DISCORDANT_REPEAT_REQUEST")
	w.want(refund("R2", "6.01"), "sub_code", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
	w.want(refund("R2", "6.00"), "fund_change", "Y")
	if w.g.Net("A1") != 0 || p.Balance() != 5000 {
		t.Errorf("net %d, balance %d", w.g.Net("A1"), p.Balance())
	}
	w.want(w.alipay("alipay.trade.query", map[string]string{"out_trade_no": "A1"}), "trade_status", "TRADE_CLOSED")
}

func TestAlipayRefusesWhatIsNotSignedByTheMerchant(t *testing.T) {
	w := newWorld(t)
	for key, value := range map[string]string{
		"sign": "AAAA", "app_id": "other", "sign_type": "RSA", "biz_content": "{}", "method": "alipay.trade.query",
	} {
		p := w.params("alipay.trade.pay", map[string]string{"out_trade_no": "A1"})
		p[key] = value
		nodes := w.post(p)
		if _, signed := nodes["sign"]; signed || nodes["error_response"] == nil {
			t.Errorf("%s changed: %s", key, nodes)
		}
	}
	if len(w.g.Ledger()) != 0 {
		t.Error("something was booked")
	}
}

func TestWeChatPaymentReverseAndRefund(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	pay := func(no, fee, code string) map[string]string {
		return w.wechat("/pay/micropay", map[string]string{"out_trade_no": no, "total_fee": fee, "auth_code": code})
	}
	state := func(no string) string {
		return w.wechat("/pay/orderquery", map[string]string{"out_trade_no": no})["trade_state"]
	}
	code := w.online(p)
	w.want(pay("W1", "1000", code), "result_code", "SUCCESS")
	w.want(pay("W2", "1000", code), "err_code", "AUTH_CODE_INVALID")
	w.want(w.wechat("/secapi/pay/reverse", map[string]string{"out_trade_no": "W1"}), "recall", "Y")
	w.g.SetClock(15 * time.Second)
	w.want(w.wechat("/secapi/pay/reverse", map[string]string{"out_trade_no": "W1"}), "recall", "N")
	if got := state("W1"); got != "REVOKED" {
		t.Errorf("W1 is %s", got)
	}
	w.want(w.wechat("/pay/orderquery", map[string]string{"out_trade_no": "W9"}), "err_code", "ORDERNOTEXIST")
	w.want(pay("W3", "9000", w.online(p)), "err_code", "NOTENOUGH")
	if got := state("W3"); got != "PAYERROR" {
		t.Errorf("W3 is %s", got)
	}
	w.want(pay("W4", "1000", w.online(p)), "result_code", "SUCCESS")
	refund := map[string]string{"out_trade_no": "W4", "out_refund_no": "R1", "total_fee": "1000", "refund_fee": "1000"}
	w.want(w.wechat("/secapi/pay/refund", refund), "result_code", "SUCCESS")
	w.want(w.wechat("/secapi/pay/refund", refund), "result_code", "SUCCESS")
	if got := state("W4"); got != "REFUND" || p.Balance() != 5000 {
		t.Errorf("W4 is %s, balance %d", got, p.Balance())
	}
}

func TestAPasswordIsWaitedForAndGivenUp(t *testing.T) {
	w := newWorld(t)
	p, err := w.g.NewPhone(walletsim.PhoneOptions{Balance: 9000, AskAbove: 1000})
	if err != nil {
		t.Fatal(err)
	}
	query := func(no string) map[string]string {
		return w.alipay("alipay.trade.query", map[string]string{"out_trade_no": no})
	}
	w.want(w.alipayPay("A1", "20.00", w.online(p)), "code", "10003")
	w.want(query("A1"), "trade_status", "WAIT_BUYER_PAY")
	p.Confirm()
	w.want(query("A1"), "trade_status", "TRADE_SUCCESS")
	w.want(w.alipayPay("A2", "20.00", w.online(p)), "code", "10003")
	w.g.SetClock(3 * time.Minute)
	w.want(query("A2"), "trade_status", "TRADE_CLOSED")
}

func TestLedgerOutlivesTheGatewayAndHoldsNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wallet.jsonl")
	file := func(o *walletsim.Options) { o.Ledger = path }
	w := newWorld(t, file)
	code := w.online(w.phone(5000))
	w.alipayPay("A1", "10.00", code)
	w.alipayPay("A2", "1.00", w.online(w.phone(5000)))
	if err := w.g.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), code) || strings.Contains(string(text), "2088") {
		t.Errorf("the ledger holds a code or an account: %s", text)
	}
	if err := os.WriteFile(path, append(text, `{"seq":3,"ki`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, file)
	again.want(again.alipay("alipay.trade.query", map[string]string{"out_trade_no": "A1"}), "trade_status", "TRADE_SUCCESS")
	again.want(again.alipay("alipay.trade.cancel", map[string]string{"out_trade_no": "A1"}), "action", "refund")
	entries, err := walletsim.ReadLedger(path)
	if err != nil || len(entries) != 3 || walletsim.Net(entries, "A1") != 0 || walletsim.Net(entries, "A2") != 100 {
		t.Errorf("entries %v, %v", entries, err)
	}
}

func TestTheSameSeedGivesTheSameCodes(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	if x, y := a.online(a.phone(1)), b.online(b.phone(1)); x != y || !strings.HasPrefix(x, "90") || len(x) != 18 {
		t.Errorf("codes %q and %q", x, y)
	}
}

func TestRuleFilesAreStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown fault":  `[{"fault":"meteor"}]`,
		"unknown member": `[{"fault":"silence","often":true}]`,
		"no array":       `{"fault":"silence"}`,
		"bad duration":   `[{"fault":"delay","delay":"soon"}]`,
		"two":            `[] []`,
		"bad header":     `[{"fault":"silence","header":"X-Test"}]`,
		"bad chance":     `[{"fault":"silence","chance":1001}]`,
	} {
		if _, err := walletsim.ParseRules([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	rules, err := walletsim.ParseRules([]byte(`[{"call":"pay","nth":2,"fault":"delay","delay":"1.5s","commit":true}]`))
	if err != nil || len(rules) != 1 || time.Duration(rules[0].Delay) != 1500*time.Millisecond {
		t.Errorf("rules %v, %v", rules, err)
	}
	if text, err := json.Marshal(rules[0].Delay); err != nil || string(text) != `"1.5s"` {
		t.Errorf("delay = %s, %v", text, err)
	}
}

// TestChanceIsSeeded: the same seed loses the same calls, another one others.
func TestChanceIsSeeded(t *testing.T) {
	play := func(seed uint64) (lost string) {
		w := newWorld(t, func(o *walletsim.Options) { o.Seed = seed })
		if err := w.g.SetRules(walletsim.Rule{Call: walletsim.CallQuery, Chance: 300, Fault: walletsim.Unavailable}); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			lost += w.alipay("alipay.trade.query", map[string]string{"out_trade_no": "A1"})["code"][:1]
		}
		return lost
	}
	first := play(1)
	if play(1) != first || play(2) == first {
		t.Error("a seed does not say which calls go wrong")
	}
	if n := strings.Count(first, "2"); n < 30 || n > 90 {
		t.Errorf("%d of 200 calls went wrong, by a chance of 300 in a thousand", n)
	}
}

func TestRulesCountTheCallsThatFit(t *testing.T) {
	w := newWorld(t)
	p := w.phone(5000)
	err := w.g.SetRules(walletsim.Rule{Call: walletsim.CallPay, Amount: 100, Nth: 2, Times: 1, Fault: walletsim.Unavailable})
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.alipayPay("A0", "2.00", w.online(p)), "code", "10000")
	w.want(w.alipayPay("A1", "1.00", w.online(p)), "code", "10000")
	w.want(w.alipayPay("A2", "1.00", w.online(p)), "code", "20000")
	w.want(w.alipayPay("A3", "1.00", w.online(p)), "code", "10000")
}
