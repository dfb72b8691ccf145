package cardreader

import (
	"testing"

	"posd/drivers/hid"
)

// FuzzReports shows that no report makes a reader of the manuals' layouts or of its own descriptor panic, and that what comes of it is
// a card or an error that says why.
func FuzzReports(f *testing.F) {
	f.Add([]byte(nil), []byte(nil))
	numbered := []byte{
		0x05, 0x8E, 0x09, 0x01, 0xA1, 0x01, 0x85, 0x01, 0x75, 0x08, 0x95, 0x03, 0x19, 0x11, 0x29, 0x13, 0x81, 0x02,
		0x95, 0x28, 0x09, 0x21, 0x82, 0x02, 0x01, 0x09, 0x22, 0x82, 0x02, 0x01, 0x09, 0x23, 0x82, 0x02, 0x01, 0xC0,
	}
	f.Add(numbered, []byte("\x01\x00\x05\x00"))
	f.Add(numbered, []byte(nil))
	f.Fuzz(func(t *testing.T, descriptor, report []byte) {
		all := []fields{sureSwipe, magneSafe}
		if d, err := hid.Parse(descriptor); err == nil {
			all = append(all, magtekFields(d), fields{length: three(d, msrLength), data: three(d, msrData)})
		}
		for _, f := range all {
			if c, err := f.card(report, true); c != nil {
				c.Wipe()
			} else if err == nil && f.data[1].ID == 0 {
				t.Errorf("nothing came of a report of %d bytes", len(report))
			}
		}
	})
}
