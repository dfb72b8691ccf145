package cardreader

import (
	"posd/drivers/hid"
	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "sureswipe",
		For:  []port.Match{{Kind: port.Report, Vendor: 0x0801, Products: []uint16{2, 3}}},
		Doc: "MagTek SureSwipe readers in HID mode (0801:0002); in the clear, for test acquirers. " +
			"No recorded trace of a real device yet; the layout is that of the manual 99875388.",
		Options: []port.Option{luhnOption},
		Open: func(c port.Conn, s port.Settings) Source {
			r := newHIDReader(c, s.Yes("luhn"))
			r.fields = sureSwipe
			r.describe(func(d *hid.Descriptor) (fields, bool) {
				f := magtekFields(d)
				f.ksn = hid.Place{} // a MagneSafe's: its data would be taken for clear
				return f, has(d, magtekData) && !has(d, magtekKSN)
			})
			return r
		},
	})
	registry.Register(Driver{
		Name: "magnesafe",
		For:  []port.Match{{Kind: port.Report, Vendor: 0x0801, Products: []uint16{0x11}}},
		Doc: "MagTek MagneSafe V5 readers in HID mode (0801:0011): tracks are encrypted in the reader and passed on with the " +
			"KSN. No recorded trace of a real device yet; the layout is that of the manual 99875475.",
		Open: func(c port.Conn, _ port.Settings) Source {
			r := newHIDReader(c, false)
			r.fields = magneSafe
			r.describe(func(d *hid.Descriptor) (fields, bool) { return magtekFields(d), has(d, magtekKSN) })
			return r
		},
	})
}

// at is a place of n bytes.
func at(first, n int) hid.Place { return hid.Place{Bit: 8 * first, Size: 8, Count: n} }

// row is three places of n bytes side by side.
func row(first, n int) [3]hid.Place {
	return [3]hid.Place{at(first, n), at(first+n, n), at(first+2*n, n)}
}

// sureSwipe is the report of the manual 99875388: status, lengths, type, three tracks of 110.
var sureSwipe = fields{status: row(0, 1), length: row(3, 1), encode: at(6, 1), data: row(7, 110)}

// magneSafe is the report of the manual 99875475: the same with tracks of 112 that are ciphertext, and the masked ones.
var magneSafe = fields{
	status: row(0, 1), length: row(3, 1), encode: at(6, 1), data: row(7, 112),
	ksn: at(495, lenKSN), maskedLength: row(505, 1), masked: row(508, 112), session: at(844, 8),
}

// magtekFields finds the places in a descriptor.
func magtekFields(d *hid.Descriptor) fields {
	f := fields{
		status: three(d, magtekStatus), length: three(d, magtekLength), data: three(d, magtekData),
		maskedLength: three(d, magtekMaskedLength), masked: three(d, magtekMasked),
	}
	f.encode, _ = d.Find(hid.Input, magtekEncode)
	f.ksn, _ = d.Find(hid.Input, magtekKSN)
	f.session, _ = d.Find(hid.Input, magtekSession)
	return f
}
