package alipay

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
	for name, table := range map[string]wallet.Table{
		"alipay_pay": payTable, "alipay_query": queryTable, "alipay_cancel": cancelTable,
	} {
		var rows [][4]string
		if err := json.Unmarshal(v[name], &rows); err != nil || len(rows) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range rows {
			sub := strings.Replace(r[1], " no action", "", 1)
			if sub == "*" || strings.HasPrefix(sub, "<") {
				sub = "SOMETHING.NEW"
			}
			if got := table.Class(r[0], sub).String(); got != r[2] {
				t.Errorf("%s %s %s = %s, want %s", name, r[0], r[1], got, r[2])
			}
		}
	}
}

func TestWhatNoRowListsIsUnknown(t *testing.T) {
	for _, table := range []wallet.Table{payTable, queryTable, refundTable} {
		if got := table.Class("40004", "ACQ.NEVER_HEARD_OF"); got != wallet.ClassUnknown {
			t.Errorf("got %s", got)
		}
	}
	if got := payTable.Class("10000", "ACQ.SYSTEM_ERROR"); got != wallet.ClassUnknown {
		t.Errorf("10000 with an error inside = %s", got)
	}
}
