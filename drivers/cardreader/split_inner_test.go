package cardreader

import (
	"testing"

	"posd/drivers/port/porttest"
)

func FuzzSwipes(f *testing.F) {
	porttest.FuzzSplit(f, splitSwipe, "%B4111111111111111^A/B^3012201?;4111111111111111=3012201?\r\n;\r")
}

func FuzzSecureMag(f *testing.F) {
	porttest.FuzzSplit(f, splitSecureMag, "\x00\x02\x08\x00abcdefgh\x00\x00\x03\x02\xff\xff")
}

func FuzzPINPad(f *testing.F) {
	porttest.FuzzSplit(f, PINPadFrame.Split, "\x06\x02\x00\x0301\xaa\x03\xab\x15\x02\xff\xff")
}

// FuzzEncrypted: whatever a frame holds, there is a card that shows a masked number and no other, or an error.
func FuzzEncrypted(f *testing.F) {
	f.Add([]byte("\x02\x09\x00\x80\x02\x00\x02\x00\x02\x82;1\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, frame, _ := splitSecureMag(b, true); n > 0 && frame != nil {
			if c, err := secureMagCard(frame); err == nil && (len(c.Masked()) < minPAN || c.PAN.Len() > 0) {
				t.Errorf("masked %q", c.Masked())
			}
		}
		if len(b) == 0 {
			return
		}
		if c, err := magneSafe.card(append(b, make([]byte, 900)...), true); err == nil && (len(c.Masked()) < minPAN || c.PAN.Len() > 0) {
			t.Errorf("masked %q", c.Masked())
		}
	})
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
