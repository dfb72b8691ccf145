package acquirer

import (
	"testing"
	"time"
)

func TestAnApprovalIsFromNowByTheHostsOwnClock(t *testing.T) {
	newYear := time.Date(2027, 1, 1, 0, 10, 0, 0, time.UTC)
	for _, c := range []struct {
		expected time.Time
		text     string
		want     bool
	}{
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "1122120003", true},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "1121130000", true},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "1120120000", false},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "1124120000", false},
		{newYear, "1231235900", true},
		{newYear, "0101001500", true},
		{newYear, "1230000000", false},
		{newYear.Add(-time.Hour), "0101000500", true},
		{newYear, "", true},            // the host tells none
		{newYear, "9999999999", false}, // no time at all
	} {
		if got := near(c.expected, c.text); got != c.want {
			t.Errorf("%s at %s: %v, want %v", c.text, c.expected, got, c.want)
		}
	}
}
