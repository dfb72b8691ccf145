package wechat

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
		"wechat_v2_micropay": payTable, "wechat_query": queryTable, "wechat_v2_reverse": reverseTable,
	} {
		var rows [][4]string
		if err := json.Unmarshal(v[name], &rows); err != nil || len(rows) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range rows {
			code, sub := asAsked(r[0], r[1])
			if got := table.Class(code, sub).String(); got != r[2] {
				t.Errorf("%s %s %s = %s, want %s", name, r[0], r[1], got, r[2])
			}
		}
	}
}

// asAsked turns the table's shorthand into what an answer yields.
func asAsked(code, sub string) (string, string) {
	switch {
	case strings.HasPrefix(code, "<"):
		return "", ""
	case strings.HasPrefix(code, "recall="):
		return "SUCCESS/FAIL", code
	}
	if result, rest, ok := strings.Cut(code, " "); ok {
		return "SUCCESS/" + strings.TrimPrefix(result, "result_code="), rest
	}
	if sub == "*" || sub == "<other>" {
		sub = "SOMETHING_NEW"
	}
	return code, sub
}
