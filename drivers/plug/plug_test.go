package plug_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"posd/drivers/plug"
	"posd/drivers/plug/plugtest"
)

func tree(t *testing.T, text string) fstest.MapFS {
	t.Helper()
	root, err := plugtest.Tree(text)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// moved gives the counter with the device at one port in another one, under other numbers of device files.
func moved(text string, changes ...string) string {
	return strings.NewReplacer(changes...).Replace(text)
}

func TestASnapshotShowsWhatIsPluggedInAndHowItIsReached(t *testing.T) {
	var got []string
	for _, d := range plug.Scan(tree(t, plugtest.Counter)) {
		var faces []string
		for _, f := range d.Faces {
			faces = append(faces, fmt.Sprintf("%d %s %v", f.Number, f.Driver, f.Nodes))
		}
		got = append(got, d.String()+" | "+strings.Join(faces, ", "))
	}
	want := []string{
		"1-1 04b8:0202:J5HG012345 EPSON TM-T88V | 0 usblp [{lp /dev/usb/lp0}]",
		"1-2 1eab:0106:NL0042 Newland HR22 | 0 cdc_acm [{serial /dev/ttyACM0}], 1 cdc_acm []",
		"1-3.1 0c2e:0901:19010B0A11 Honeywell 1900 | 0 usbhid [{hid /dev/hidraw0}]",
		"1-3.2 0801:0001 Mag-Tek USB Swipe Reader | 0 usbhid [{hid /dev/hidraw1} {keys /dev/input/event3}]",
		"1-4 0403:6001:A10KDXYZ FTDI FT232R USB UART | 0 ftdi_sio [{serial /dev/ttyUSB0}]",
		"ttyS0 of the machine itself | 0 serial [{serial /dev/ttyS0}]",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

func TestAMachineWithoutUSBHasNoDevices(t *testing.T) {
	if got := plug.Scan(fstest.MapFS{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func id(t *testing.T, kind, s string) plug.ID {
	t.Helper()
	if kind == "1284" {
		i, err := plug.Parse1284(s)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	i, err := plug.ParseUSB(s)
	if err != nil {
		t.Fatal(err)
	}
	i.Kind = kind
	return i
}

func TestADeviceIsFoundByWhatItIs(t *testing.T) {
	all := plug.Scan(tree(t, plugtest.Counter))
	cases := []struct{ kind, id, want string }{
		{"", "04b8:0202", "/dev/usb/lp0"},
		{"", "04B8:0202:j5hg012345", "/dev/usb/lp0"},
		{"lp", "04b8:0202:J5HG012345@1-1", "/dev/usb/lp0"},
		{"1284", "MDL=tm-t88v", "/dev/usb/lp0"},
		{"1284", "Manufacturer=EPSON; Model=TM-T88V", "/dev/usb/lp0"},
		{"serial", "1eab:0106:NL0042", "/dev/ttyACM0"},
		{"", "0c2e:0901@1-3.1", "/dev/hidraw0"},
		{"", "0801:0001", "/dev/input/event3"}, // its reports the system reads as well
		{"hid", "0801:0001", "/dev/hidraw1"},
		{"", "0403:6001:A10KDXYZ", "/dev/ttyUSB0"},
	}
	for _, c := range cases {
		if _, n, err := plug.Resolve(all, id(t, c.kind, c.id)); err != nil || n.Path != c.want {
			t.Errorf("%s %s: got %v, %v, want %s", c.kind, c.id, n, err, c.want)
		}
		few := plug.ScanFor(tree(t, plugtest.Counter), id(t, c.kind, c.id))
		if _, n, err := plug.Resolve(few, id(t, c.kind, c.id)); err != nil || n.Path != c.want {
			t.Errorf("%s %s, looked for alone: got %v, %v, want %s", c.kind, c.id, n, err, c.want)
		}
	}
}

func TestTheSameDeviceInAnotherPortIsTheSame(t *testing.T) {
	there := moved(plugtest.Counter, "1-2", "2-1.4", "ttyACM0", "ttyACM1")
	d, n, err := plug.Resolve(plug.Scan(tree(t, there)), id(t, "", "1eab:0106:NL0042"))
	if err != nil || d.Port != "2-1.4" || n.Path != "/dev/ttyACM1" {
		t.Errorf("got %v %v, %v", d, n, err)
	}
}

func TestAnotherSerialNumberIsAnotherDevice(t *testing.T) {
	there := moved(plugtest.Counter, "NL0042", "NL0043")
	_, _, err := plug.Resolve(plug.Scan(tree(t, there)), id(t, "", "1eab:0106:NL0042"))
	if !errors.Is(err, plug.ErrNone) || !strings.Contains(err.Error(), "NL0043, not NL0042") || !strings.Contains(err.Error(), "port 1-2") {
		t.Errorf("got %v", err)
	}
}

// twins is the counter with a second scanner of the same make at port 1-5.
func twins(t *testing.T, serial string) fs.FS {
	root := tree(t, plugtest.Counter)
	other := fstest.MapFS{}
	for name, f := range root {
		if strings.HasPrefix(name, "sys/bus/usb/devices/1-2") {
			changed := strings.NewReplacer("ttyACM0", "ttyACM1", "NL0042", serial).Replace(string(f.Data))
			other[moved(name, "1-2", "1-5", "ttyACM0", "ttyACM1")] = &fstest.MapFile{Data: []byte(changed), Mode: f.Mode}
		}
	}
	maps.Copy(root, other)
	return root
}

func TestDevicesThatCannotBeToldApartAreRefusedWithTheirPorts(t *testing.T) {
	cases := map[string]struct{ serial, id, what, remedy string }{
		"one number twice":    {"NL0042", "1eab:0106:NL0042", "with the same serial number, at ports 1-2 and 1-5", "usb:1eab:0106:NL0042@1-2"},
		"no number was asked": {"NL0099", "1eab:0106", "that fit, at ports 1-2 and 1-5", "usb:1eab:0106:NL0042 or usb:1eab:0106:NL0099"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := plug.Resolve(plug.Scan(twins(t, c.serial)), id(t, "", c.id))
			p, ok := errors.AsType[*plug.Problem](err)
			if !ok || !errors.Is(err, plug.ErrSeveral) || !strings.Contains(p.What, c.what) || !strings.Contains(p.Remedy, c.remedy) {
				t.Fatalf("got %v", err)
			}
			if d, _, err := plug.Resolve(plug.Scan(twins(t, c.serial)), id(t, "", c.id+"@1-5")); err != nil || d.Port != "1-5" {
				t.Errorf("with the port: %v, %v", d, err)
			}
		})
	}
}

func TestWhatCannotBeUsedSaysWhyAndWhatToDo(t *testing.T) {
	keyboard := moved(plugtest.Counter, "idProduct = 0106", "idProduct = 0103")
	cases := map[string]struct {
		tree, kind, id string
		err            error
		what, remedy   string
	}{
		"not there":         {plugtest.Counter, "", "1504:001f", plug.ErrNone, "no USB device 1504:001f", "hwtest list"},
		"no such printer":   {plugtest.Counter, "1284", "MDL=TM-U220", plug.ErrNone, "1284", "hwtest list"},
		"other port":        {plugtest.Counter, "", "04b8:0202@1-4", plug.ErrNone, "is at port 1-1", "its port"},
		"keyboard mode":     {keyboard, "", "1eab:0106", plug.ErrNone, "keyboard mode (1eab:0103)", "keys://1eab:0103"},
		"keyboard as line":  {plugtest.Counter, "serial", "0801:0001", plug.ErrNoNode, "is in keyboard mode", "keys://0801:0001"},
		"wrong way":         {plugtest.Counter, "hid", "04b8:0202", plug.ErrNoNode, `cannot be used as "hid"`, "lp://04b8:0202"},
		"no driver":         {moved(plugtest.Counter, "|DRIVER=usblp", "", "DEVNAME=usb/lp0", ""), "", "04b8:0202", plug.ErrNoNode, "no driver", "modprobe usblp"},
		"libusb has it":     {moved(plugtest.Counter, "DRIVER=usblp", "DRIVER=usbfs", "DEVNAME=usb/lp0", ""), "", "04b8:0202", plug.ErrNoNode, "another program", "sudo fuser -v /dev/bus/usb/001/*"},
		"driver, no file":   {moved(plugtest.Counter, "DEVNAME=usb/lp0", ""), "", "04b8:0202", plug.ErrNoNode, "the driver usblp", "modprobe"},
		"number was wanted": {moved(plugtest.Counter, "serial = J5HG012345", "bcdDevice = 0100"), "", "04b8:0202:J5HG012345", plug.ErrNone, "none, not J5HG012345", "right one"},
	}
	for name, c := range cases {
		_, _, err := plug.Resolve(plug.Scan(tree(t, c.tree)), id(t, c.kind, c.id))
		p, ok := errors.AsType[*plug.Problem](err)
		_, _, alone := plug.Resolve(plug.ScanFor(tree(t, c.tree), id(t, c.kind, c.id)), id(t, c.kind, c.id))
		if !ok || alone == nil || alone.Error() != err.Error() {
			t.Errorf("%s: got %v, looked for alone %v", name, err, alone)
			continue
		}
		if !errors.Is(err, c.err) || !strings.Contains(p.What, c.what) || !strings.Contains(p.Remedy, c.remedy) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNamesThatNameNoDeviceAreRefused(t *testing.T) {
	for _, s := range []string{"", "04b8", "04b8:", "04b8:02020", "xxxx:0202", "04b8:0202:", "0000:0202", "04b8-0202"} {
		if i, err := plug.ParseUSB(s); err == nil {
			t.Errorf("%q: got %+v", s, i)
		}
	}
	for _, s := range []string{"", "MDL", "MDL=", "MFG=EPSON;", "=x;MDL"} {
		if i, err := plug.Parse1284(s); err == nil {
			t.Errorf("%q: got %+v", s, i)
		}
	}
}

func TestANumberedFileHasALastingName(t *testing.T) {
	root := tree(t, plugtest.Counter)
	for file, want := range map[string]string{
		"/dev/ttyACM0":      "/dev/serial/by-id/usb-Newland_HR22_NL0042-if00",
		"/dev/ttyUSB0":      "serial://0403:6001:A10KDXYZ",
		"/dev/usb/lp0":      "lp://04b8:0202:J5HG012345",
		"/dev/hidraw0":      "hid://0c2e:0901:19010B0A11",
		"/dev/input/event3": "keys://0801:0001",
		"/dev/ttyUSB9":      "",
	} {
		if !plug.Numbered(file) {
			t.Errorf("%s is taken for a lasting name", file)
		}
		if got := plug.Lasting(root, file); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
	for _, file := range []string{"/dev/ttyS0", "COM3", "/dev/serial/by-id/usb-x", "/dev/printer", "/dev/pts/3"} {
		if plug.Numbered(file) {
			t.Errorf("%s is taken for a numbered name", file)
		}
	}
}

func TestModesAreKnownByTheirPID(t *testing.T) {
	for ids, want := range map[[2]uint16]string{
		{0x1eab, 0x0103}: "scanner Newland keyboard", {0x1eab, 0x0c06}: "scanner Newland serial",
		{0x1eab, 0x0d10}: "scanner Newland HID-POS", {0x05e0, 0x1200}: "scanner Zebra keyboard",
		{0x0c2e, 0x0204}: "scanner Honeywell keyboard", {0x0801, 0x0011}: "reader MagTek HID", {0x0519, 0x0003}: "printer Star ",
	} {
		if k, ok := plug.Lookup(ids[0], ids[1]); !ok || k.Role+" "+k.Maker+" "+k.Mode != want {
			t.Errorf("%04x: got %+v", ids, k)
		}
	}
	if k, ok := plug.Lookup(0xdead, 1); ok {
		t.Errorf("an unknown vendor is %+v", k)
	}
}

// FuzzScan: a device may say anything of itself, and nothing of it reaches a terminal as a control character.
func FuzzScan(f *testing.F) {
	f.Add("TM-T88V", []byte{0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01})
	f.Add("\x1b[2J\x00\xff", []byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, name string, descriptor []byte) {
		dir := "sys/bus/usb/devices/1-1/"
		all := plug.Scan(fstest.MapFS{
			dir + "idVendor": {Data: []byte("04b8\n")}, dir + "idProduct": {Data: []byte("0202\n")}, dir + "product": {Data: []byte(name)},
			dir + "serial": {Data: []byte(name)}, dir + "1-1:1.0/x/report_descriptor": {Data: descriptor},
		})
		if len(all) != 1 || strings.ContainsFunc(all[0].String(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("got %q", all)
		}
	})
}
