package payment

import "time"

// complaintEvery is how often a trouble that lasts is said again.
const complaintEvery = 10 * time.Minute

// complaint is a trouble that lasts: it is said at once, when it changes, and now and then. The zero value has said nothing.
type complaint struct {
	text string
	said time.Time // monotonic
}

// due tells whether it is to be said now, and notes that it is.
func (c *complaint) due(text string) bool {
	if text == c.text && time.Since(c.said) < complaintEvery {
		return false
	}
	c.text, c.said = text, time.Now()
	return true
}
