// Package plug knows what is plugged in: which device, at which port, and by which device files it is reached.
//
// A device is named by what it is, an ID, and found in a snapshot of what is there now: the number in /dev/ttyUSB0 says
// only who came first. Snapshots and all that is read from them are pure; Live and Watch are the way to the system.
package plug

import (
	"fmt"
	"strings"
)

// Device is one thing in one USB port, or a serial port of the machine itself.
type Device struct {
	Port            string // where it is: "1-1.4" is bus 1, root port 1, the hub's port 4; "ttyS0" is the machine's own
	Vendor, Product uint16 // 0 for what is not USB
	Serial          string // its serial number; many cheap devices have none
	Maker, Name     string // as the device says
	Faces           []Face
}

// Face is one function of a device: a USB interface.
type Face struct {
	Number                    int
	Class, SubClass, Protocol uint8
	Driver                    string // the system's driver that has it; "" when none
	ID1284                    string // printers: "MFG:EPSON;MDL:TM-T88V;..."
	Page, Usage               uint16 // HID: what its first collection is for
	Nodes                     []Node
}

// How a device file is used. The words are those of port addresses.
const (
	Serial = "serial"
	LP     = "lp"
	HID    = "hid"
	Keys   = "keys"
)

// Node is a device file, or what Windows has instead.
type Node struct{ Kind, Path string }

// hidKeyboard is the usage of keyboards (HID Usage Tables 1.5: page 1, usage 6).
const (
	desktopPage   = 1
	keyboardUsage = 6
)

// Keyboard tells whether a face types as a keyboard does.
func (f Face) Keyboard() bool { return f.Page == desktopPage && f.Usage == keyboardUsage }

// USB tells whether the device is one that a VID:PID can name.
func (d Device) USB() bool { return d.Vendor != 0 }

// ID names the device so that it is found again in whatever port.
func (d Device) ID() string {
	if !d.USB() {
		return d.Port
	}
	id := fmt.Sprintf("%04x:%04x", d.Vendor, d.Product)
	if d.Serial != "" {
		id += ":" + d.Serial
	}
	return id
}

// String names the device for people: "1-1.4 04b8:0202 EPSON TM-T88V".
func (d Device) String() string {
	if !d.USB() {
		return d.Port + " of the machine itself"
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", d.Port, d.ID(), d.Maker, d.Name)), " ")
}

// order is how useful the kinds are where a device offers several: what is made for programs before what is made for
// people.
var order = []string{LP, Serial, HID, Keys}

// Nodes gives the device files of a kind, the best one first; "" means all kinds. A keyboard's reports are of no use as
// long as the system reads them as well, so those come last.
func (d Device) Nodes(kind string) []Node {
	var good, poor []Node
	for _, k := range order {
		for _, f := range d.Faces {
			for _, n := range f.Nodes {
				switch {
				case n.Kind != k || (kind != "" && kind != k):
				case k == HID && f.Keyboard():
					poor = append(poor, n)
				default:
					good = append(good, n)
				}
			}
		}
	}
	return append(good, poor...)
}

// OnlyKeyboard tells whether the device can be had in no other way than as a keyboard.
func (d Device) OnlyKeyboard() bool {
	keyboard := false
	for _, f := range d.Faces {
		switch {
		case f.Keyboard():
			keyboard = true
		case len(f.Nodes) > 0:
			return false
		}
	}
	return keyboard
}
