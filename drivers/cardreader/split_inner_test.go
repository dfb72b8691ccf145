package cardreader

import (
	"testing"

	"posd/drivers/port/porttest"
)

func FuzzSwipes(f *testing.F) {
	porttest.FuzzSplit(f, splitSwipe, "%B4111111111111111^A/B^3012201?;4111111111111111=3012201?\r\n;\r")
}

// FuzzCards: whatever comes, there is a card with a plausible number or an error that tells nothing of it.
func FuzzCards(f *testing.F) {
	f.Add([]byte("%B4111111111111111^A/B^3012201?;4111111111111111=3012201?"))
	f.Add([]byte(";4111111111111111=3012201?0+01?"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, lrc := range []string{"auto", "yes", "no"} {
			m := &magnetic{lrc: lrc, luhn: true}
			c, err := m.card(b)
			if err != nil {
				continue
			}
			if n := c.PAN.Len(); n < minPAN || n > maxPAN || len(c.Masked()) != n {
				t.Errorf("a number of %d digits, masked %q", n, c.Masked())
			}
		}
	})
}

func TestEveryDriverIsComplete(t *testing.T) {
	for _, d := range Drivers() {
		for _, o := range d.Options {
			if o.Doc == "" || o.Name == "" {
				t.Errorf("driver %s: option %q explains nothing", d.Name, o.Name)
			}
		}
	}
}
