package plug

import (
	"bytes"
	"strings"
)

// Event says that something was plugged in, unplugged, or got its driver. The zero value stands for events that were
// missed: look at everything.
type Event struct {
	Action    string // "add", "remove", "bind", "change" ...
	Subsystem string // "usb", "tty", "usbmisc", "hidraw", "input" ...
	Path      string // in /sys, without that
	Node      string // its device file, "/dev/ttyACM0"; "" for what has none
}

// maxUevent limits a message of the kernel (UEVENT_BUFFER_SIZE is 2 KiB, and the head).
const maxUevent = 8 << 10

// parseUevent reads a message of the kernel: "add@/devices/...", then KEY=value, each ended by a NUL. Messages of udev, which
// begin with "libudev", and whatever else comes over the socket are none.
func parseUevent(b []byte) (Event, bool) {
	head, rest, ok := bytes.Cut(b, []byte{0})
	action, where, at := strings.Cut(string(head), "@")
	if !ok || !at || action == "" || !strings.HasPrefix(where, "/") || len(b) > maxUevent {
		return Event{}, false
	}
	e := Event{Path: where}
	for part := range bytes.SplitSeq(rest, []byte{0}) {
		key, value, _ := strings.Cut(string(part), "=")
		switch key {
		case "ACTION":
			e.Action = value
		case "SUBSYSTEM":
			e.Subsystem = value
		case "DEVNAME":
			e.Node = "/dev/" + strings.TrimPrefix(value, "/dev/")
		}
	}
	return e, e.Action == action
}

// Concerns tells whether a device that is used as kind may be usable after the event: kind is Serial, LP, HID or Keys, or
// anything else for a device that is named by what it is.
func (e Event) Concerns(kind string) bool {
	if e == (Event{}) {
		return true
	}
	subsystems := map[string]string{Serial: "tty", LP: "usbmisc", HID: "hidraw", Keys: "input"}
	if e.Action == "remove" || e.Action == "unbind" {
		return false
	}
	if want, ok := subsystems[kind]; ok {
		return e.Subsystem == want && e.Node != ""
	}
	for _, s := range subsystems {
		if e.Subsystem == s && e.Node != "" {
			return true
		}
	}
	return e.Subsystem == "usb" && e.Action == "bind"
}
