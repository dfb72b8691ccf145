package plug

// Modes of devices that have several.
const (
	ModeKeyboard = "keyboard"
	ModeSerial   = "serial"
	ModeHIDPOS   = "HID-POS"
	ModeHID      = "HID"
)

// Known is what a VID:PID says of a device. Nothing is asked of the device for it.
type Known struct {
	Role  string // "printer", "scanner", "reader" or "adapter", which is a cable with anything behind it
	Maker string
	Mode  string // "" where there is but one
}

// known is by vendor and, where it matters, product; product 0 is all others of the vendor. The sources are usb.ids and the
// makers' integration guides.
var known = map[[2]uint16]Known{
	{0x04b8, 0}: {"printer", "Epson", ""}, {0x0519, 0}: {"printer", "Star", ""}, {0x1504, 0}: {"printer", "Bixolon", ""},
	{0x1d90, 0}: {"printer", "Citizen", ""}, {0x2730, 0}: {"printer", "Citizen", ""}, {0x154f, 0}: {"printer", "SNBC", ""},
	{0x0416, 0x5011}: {"printer", "a maker of 58 and 80 mm printers", ""}, {0x0483, 0x5743}: {"printer", "a maker of 58 and 80 mm printers", ""},
	{0x0fe6, 0x811e}: {"printer", "a maker of 58 and 80 mm printers", ""}, {0x1fc9, 0x2016}: {"printer", "a maker of 58 and 80 mm printers", ""},

	{0x0c2e, 0}: {"scanner", "Honeywell", ""}, {0x23d0, 0}: {"scanner", "Youjie", ""}, {0x05f9, 0}: {"scanner", "Datalogic", ""},
	{0x0c2e, 0x0200}: {"scanner", "Honeywell", ModeKeyboard}, {0x0c2e, 0x0204}: {"scanner", "Honeywell", ModeKeyboard},
	{0x0c2e, 0x0700}: {"scanner", "Honeywell", ModeSerial}, {0x0c2e, 0x0720}: {"scanner", "Honeywell", ModeSerial},
	{0x05e0, 0}: {"scanner", "Zebra", ""}, {0x05e0, 0x1200}: {"scanner", "Zebra", ModeKeyboard},
	{0x05e0, 0x1701}: {"scanner", "Zebra", ModeSerial},

	{0x0801, 0}: {"reader", "MagTek", ""}, {0x0801, 0x0001}: {"reader", "MagTek", ModeKeyboard},
	{0x0801, 0x0002}: {"reader", "MagTek", ModeHID}, {0x0801, 0x0003}: {"reader", "MagTek", ModeHID},
	{0x0801, 0x0011}: {"reader", "MagTek", ModeHID}, {0x0acd, 0}: {"reader", "ID TECH", ""},

	{0x0403, 0}: {"adapter", "FTDI", ""}, {0x067b, 0}: {"adapter", "Prolific", ""}, {0x10c4, 0xea60}: {"adapter", "Silicon Labs", ""},
	{0x1a86, 0x7523}: {"adapter", "WCH", ""}, {0x1a86, 0x5523}: {"adapter", "WCH", ""},
}

// newland is a vendor whose products tell their mode by the low byte: xx03 keyboard, xx06 USB-CDC, xx10 HID-POS.
const newland = 0x1eab

// Lookup says what is known of a VID:PID.
func Lookup(vendor, product uint16) (Known, bool) {
	if vendor == newland {
		modes := map[uint16]string{0x03: ModeKeyboard, 0x06: ModeSerial, 0x10: ModeHIDPOS}
		return Known{"scanner", "Newland", modes[product&0xff]}, true
	}
	if k, ok := known[[2]uint16{vendor, product}]; ok {
		return k, true
	}
	k, ok := known[[2]uint16{vendor, 0}]
	return k, ok
}

// inKeyboardMode tells whether a scanner or reader types instead of talking, by its PID or by what it offers.
func inKeyboardMode(d Device) bool {
	k, ok := Lookup(d.Vendor, d.Product)
	return ok && (k.Mode == ModeKeyboard || k.Role != "printer" && d.OnlyKeyboard())
}
