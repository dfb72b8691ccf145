package acquirer

import (
	"strconv"
	"time"

	"posd/iso8583"
)

// timeSlack is how far an approval's time may be from the host's own clock.
const timeSlack = 24 * time.Hour

// hostClock is the host's clock as a sign-on told it. Our wall clock may jump; what has passed since is measured monotonically.
// That clock stands still while the machine sleeps, at least on Linux: then the wall clock knows better.
type hostClock struct {
	told time.Time // the host's date and time, in leapYear and our zone
	at   time.Time // when it told; monotonic. Zero before the first sign-on that told
	wall time.Time // likewise, by our wall clock
}

// leapYear is one with a 29 February; the next has none.
const leapYear = 2024

// near tells whether text (MMDDhhmmss, without a year) may be now, by the host's clock. Whether the host's year has a 29 February
// nobody knows: it tells none, and ours may be wrong.
func (c hostClock) near(wall time.Time, text string) bool {
	passed := time.Since(c.at)
	slept := max(passed, wall.Sub(c.wall))
	for _, year := range []int{leapYear, leapYear + 1} {
		told := inYear(year, c.told)
		if near(told.Add(passed), text) || near(told.Add(slept), text) {
			return true
		}
	}
	return false
}

// inYear is the same day and time of a year; the 29 February is the day after the 28th where there is none.
func inYear(year int, t time.Time) time.Time {
	return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, t.Location())
}

// readTime reads a date and time without a year (MMDDhhmmss) in leapYear, where each of them is.
func readTime(text string, zone *time.Location) (time.Time, error) {
	return time.ParseInLocation("20060102150405", strconv.Itoa(leapYear)+text, zone)
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
	told, err := readTime(text, expected.Location())
	if err != nil {
		return false
	}
	for _, year := range []int{-1, 0, 1} {
		if inYear(expected.Year()+year, told).Sub(expected).Abs() <= timeSlack {
			return true
		}
	}
	return false
}
