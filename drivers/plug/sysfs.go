package plug

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Limits of what is read: sysfs is the kernel's, but a device chooses many of its words.
const (
	maxDevices = 512
	maxDepth   = 6 // from an interface to its device files
	maxText    = 4 << 10
)

const usbFolder = "sys/bus/usb/devices"

// Scan reads a snapshot of Linux' sysfs; root is the root of the file system. What cannot be read is left out, since a
// device may go while it is read.
func Scan(root fs.FS) []Device {
	all := append(scan(root, func(Device) bool { return true }), scanOnBoard(root)...)
	slices.SortFunc(all, func(a, b Device) int { return cmp.Compare(a.Port, b.Port) })
	return all
}

// ScanFor reads what Resolve needs for one device, for whoever looks again and again: of devices of other vendors only what
// they are.
func ScanFor(root fs.FS, id ID) []Device {
	return scan(root, func(d Device) bool { return len(id.Words) > 0 || d.Vendor == id.Vendor })
}

// scan reads the USB devices, and the functions of those that are asked for.
func scan(root fs.FS, wanted func(Device) bool) []Device {
	var all []Device
	for _, name := range folder(root, usbFolder) {
		if strings.Contains(name, ":") || strings.HasPrefix(name, "usb") { // interfaces, and the machine's own hubs
			continue
		}
		if d, ok := scanUSB(root, name, wanted); ok {
			all = append(all, d)
		}
	}
	return all
}

func scanUSB(root fs.FS, name string, wanted func(Device) bool) (Device, bool) {
	dir := path.Join(usbFolder, name)
	d := Device{
		Port: name, Vendor: uint16(hexOf(root, dir, "idVendor")), Product: uint16(hexOf(root, dir, "idProduct")),
		Serial: text(root, dir, "serial"), Maker: text(root, dir, "manufacturer"), Name: text(root, dir, "product"),
	}
	const hub = 9
	if d.Vendor == 0 || hexOf(root, dir, "bDeviceClass") == hub {
		return Device{}, false
	}
	if !wanted(d) {
		return d, true
	}
	for _, sub := range folder(root, dir) {
		if strings.HasPrefix(sub, name+":") {
			d.Faces = append(d.Faces, scanFace(root, path.Join(dir, sub)))
		}
	}
	return d, true
}

func scanFace(root fs.FS, dir string) Face {
	f := Face{
		Number: int(hexOf(root, dir, "bInterfaceNumber")), Class: uint8(hexOf(root, dir, "bInterfaceClass")),
		SubClass: uint8(hexOf(root, dir, "bInterfaceSubClass")), Protocol: uint8(hexOf(root, dir, "bInterfaceProtocol")),
		Driver: variables(text(root, dir, "uevent"))["DRIVER"], ID1284: text(root, dir, "ieee1284_id"),
	}
	f.dig(root, dir, maxDepth)
	return f
}

// dig looks for device files below an interface, in its own folders and never through links, which lead elsewhere.
func (f *Face) dig(root fs.FS, dir string, depth int) {
	if depth == 0 {
		return
	}
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		below := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && e.Name() != "power" && !strings.HasPrefix(e.Name(), "ep_"):
			f.dig(root, below, depth-1)
		case e.Name() == "report_descriptor" && f.Page == 0:
			b, _ := fs.ReadFile(root, below)
			f.Page, f.Usage = firstUsage(b)
		case e.Name() == "uevent" && depth < maxDepth: // the interface's own names no file
			if n, ok := nodeOf(variables(text(root, dir, "uevent"))["DEVNAME"]); ok {
				f.Nodes = append(f.Nodes, n)
			}
		}
	}
}

// scanOnBoard finds the machine's own serial ports; those of type 0 have no hardware behind them.
func scanOnBoard(root fs.FS) []Device {
	var all []Device
	for _, name := range folder(root, "sys/class/tty") {
		if !strings.HasPrefix(name, "ttyS") { // the many consoles
			continue
		}
		if kind := text(root, path.Join("sys/class/tty", name), "type"); kind != "" && kind != "0" {
			all = append(all, Device{Port: name, Faces: []Face{{Driver: "serial", Nodes: []Node{{Serial, "/dev/" + name}}}}})
		}
	}
	return all
}

// nodeOf tells what a device file is for by its name, as the kernel gives it: without /dev.
func nodeOf(name string) (Node, bool) {
	kinds := []struct{ prefix, kind string }{
		{"usb/lp", LP}, {"ttyUSB", Serial}, {"ttyACM", Serial}, {"hidraw", HID}, {"input/event", Keys},
	}
	for _, k := range kinds {
		if strings.HasPrefix(name, k.prefix) {
			return Node{k.kind, "/dev/" + name}, true
		}
	}
	return Node{}, false
}

func folder(root fs.FS, dir string) []string {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries[:min(len(entries), maxDevices)] {
		names = append(names, e.Name())
	}
	return names
}

// text reads an attribute; "" when there is none. What a device says is made fit to be shown.
func text(root fs.FS, dir, name string) string {
	b, err := fs.ReadFile(root, path.Join(dir, name))
	if err != nil {
		return ""
	}
	clean := func(r rune) rune {
		if (r < ' ' && r != '\n') || r == 0x7f {
			return -1
		}
		return r
	}
	return strings.TrimSpace(strings.Map(clean, strings.ToValidUTF8(string(b[:min(len(b), maxText)]), "")))
}

func hexOf(root fs.FS, dir, name string) uint64 {
	n, err := strconv.ParseUint(text(root, dir, name), 16, 16)
	if err != nil {
		return 0
	}
	return n
}

// variables reads lines of KEY=value.
func variables(lines string) map[string]string {
	all := map[string]string{}
	for l := range strings.Lines(lines) {
		if key, value, ok := strings.Cut(strings.TrimSpace(l), "="); ok {
			all[key] = value
		}
	}
	return all
}

// firstUsage reads the usage of the first collection in a report descriptor (USB HID 1.11, 6.2.2): items of a head, whose
// two low bits are the length, and data.
func firstUsage(b []byte) (page, usage uint16) {
	const (
		usagePage  = 0x04
		usageItem  = 0x08
		collection = 0xa0
		tag        = 0xfc
	)
	for len(b) > 0 {
		size := []int{0, 1, 2, 4}[b[0]&3]
		if len(b) < 1+size {
			return 0, 0
		}
		v := uint32(0)
		for i := range size {
			v |= uint32(b[1+i]) << (8 * i)
		}
		switch b[0] & tag {
		case usagePage:
			page = uint16(v)
		case usageItem:
			usage = uint16(v)
			if size == 4 {
				page = uint16(v >> 16)
			}
		case collection:
			return page, usage
		}
		b = b[1+size:]
	}
	return 0, 0
}
