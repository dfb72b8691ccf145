package plug

import (
	"strings"
	"testing"
)

func uevent(parts ...string) []byte { return []byte(strings.Join(parts, "\x00") + "\x00") }

func TestTheKernelsMessagesAreRead(t *testing.T) {
	got, ok := parseUevent(uevent("add@/devices/x/tty/ttyACM0", "ACTION=add", "DEVPATH=/devices/x/tty/ttyACM0",
		"SUBSYSTEM=tty", "DEVNAME=ttyACM0", "SEQNUM=7"))
	if want := (Event{"add", "tty", "/devices/x/tty/ttyACM0", "/dev/ttyACM0"}); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	for name, b := range map[string][]byte{
		"udev's own":    append([]byte("libudev\x00\xfe\xed\xca\xfe"), uevent("ACTION=add")...),
		"empty":         {},
		"no end":        []byte("add@/devices/x"),
		"no path":       uevent("add@", "ACTION=add"),
		"other action":  uevent("add@/devices/x", "ACTION=remove"),
		"without one":   uevent("add@/devices/x", "SUBSYSTEM=tty"),
		"longer than a": append(uevent("add@/x", "ACTION=add"), make([]byte, maxUevent)...),
	} {
		if e, ok := parseUevent(b); ok {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}

func TestAnEventConcernsTheDevicesThatItMayBring(t *testing.T) {
	tty := Event{"add", "tty", "/x", "/dev/ttyACM0"}
	cases := []struct {
		e    Event
		kind string
		want bool
	}{
		{tty, Serial, true},
		{tty, LP, false},
		{tty, "usb", true},
		{Event{"remove", "tty", "/x", "/dev/ttyACM0"}, Serial, false},
		{Event{"add", "usbmisc", "/x", "/dev/usb/lp0"}, LP, true},
		{Event{"add", "hidraw", "/x", "/dev/hidraw0"}, HID, true},
		{Event{"add", "input", "/x", ""}, Keys, false}, // the input device, before its file
		{Event{"bind", "usb", "/x", ""}, "usb", true},  // a device without a file, for libusb
		{Event{"add", "net", "/x", ""}, "usb", false},
		{Event{}, LP, true},
	}
	for _, c := range cases {
		if got := c.e.Concerns(c.kind); got != c.want {
			t.Errorf("%+v, %s: got %v", c.e, c.kind, got)
		}
	}
}

func TestPathsOfWindowsTellTheDevice(t *testing.T) {
	cases := map[string]string{
		`\\?\usb#vid_04b8&pid_0202#J5HG012345#{28d78fad-5a12-11d1-ae5b-0000f803a8c2}`: "J5HG012345 04b8:0202:J5HG012345",
		`\\?\USB#VID_04B8&PID_0E15#6&1f8a&0&2#{28d78fad-5a12-11d1-ae5b-0000f803a8c2}`: "6&1f8a&0&2 04b8:0e15",
		`\\?\hid#vid_0c2e&pid_0901&mi_01&col01#8&2a#{4d1e55b2-f16f-11cf-88cb}`:        "8&2a 0c2e:0901",
		`\\?\root#printer#x`: "",
		``:                   "",
	}
	for path, want := range cases {
		d, ok := deviceOfPath(path, HID)
		if got := d.String(); ok != (want != "") || ok && (got != want || d.Faces[0].Nodes[0].Path != path) {
			t.Errorf("%s: got %q, %v", path, got, ok)
		}
		if usb, ok := ProductOf(path); ok != (want != "") || ok && !strings.Contains(want, " "+usb) {
			t.Errorf("%s: it is said to be %q, %v", path, usb, ok)
		}
	}
}

// FuzzUevent: whatever comes, an event has an action and a path, and no part of it holds a NUL.
func FuzzUevent(f *testing.F) {
	f.Add(uevent("add@/devices/x", "ACTION=add", "DEVNAME=ttyACM0"))
	f.Add(uevent("remove@/", "ACTION=remove", "=", "SUBSYSTEM"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := parseUevent(b)
		if ok && (e.Action == "" || !strings.HasPrefix(e.Path, "/") || strings.Contains(e.Path+e.Node+e.Subsystem+e.Action, "\x00")) {
			t.Errorf("%q: got %+v", b, e)
		}
	})
}

// FuzzFirstUsage: a descriptor of any bytes is read to its end at most.
func FuzzFirstUsage(f *testing.F) {
	f.Add([]byte{0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		page, usage := firstUsage(b)
		if len(b) < 2 && (page != 0 || usage != 0) {
			t.Errorf("%x: page %x, usage %x", b, page, usage)
		}
	})
}
