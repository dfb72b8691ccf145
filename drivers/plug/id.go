package plug

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ID says which device is meant, by what it is. The zero value fits nothing.
type ID struct {
	Kind            string // how it is to be used: Serial, LP, HID or Keys; "" leaves that to the device
	Vendor, Product uint16
	Serial          string            // its serial number; "" fits every one
	Port            string            // where it must be; "" is anywhere. Tells devices apart that have no serial number
	Words           map[string]string // of the IEEE 1284 id, by upper-case key; empty for none
}

var usbForm = regexp.MustCompile(`^([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::(.+?))?(?:@([0-9]+-[0-9]+(?:\.[0-9]+)*))?$`)

// ParseUSB reads "VID:PID", "VID:PID:SERIAL", and either with "@1-1.4" behind it for a port.
func ParseUSB(s string) (ID, error) {
	m := usbForm.FindStringSubmatch(s)
	if m == nil {
		return ID{}, fmt.Errorf("%q names no USB device, want VID:PID or VID:PID:SERIAL in hex, and @1-1.4 for a port", s)
	}
	v, _ := strconv.ParseUint(m[1], 16, 16) // the form has hex digits
	p, _ := strconv.ParseUint(m[2], 16, 16)
	if v == 0 {
		return ID{}, fmt.Errorf("%q names no USB device: no vendor has the number 0", s)
	}
	return ID{Vendor: uint16(v), Product: uint16(p), Serial: m[3], Port: m[4]}, nil
}

// Parse1284 reads "MDL=TM-T88V" or "MFG=EPSON;MDL=TM-T88V": words of a printer's IEEE 1284 id.
func Parse1284(s string) (ID, error) {
	words := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(value) == "" {
			return ID{}, fmt.Errorf("%q names no printer, want words of its IEEE 1284 id such as MFG=EPSON;MDL=TM-T88V", s)
		}
		words[wordKey(key)] = strings.TrimSpace(value)
	}
	return ID{Kind: LP, Words: words}, nil
}

// wordKey gives a key of a 1284 id its short form.
func wordKey(key string) string {
	key = strings.ToUpper(strings.TrimSpace(key))
	long := map[string]string{
		"MANUFACTURER": "MFG", "MODEL": "MDL", "COMMAND SET": "CMD", "CLASS": "CLS", "DESCRIPTION": "DES",
		"SERIALNUMBER": "SN", "SERN": "SN",
	}
	if short, ok := long[key]; ok {
		return short
	}
	return key
}

// Words1284 reads an IEEE 1284 id: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;" by short upper-case keys.
func Words1284(id string) map[string]string {
	words := map[string]string{}
	for part := range strings.SplitSeq(id, ";") {
		if key, value, ok := strings.Cut(part, ":"); ok {
			words[wordKey(key)] = strings.TrimSpace(value)
		}
	}
	return words
}

// fits tells whether a device is the one that is meant.
func (id ID) fits(d Device) bool {
	if len(id.Words) > 0 {
		return id.fitsWords(d)
	}
	return id.Vendor != 0 && d.Vendor == id.Vendor && d.Product == id.Product &&
		(id.Serial == "" || strings.EqualFold(id.Serial, d.Serial)) && (id.Port == "" || id.Port == d.Port)
}

func (id ID) fitsWords(d Device) bool {
	for _, f := range d.Faces {
		have, all := Words1284(f.ID1284), true
		for key, want := range id.Words {
			all = all && strings.EqualFold(have[key], want)
		}
		if all {
			return true
		}
	}
	return false
}

// Why an ID leads to no device file.
var (
	ErrNone    = errors.New("not plugged in")
	ErrSeveral = errors.New("plugged in more than once")
	ErrNoNode  = errors.New("plugged in, but not usable so")
)

// Problem is an error of Resolve in words for a technician.
type Problem struct {
	Err          error // ErrNone, ErrSeveral or ErrNoNode
	What, Remedy string
}

// Error is what is wrong.
func (p *Problem) Error() string { return p.What }

// Unwrap is the kind of error.
func (p *Problem) Unwrap() error { return p.Err }

// Resolve finds the device that is meant among those that are there, and the device file to use it by. The same device in
// another port is the same; one with another serial number is not, wherever it is. Its error is a *Problem; with ErrNoNode
// the device is given.
func Resolve(all []Device, id ID) (Device, Node, error) {
	var found []Device
	for _, d := range all {
		if id.fits(d) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return Device{}, Node{}, id.none(all)
	case 1:
	default:
		return Device{}, Node{}, several(found)
	}
	nodes := found[0].Nodes(id.Kind)
	if len(nodes) == 0 {
		return found[0], Node{}, noNode(found[0], id.Kind)
	}
	return found[0], nodes[0], nil
}
