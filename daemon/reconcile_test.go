package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"posd/daemon/bill"
	"posd/daemon/reconcile"
)

func TestABillOfAnotherDayThanIsSaidIsRefused(t *testing.T) {
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, bill.Beijing)
	row := func(k bill.Kind, at time.Time) bill.Row { return bill.Row{Kind: k, Amount: 100, At: at} }
	before, noon := day.Add(-time.Hour), day.Add(12*time.Hour)
	for name, c := range map[string]struct {
		rows []bill.Row
		fits bool
	}{
		"no rows":                          {nil, true},
		"of that day":                      {[]bill.Row{row(bill.Took, noon)}, true},
		"of the day before":                {[]bill.Row{row(bill.Took, before)}, false},
		"one of them of the day before":    {[]bill.Row{row(bill.Took, before), row(bill.Took, noon)}, true},
		"given back of the day before":     {[]bill.Row{row(bill.Gave, before)}, true},
		"without times, as some bills are": {[]bill.Row{row(bill.Took, time.Time{})}, true},
	} {
		err := ofThatDay(bill.Bill{From: day, Until: day.AddDate(0, 0, 1), Rows: c.rows})
		if (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNotComparedIsNotCalledClean(t *testing.T) {
	for _, whose := range []bill.Provider{"alipay", bill.Acquirer} {
		in := reconcile.Input{Bill: bill.Bill{Provider: whose}, Name: "bill of " + string(whose)}
		var out bytes.Buffer
		if err := printReport(&out, "table", in, reconcile.Compare(in)); err != nil {
			t.Fatal(err)
		}
		if said := out.String(); !strings.Contains(said, "not compared") || strings.Contains(said, "clean") {
			t.Errorf("of a bill of %s it says:\n%s", whose, said)
		}
	}
}
