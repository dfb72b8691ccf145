package acquirer

import (
	"encoding/json"
	"testing"

	"posd/daemon/payment"
)

func TestTheYearOfAPaymentIsThatOfTheHostsDate(t *testing.T) {
	for _, row := range []struct{ year, ours, host, want string }{
		{"26", "1130", "1130", "26"},
		{"25", "1231", "0101", "26"},
		{"26", "0101", "1231", "25"},
		{"99", "1231", "0101", "00"},
		{"00", "0101", "1231", "99"},
		{"26", "1130", "", "26"},
		{"", "1231", "0101", ""},
	} {
		data, err := json.Marshal(record{Name: "sale", Vars: map[string]string{"year": row.year, "date": row.ours}})
		if err != nil {
			t.Fatal(err)
		}
		if got := yearOf(payment.Attempt{Data: data, Host: payment.HostNumbers{Date: row.host}}); got != row.want {
			t.Errorf("asked on %s in %q, booked on %s: %q, want %q", row.ours, row.year, row.host, got, row.want)
		}
	}
}
