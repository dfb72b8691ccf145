package acquirer

import (
	"time"

	"posd/iso8583"
)

// timeSlack is how far an approval's time may be from the host's own clock.
const timeSlack = 24 * time.Hour

// hostClock is the host's clock as a sign-on told it. Our wall clock may jump; what has passed since is measured monotonically.
// That clock stands still while the machine sleeps, at least on Linux: then the wall clock knows better.
type hostClock struct {
	told time.Time // the host's date and time, in a year and zone of ours
	at   time.Time // when it told; monotonic. Zero before the first sign-on that told
	wall time.Time // likewise, by our wall clock
}

// near tells whether text (MMDDhhmmss, without a year) may be now, by the host's clock.
func (c hostClock) near(wall time.Time, text string) bool {
	passed := time.Since(c.at)
	slept := max(passed, wall.Sub(c.wall))
	return near(c.told.Add(passed), text) || near(c.told.Add(slept), text)
}

// plausible is the fifth check of rule 7: an approval is from now, by the host's own clock. Who tells no date and time
// is not held against it.
func (a *Acquirer) plausible(reply *iso8583.Message) bool {
	d := a.o.Dialect
	a.mu.Lock()
	host := a.hostTime
	a.mu.Unlock()
	if host.at.IsZero() {
		return true
	}
	return host.near(a.o.Now().Round(0), d.Role(reply, "date")+d.Role(reply, "time"))
}

// near tells whether text (MMDDhhmmss, without a year) is within timeSlack of expected, around New Year too. It is pure.
func near(expected time.Time, text string) bool {
	if len(text) != 10 {
		return true
	}
	for _, year := range []int{-1, 0, 1} {
		told, err := time.ParseInLocation("20060102150405", expected.AddDate(year, 0, 0).Format("2006")+text, expected.Location())
		if err == nil && told.Sub(expected).Abs() <= timeSlack {
			return true
		}
	}
	return false
}
