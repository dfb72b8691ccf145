package cardreader

import (
	"bytes"

	"posd/drivers/port"
)

// Card is what a reader read of one card. Whoever gets one wipes it when done: nobody else does.
type Card struct {
	PAN         port.Secret // the card number's digits
	Expiry      port.Secret // YYMM; empty where the track leaves it out
	ServiceCode port.Secret // three digits; empty where the track leaves it out
	Track1      port.Secret // without sentinels and LRC: "B6228...^NAME^YYMM..."; empty if not read
	Track2      port.Secret // without sentinels and LRC: "6228...=YYMM..."; empty if not read
	Track3      port.Secret // without sentinels and LRC; empty if not read
	Device      string      // name of the reader
	masked      string
}

// Masked is the card number as first 6 + last 4, the rest as stars. It stays after Wipe.
func (c *Card) Masked() string { return c.masked }

// Wipe overwrites all that is secret. It may be called more than once.
func (c *Card) Wipe() {
	for _, s := range []port.Secret{c.PAN, c.Expiry, c.ServiceCode, c.Track1, c.Track2, c.Track3} {
		s.Wipe()
	}
}

// String is the masked number, so that a card may stand in a log by mistake.
func (c *Card) String() string { return c.masked }

// mask keeps six digits in front and four at the end. A number too short for that shows nothing.
func mask(pan []byte) string {
	m := bytes.Clone(pan)
	for i := range m {
		if len(m) < 11 || (i >= 6 && i < len(m)-4) {
			m[i] = '*'
		}
	}
	return string(m)
}
