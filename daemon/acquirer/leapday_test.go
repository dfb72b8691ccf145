package acquirer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
)

// The year of a machine's clock is wrong where its battery is dead, and the host tells none.
func TestAnApprovalOfTheTwentyNinthOfFebruaryIsPlausibleInAYearThatHasNone(t *testing.T) {
	s := dialects(t)["unionpay"]
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 10, 0, 0, 0, time.UTC) }
	for name, row := range map[string]struct {
		ours, hosts time.Time
		drift       time.Duration // of the host's clock, each day
	}{
		"signed on before it":                     {at(2001, 2, 27), at(2004, 2, 27), -time.Second},
		"signed on on it":                         {at(2001, 3, 1), at(2004, 2, 29), -time.Second},
		"signed on on it, a day before the clock": {at(2001, 2, 28), at(2004, 2, 29), -time.Second},
		"only by the clock there is one":          {at(2004, 2, 28), at(2005, 2, 28), time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(row.ours))
				b := start(t, s)
				b.ahead = row.hosts.Sub(row.ours)
				b.ready(t)
				for day := range 4 {
					b.approved(t, payment.KindSale, payment.Cents(100+day), nil)
					time.Sleep(24 * time.Hour)
					b.ahead += row.drift
				}
			})
		})
	}
}
