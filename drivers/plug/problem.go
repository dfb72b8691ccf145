package plug

import (
	"fmt"
	"strconv"
	"strings"
)

// none says that the device is not there, and what is there instead that may be meant.
func (id ID) none(all []Device) *Problem {
	if len(id.Words) > 0 {
		return &Problem{ErrNone, "no USB printer with that IEEE 1284 id is plugged in", "plug it in and switch it on; hwtest list shows what the printers say"}
	}
	for _, d := range all {
		if d.Vendor == id.Vendor && d.Product == id.Product {
			return id.other(d)
		}
	}
	for _, d := range all {
		if d.Vendor == id.Vendor && inKeyboardMode(d) {
			return &Problem{
				ErrNone, fmt.Sprintf("the scanner or reader at %s is in keyboard mode (%04x:%04x)", d.Port, d.Vendor, d.Product),
				modeRemedy(d),
			}
		}
	}
	return &Problem{
		ErrNone, fmt.Sprintf("no USB device %04x:%04x is plugged in", id.Vendor, id.Product),
		"plug it in and switch it on, or correct VID:PID in the configuration; hwtest list shows what is there",
	}
}

// other says of a device of the same make in what it differs from the one that is meant.
func (id ID) other(d Device) *Problem {
	if id.Port != "" && d.Port != id.Port && (id.Serial == "" || strings.EqualFold(id.Serial, d.Serial)) {
		return &Problem{
			ErrNone, fmt.Sprintf("%s is at port %s, the configuration wants it at %s", d.ID(), d.Port, id.Port),
			"plug it into its port, or correct the port in the configuration",
		}
	}
	has := "none"
	if d.Serial != "" {
		has = d.Serial
	}
	return &Problem{
		ErrNone, fmt.Sprintf("another device of its make is at port %s: its serial number is %s, not %s", d.Port, has, id.Serial),
		"plug the right one in, or write the new one's serial number into the configuration",
	}
}

// several names all ports: whoever stands at the counter can see those.
func several(found []Device) *Problem {
	ports := make([]string, 0, len(found))
	for _, d := range found {
		ports = append(ports, d.Port)
	}
	numbers := "with the same serial number"
	if found[0].Serial == "" {
		numbers = "without serial numbers"
	}
	remedy := fmt.Sprintf("name the port, too: usb:%s@%s, and leave each in its port", found[0].ID(), found[0].Port)
	for _, d := range found[1:] {
		if d.Serial != found[0].Serial {
			numbers = "that fit"
			remedy = fmt.Sprintf("name its serial number, too: usb:%s or usb:%s", found[0].ID(), d.ID())
		}
	}
	what := fmt.Sprintf("%d devices %04x:%04x %s, at ports %s", len(found), found[0].Vendor, found[0].Product, numbers,
		strings.Join(ports, " and "))
	return &Problem{ErrSeveral, what, remedy}
}

// noNode says why a device that is there cannot be used.
func noNode(d Device, kind string) *Problem {
	if kind != "" && len(d.Nodes("")) > 0 {
		has := d.Nodes("")[0].Kind
		p := &Problem{
			ErrNoNode, fmt.Sprintf("%s is at port %s, but cannot be used as %q", d.ID(), d.Port, kind),
			fmt.Sprintf("write port = \"%s://%s\" into the configuration", has, d.ID()),
		}
		if inKeyboardMode(d) {
			p.What, p.Remedy = fmt.Sprintf("%s at port %s is in keyboard mode", d.ID(), d.Port), modeRemedy(d)
		}
		return p
	}
	for _, f := range d.Faces {
		if f.Driver == "usbfs" {
			return &Problem{
				ErrNoNode, fmt.Sprintf("another program has %s at port %s by libusb", d.ID(), d.Port),
				"end the other program; " + holders(d.Port),
			}
		}
	}
	for _, f := range d.Faces {
		if f.Driver != "" {
			return &Problem{
				ErrNoNode, fmt.Sprintf("the driver %s has %s at port %s, and gives no device file for it", f.Driver, d.ID(), d.Port),
				"see whether the kernel's class driver is there (modprobe usblp, cdc-acm, usbhid); hwtest list shows who has it",
			}
		}
	}
	return &Problem{
		ErrNoNode, fmt.Sprintf("no driver of the system has %s at port %s", d.ID(), d.Port),
		"load its driver (modprobe usblp, cdc-acm, ftdi_sio, cp210x, ch341 or pl2303), or use a posd built with -tags usb",
	}
}

// holders tells how to see who has a device by libusb: posd in systemd's unit may not see it. The bus stands in front of the port.
func holders(at string) string {
	bus, _, _ := strings.Cut(at, "-")
	n, _ := strconv.Atoi(bus) // 0 for what Linux does not say
	return fmt.Sprintf("sudo fuser -v /dev/bus/usb/%03d/* shows who has it", n)
}

// modeRemedy tells how a device in keyboard mode can be used.
func modeRemedy(d Device) string {
	return fmt.Sprintf("switch it to USB serial (CDC) or HID-POS by the setup code in its manual; or, on Linux, let posd take the keyboard: "+
		"port = \"keys://%s\"", d.ID())
}

// UdevRule is a rule that lets a group use the device, as it stands in a file of /etc/udev/rules.d.
func UdevRule(vendor, product uint16, group string) string {
	return fmt.Sprintf(`SUBSYSTEM=="usb|usbmisc|tty|hidraw|input", ATTRS{idVendor}=="%04x", ATTRS{idProduct}=="%04x", GROUP="%s", MODE="0660"`,
		vendor, product, group)
}
