package hostsim

import (
	"strings"
	"testing"
)

func TestABatchsBillHasALinePerMessageThatMovedMoney(t *testing.T) {
	l, err := openLedger("")
	if err != nil {
		t.Fatal(err)
	}
	saleVoidedAndBack(t, l)
	text := string(Bill{Missing: []string{"000003"}, Amounts: map[string]int64{"000001": 100}}.of(l.all()))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	want := []string{"# batch bill 1", "terminal,batch,trace,kind,state,", ",,000001,sale,booked,100,CNY,", ",,000002,void,reversed,1999,CNY,", "# end: 2 rows"}
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	for i, w := range want {
		if !strings.HasPrefix(lines[i], w) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], w)
		}
	}
}
