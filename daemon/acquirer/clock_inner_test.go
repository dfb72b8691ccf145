package acquirer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAnApprovalIsPlausibleAfterAWeekendOfSleepAndNotOnADayThatIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
		c := hostClock{told: told, at: time.Now(), wall: told.Add(-time.Minute)}
		time.Sleep(time.Hour) // the monotonic clock stands still while the machine sleeps
		for _, row := range []struct {
			wall time.Duration // since it told
			at   time.Duration // of the approval, likewise
			want bool
		}{
			{time.Hour, time.Hour, true},
			{time.Hour, 60 * time.Hour, false},
			{63 * time.Hour, 63 * time.Hour, true},
			{63 * time.Hour, time.Hour, true}, // a wall clock that was set ahead
			{63 * time.Hour, 200 * time.Hour, false},
			{-63 * time.Hour, time.Hour, true},
			{-63 * time.Hour, -63 * time.Hour, false},
		} {
			text := told.Add(row.at).Format("0102150405")
			if got := c.near(c.wall.Add(row.wall), text); got != row.want {
				t.Errorf("by the wall %v have passed, the approval is of %v: %v", row.wall, row.at, got)
			}
		}
	})
}

func TestTheTwentyNinthOfFebruaryIsTheDayAfterTheTwentyEighth(t *testing.T) {
	for _, row := range []struct {
		expected time.Time
		text     string
		want     bool
	}{
		{time.Date(2027, 2, 28, 23, 50, 0, 0, time.UTC), "0229100000", true},
		{time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC), "0229100000", true},
		{time.Date(2027, 3, 3, 10, 0, 0, 0, time.UTC), "0229100000", false},
		{time.Date(2028, 2, 29, 10, 0, 0, 0, time.UTC), "0229100000", true},
		{time.Date(2028, 2, 27, 9, 0, 0, 0, time.UTC), "0229100000", false},
		{time.Date(2028, 2, 29, 10, 0, 0, 0, time.UTC), "0230100000", false},
		{time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC), "0101000100", true},
		{time.Date(2027, 1, 1, 0, 1, 0, 0, time.UTC), "1231235900", true},
	} {
		if got := near(row.expected, row.text); got != row.want {
			t.Errorf("%s at %v: %v, want %v", row.text, row.expected, got, row.want)
		}
	}
}
