package reconcile

import "testing"

func TestAmountsAreInTheUnitOfTheirCurrency(t *testing.T) {
	for _, row := range []struct {
		currency, want string
	}{{"CNY", "CNY 19.99"}, {"JPY", "JPY 1999"}, {"KWD", "KWD 1.999"}} {
		if got := money(1999, row.currency); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
	if got := money(5, "CNY"); got != "CNY 0.05" {
		t.Errorf("5 minor units are %q", got)
	}
}
