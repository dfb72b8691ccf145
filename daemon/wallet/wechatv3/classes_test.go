package wechatv3

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"posd/daemon/wallet"
)

func TestResultClassesAreThoseOfTheTable(t *testing.T) {
	text, err := os.ReadFile("../testdata/result_classes.json")
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]json.RawMessage
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var rows [][4]string
	if err := json.Unmarshal(v["wechat_v3"], &rows); err != nil || len(rows) == 0 {
		t.Fatalf("wechat_v3: %v", err)
	}
	for _, r := range rows {
		table, status, sub := asAnswered(r[0])
		if got := table.Class(status, sub).String(); got != r[2] {
			t.Errorf("%s = %s, want %s", r[0], got, r[2])
		}
	}
	if err := json.Unmarshal(v["wechat_query"], &rows); err != nil || len(rows) == 0 {
		t.Fatalf("wechat_query: %v", err)
	}
	for _, r := range rows {
		if got := queryTable.Class("200", r[0]).String(); got != r[2] {
			t.Errorf("query %s = %s, want %s", r[0], got, r[2])
		}
	}
}

// asAnswered turns "HTTP 200 trade_state=SUCCESS" or "reverse HTTP 200" into a table and what an answer yields.
func asAnswered(row string) (table wallet.Table, status, sub string) {
	table = payTable
	if rest, ok := strings.CutPrefix(row, "reverse "); ok {
		table, row = reverseTable, rest
	}
	status, sub, _ = strings.Cut(strings.TrimPrefix(row, "HTTP "), " ")
	return table, status, strings.TrimPrefix(sub, "trade_state=")
}

// A refusal that nobody has listed may hide a success, whatever the status.
func TestWhatIsNotListedIsAskedFor(t *testing.T) {
	for _, status := range []string{"200", "202", "400", "403", "404", "429", "5xx"} {
		if got := payTable.Class(status, "SOMETHING_NEW"); got != wallet.ClassUnknown {
			t.Errorf("pay %s = %v", status, got)
		}
		if got := queryTable.Class(status, "SOMETHING_NEW"); got != wallet.ClassUnknown {
			t.Errorf("query %s = %v", status, got)
		}
	}
}

func TestAnAnswerIsReadWithItsAmountAndWithoutThePayer(t *testing.T) {
	f, err := read([]byte(`{"out_trade_no":"X1","amount":{"total":1999,"currency":"CNY","payer_total":1},"payer":{"openid":"o1"}}`))
	if err != nil || f["amount.total"] != "1999" || f["amount.currency"] != "CNY" || f["out_trade_no"] != "X1" {
		t.Fatalf("read %v, %v", f, err)
	}
	for name := range f {
		if strings.Contains(name, "openid") {
			t.Errorf("the payer is read: %s", name)
		}
	}
	for _, broken := range []string{`[]`, `{"a":1`, `{"a":1,"a":2}`, `{"amount":7}`, `{"amount":{"total":1,"total":2}}`, `x`} {
		if _, err := read([]byte(broken)); err == nil {
			t.Errorf("%s is read", broken)
		}
	}
}

// documented are the codes that v3's pages list, with what each call makes of them: pay, reverse, refund. "" is not listed for
// that call. Of a query all of them say nothing about the payment.
var documented = map[string][3]string{
	"USERPAYING":            {"PENDING", "RETRY_REVERSE", ""},
	"SYSTEM_ERROR":          {"UNKNOWN", "RETRY_REVERSE", "UNKNOWN"},
	"BANK_ERROR":            {"UNKNOWN", "RETRY_REVERSE", ""},
	"RULE_LIMIT":            {"UNKNOWN", "RETRY_REVERSE", ""},
	"AUTH_CODE_INVALID":     {"FAILED_NEW_CODE", "", ""},
	"AUTH_CODE_EXPIRE":      {"FAILED_NEW_CODE", "", ""},
	"ORDERCLOSED":           {"CLOSED", "CLOSED", ""},
	"ORDER_CLOSED":          {"CLOSED", "CLOSED", ""},
	"ORDERREVERSED":         {"CLOSED", "REVERSED", ""},
	"ORDER_REVERSED":        {"CLOSED", "REVERSED", ""},
	"ORDERPAID":             {"UNKNOWN", "", ""},
	"ORDER_PAID":            {"UNKNOWN", "", ""},
	"OUT_TRADE_NO_USED":     {"UNKNOWN", "", ""},
	"NOT_ENOUGH":            {"UNKNOWN", "", "FAILED"},
	"TRADE_ERROR":           {"UNKNOWN", "UNKNOWN", ""},
	"ACCOUNT_ERROR":         {"UNKNOWN", "", ""},
	"INVALID_REQUEST":       {"UNKNOWN", "UNKNOWN", "FAILED"},
	"REVERSE_EXPIRE":        {"", "UNKNOWN", ""},
	"BIZ_ERR_NEED_RETRY":    {"", "", "UNKNOWN"},
	"FREQUENCY_LIMITED":     {"", "", "UNKNOWN"},
	"USER_ACCOUNT_ABNORMAL": {"", "", "FAILED"},
	"REQUEST_BLOCKED":       {"", "", "FAILED"},
	"RESOURCE_NOT_EXISTS":   {"", "", "FAILED"},
	"PARAM_ERROR":           {"CONFIG", "CONFIG", "CONFIG"},
	"APPID_MCHID_NOT_MATCH": {"CONFIG", "CONFIG", "CONFIG"},
	"MCH_NOT_EXISTS":        {"CONFIG", "CONFIG", "CONFIG"},
	"SIGN_ERROR":            {"CONFIG", "CONFIG", "CONFIG"},
	"NO_AUTH":               {"CONFIG", "CONFIG", "CONFIG"},
}

func TestEveryCodeOfTheDocumentsHasARowOfItsOwn(t *testing.T) {
	for code, want := range documented {
		for i, table := range []wallet.Table{payTable, reverseTable, refundTable} {
			row := slices.ContainsFunc(table, func(r wallet.Row) bool { return r.Sub == code })
			if got := table.Class("400", code).String(); row != (want[i] != "") || row && got != want[i] {
				t.Errorf("table %d, %s: %s (a row: %v), want %q", i, code, got, row, want[i])
			}
		}
		if got := queryTable.Class("400", code); got != wallet.ClassUnknown {
			t.Errorf("a query refused with %s is %v", code, got)
		}
	}
	for i, table := range []wallet.Table{payTable, reverseTable, refundTable} {
		for _, r := range table {
			if _, ok := documented[r.Sub]; !ok && r.Code == "*" && r.Sub != "*" {
				t.Errorf("table %d has %s, which no page lists", i, r.Sub)
			}
		}
	}
}

// Without an answer of success no call is taken for done, whatever its code says; without a code that is known none for refused.
func TestAStatusOfFailureIsNeverPaidAndACodeNobodyKnowsIsNeverFailed(t *testing.T) {
	for _, status := range []string{"202", "301", "400", "401", "403", "404", "409", "429", "5xx"} {
		for _, state := range []string{"SUCCESS", "PROCESSING", "REFUND", "REVOKED", "CLOSED", "PAYERROR"} {
			for name, got := range map[string]wallet.Class{
				"pay": payTable.Class(status, state), "query": queryTable.Class(status, state), "refund": refundTable.Class(status, state),
			} {
				if got != wallet.ClassUnknown {
					t.Errorf("%s, status %s with %s = %v", name, status, state, got)
				}
			}
		}
		for name, table := range map[string]wallet.Table{"pay": payTable, "query": queryTable, "reverse": reverseTable, "refund": refundTable} {
			switch got := table.Class(status, "SOMETHING_NEW"); got {
			case wallet.ClassUnknown, wallet.ClassRetryReverse:
			default:
				t.Errorf("%s, status %s with a new code = %v", name, status, got)
			}
		}
	}
}
