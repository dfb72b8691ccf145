package payment

import (
	"strings"
	"testing"
)

func TestALockByAVoidOrRefundTellsNobodyThatTheCustomerMayHavePaid(t *testing.T) {
	for _, kind := range []Kind{KindVoid, KindRefund} {
		for _, state := range []State{Sent, Reversing, Stuck} {
			p := lockProblem(Attempt{Key: Key{Attempt: "v"}, Kind: kind, State: state})
			if !strings.Contains(p.Detail, string(kind)+" v") || p.Remedy == "" || strings.Contains(p.Detail, "paid") || strings.Contains(p.Detail, "taken the money") {
				t.Errorf("of a %s that is %s: %s; %s", kind, state, p.Detail, p.Remedy)
			}
		}
	}
}
