package plug

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// interfaceForm is the path of a device interface of Windows: \\?\usb#vid_04b8&pid_0202#J5HG01#{guid}, or with &mi_00 and
// &col01 behind pid, and then an instance that Windows made up.
var interfaceForm = regexp.MustCompile(`(?i)^\\\\\?\\(?:usb|hid)#vid_([0-9a-f]{4})&pid_([0-9a-f]{4})([^#]*)#([^#]+)#`)

// deviceOfPath reads what a device interface's path says. A made-up instance has an & in it and is no serial number; it
// stands for the port then.
func deviceOfPath(path, kind string) (Device, bool) {
	m := interfaceForm.FindStringSubmatch(path)
	if m == nil {
		return Device{}, false
	}
	v, _ := strconv.ParseUint(m[1], 16, 16) // the form has hex digits
	p, _ := strconv.ParseUint(m[2], 16, 16)
	d := Device{
		Port: m[4], Vendor: uint16(v), Product: uint16(p), Faces: []Face{{Nodes: []Node{{kind, path}}}},
	}
	if !strings.Contains(m[4], "&") && m[3] == "" {
		d.Serial = m[4]
	}
	return d, v != 0
}

// ProductOf is VID:PID that the path of a device interface says, four small hex digits each.
func ProductOf(path string) (usb string, ok bool) {
	d, ok := deviceOfPath(path, "")
	return fmt.Sprintf("%04x:%04x", d.Vendor, d.Product), ok
}
