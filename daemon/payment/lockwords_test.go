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

func TestWhatLocksASaleAndRunsSaysThatAskingAgainMakesSense(t *testing.T) {
	for _, kind := range []Kind{KindSale, KindRefund} {
		if p := lockProblem(Attempt{Key: Key{Attempt: "a"}, Kind: kind, State: Sent}); !p.Soon {
			t.Errorf("of a %s that runs: %+v", kind, p)
		}
	}
	if p := lockProblem(Attempt{Key: Key{Attempt: "a"}, Kind: KindSale, State: ApprovedState}); p.Soon {
		t.Errorf("of one that has paid: %+v", p)
	}
}

func TestNobodyIsSentToRefundWhatWasRefunded(t *testing.T) {
	back := Attempt{Key: Key{Attempt: "a"}, Kind: KindSale, State: ApprovedState, Approved: 500, Refunded: 200}
	if p := lockProblem(back); !strings.Contains(p.Detail, "200") || strings.Contains(p.Remedy, "refund") {
		t.Errorf("after a refund of 200: %s; %s", p.Detail, p.Remedy)
	}
	back.Refunded = 500
	if p := Explain(notCancellable(back)); strings.Contains(p.Remedy, "refund") {
		t.Errorf("after a refund of all: %s; %s", p.Detail, p.Remedy)
	}
	settled := Attempt{Key: Key{Client: "till", Sale: "s", Attempt: "a"}, Kind: KindSale, Rail: RailCard, State: SettledPaid, Amount: 500, Approved: 500}
	r := Request{Key: Key{Client: "till", Sale: "s", Attempt: "r"}, Kind: KindRefund, Rail: RailCard, Original: &settled}
	_, err := fitSale(r, Sale{Client: "till", ID: "s", Amount: 500, Attempts: []Attempt{settled}})
	if p := Explain(err); p == nil || p.Code != "original_not_paid" || strings.Contains(p.Detail, "nothing to give back") || !strings.Contains(p.Remedy, "supervisor") {
		t.Errorf("of what a person has settled as paid: %v", err)
	}
}
