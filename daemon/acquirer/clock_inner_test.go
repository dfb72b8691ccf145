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
