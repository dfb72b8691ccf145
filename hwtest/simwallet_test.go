package main

import (
	"strings"
	"testing"

	"posd/hwtest/walletsim"
)

func TestTheHelpSaysOfEachFaultWhereItIsSet(t *testing.T) {
	_, table, found := strings.Cut(simWalletCmd{}.Help(), "What goes wrong, and where it is said:")
	if !found {
		t.Fatal("there is no table")
	}
	for _, f := range walletsim.Faults() {
		if !strings.Contains(table, string(f)) {
			t.Errorf("the table lacks the fault %s", f)
		}
	}
	for _, odd := range []string{"&missing=", "&doubled=", "&amount=", "&extra="} {
		if !strings.Contains(table, odd) {
			t.Errorf("the table lacks %s", odd)
		}
	}
}
