package main

import (
	"strings"
	"testing"
)

func TestWalletAnalyseFindsNoSharedCodeOfTheLayoutAndSomeOfACutHash(t *testing.T) {
	out, errs, code := bench(t, "", "wallet", "analyse", "--codes", "50000")
	if code != success {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"1.2e-07", "6e-07", "1.2e-09", "the layout: FF1 over handle and tag, 16 digits            0            0", "a one-time password (RFC 6238), 8 digits             12.5"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if _, errs, code = bench(t, "", "wallet", "analyse", "--codes", "0"); code != problem || !strings.Contains(errs, "--codes") {
		t.Errorf("no codes: exit code %d, %s", code, errs)
	}
}

func TestSharedCountsPairs(t *testing.T) {
	for want, codes := range map[int][]uint64{0: {3, 1, 2}, 1: {2, 1, 2}, 3: {5, 5, 5, 1}, 4: {5, 5, 5, 1, 1}} {
		if got := shared(codes); got != want {
			t.Errorf("%v share %d, want %d", codes, got, want)
		}
	}
}

// A count that never finds anything proves nothing.
func TestACutHashOfFewDigitsIsSeenToCollide(t *testing.T) {
	code := cutCodes(make([]byte, 32))
	short := make([]uint64, 20_000)
	for i := range short {
		n, err := code(i)
		if err != nil {
			t.Fatal(err)
		}
		short[i] = n % 1_000_000
	}
	if got := shared(short); got < 100 || got > 300 { // 200 on average
		t.Errorf("%d pairs of 20,000 in a million", got)
	}
}
