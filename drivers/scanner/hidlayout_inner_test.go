package scanner

import (
	"bytes"
	"testing"

	"posd/drivers/hid"
)

// countBehind is a scanner whose reports, of number 2, have their data first: ten bytes, then an identifier, then the count.
var countBehind = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x75, 0x08,
	0x95, 0x0A, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x95, 0x03, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, 0xC0,
}

// FuzzReports shows that no report makes a driver of a device's descriptor panic, and that what it gives is a part of the report.
func FuzzReports(f *testing.F) {
	f.Add(countBehind, []byte("\x020123456789"))
	f.Add(countBehind, []byte("\x020123456789]Q1\x04"))
	f.Add([]byte(nil), []byte("\x02"))
	f.Fuzz(func(t *testing.T, descriptor, report []byte) {
		l := layouts["auto"]
		if d, err := hid.Parse(descriptor); err == nil {
			if l, err = layoutOf(d); err != nil {
				return
			}
			l.flag(d, moreBit)
		}
		if p, err := l.part(report); err == nil && !bytes.Contains(report, p.data) {
			t.Errorf("%x is no part of %x", p.data, report)
		}
	})
}
