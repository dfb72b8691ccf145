package wallet_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
	"posd/daemon/wallet/wechatv3"
)

var update = flag.Bool("update", false, "write ANSWERS.md anew")

// answersHead is what the page says before its tables.
const answersHead = `# What a gateway's answer means to posd 钱包网关应答的含义

This page is written from the tables that posd itself uses (` + "`go test ./daemon/wallet -update`" + `). An answer counts only when it is
signed; the first row that fits decides, and ` + "`*`" + ` stands for anything. **What no row lists is UNKNOWN**: it is asked for, and
reversed in the end.

| class | what posd does |
|---|---|
| PAID 已支付 | approved, if five checks hold: signature, our number, amount and currency, our merchant, plausible time; else UNKNOWN |
| PENDING 等待顾客 | queries until the deadline, then cancels |
| UNKNOWN 未知 | the same; never a new number, never "failed" |
| FAILED 失败 | declined: this attempt cannot have taken money |
| FAILED_NEW_CODE 换码 | declined; the customer shows a fresh code |
| CONFIG 设置错误 | declined; a technician looks at the settings |
| CLOSED 已关闭 | final, no money |
| REVERSED 已撤销 | final, the money went back; after a cancel a query confirms it: closed, reversed, or absent in two that are ` + "`wallet.confirm_gap`" + ` apart, the last of them ` + "`wallet.in_flight_max`" + ` after the payment was sent |
| RETRY_REVERSE 再撤销 | the cancel is called again |

`

// answersPage writes the tables of all providers.
func answersPage() string {
	var b strings.Builder
	b.WriteString(answersHead)
	for _, p := range []struct {
		name, code, sub string
		tables          []wallet.Named
	}{
		{"Alipay 支付宝", "code", "sub_code, trade_status, retry_flag and action", alipay.Classes()},
		{"WeChat Pay v2 微信支付", "return_code/result_code, or trade_state", "err_code, recall", wechat.Classes()},
		{"WeChat Pay v3 微信支付", "HTTP status", "trade_state, status or code", wechatv3.Classes()},
	} {
		for _, t := range p.tables {
			fmt.Fprintf(&b, "## %s: %s\n\n| %s | %s | class | why |\n|---|---|---|---|\n", p.name, t.Call, p.code, p.sub)
			for _, r := range t.Table {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", word(r.Code), word(r.Sub), r.Class, r.Why)
			}
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func word(s string) string {
	switch s {
	case "":
		return "(none)"
	case "*":
		return "*"
	}
	return "`" + s + "`"
}

func TestThePageOfAnswersIsThatOfTheTables(t *testing.T) {
	want := answersPage()
	if *update {
		if err := os.WriteFile("ANSWERS.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("ANSWERS.md")
	if err != nil || string(got) != want {
		t.Errorf("ANSWERS.md is not what the tables say (%v); go test ./daemon/wallet -update, and look at the difference", err)
	}
}
