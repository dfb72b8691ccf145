package wechat

import (
	"testing"

	"posd/daemon/payment"
)

func TestOnlyWhatWentBackOrIsOnItsWayCounts(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]string
		want   payment.Cents
	}{
		"none":              {map[string]string{}, 0},
		"one":               {map[string]string{"refund_fee_0": "1", "refund_status_0": "SUCCESS"}, 1},
		"one on its way":    {map[string]string{"refund_fee_0": "1998", "refund_status_0": "PROCESSING", "refund_fee_1": "1", "refund_status_1": "SUCCESS"}, 1999},
		"one closed":        {map[string]string{"refund_fee_0": "1998", "refund_status_0": "REFUNDCLOSE", "refund_fee_1": "1", "refund_status_1": "SUCCESS"}, 1},
		"one not taken":     {map[string]string{"refund_fee_0": "1998", "refund_status_0": "CHANGE"}, 0},
		"one of no status":  {map[string]string{"refund_fee_0": "1998"}, 0},
		"below nothing":     {map[string]string{"refund_fee_0": "-5", "refund_status_0": "SUCCESS"}, 0},
		"all are listed":    {map[string]string{"total_refund_count": "1", "refund_count": "1", "refund_fee_0": "7", "refund_status_0": "SUCCESS"}, 7},
		"not all are there": {map[string]string{"total_refund_count": "11", "refund_count": "10", "refund_fee_0": "7", "refund_status_0": "SUCCESS"}, 0},
	} {
		if got := sum(c.fields); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
