package wechatv3

import (
	"encoding/json"
	"os"
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
