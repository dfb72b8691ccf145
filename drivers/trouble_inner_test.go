package drivers

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"posd/drivers/plug"
	"posd/drivers/port"
)

func TestWhoeverElseHasAPrinterIsNamed(t *testing.T) {
	slip := Config{Kind: Printer, Address: port.Address{Kind: port.LP, Path: "/dev/usb/lp0"}}
	lan := Config{Kind: Printer, Address: port.Address{Kind: port.TCP, Path: "10.0.0.9:9100"}}
	for _, c := range []struct {
		c            Config
		system, want string
	}{
		{slip, "windows", "print queue of Windows"},
		{slip, "linux", "CUPS"},
		{lan, "windows", "end the other program"},
		{Config{Kind: Scanner, Address: slip.Address}, "windows", "end the other program"},
	} {
		if got := busyRemedy(c.c, c.system); !strings.Contains(got, c.want) {
			t.Errorf("%s on %s: got %q", c.c.Address, c.system, got)
		}
	}
}

func TestWhoHasADeviceIsNamedOrHowToSeeIt(t *testing.T) {
	for name, c := range map[string]struct {
		err          error
		system, want string
	}{
		"hidden":               {&port.HeldError{File: "/dev/ttyUSB0"}, "linux", "sudo fuser -v /dev/ttyUSB0"},
		"hidden, by libusb":    {fmt.Errorf("claim: %w", &port.HeldError{File: "/dev/bus/usb/001/012"}), "linux", "sudo fuser -v /dev/bus/usb/001/012"},
		"hidden, another Unix": {&port.HeldError{File: "/dev/cu.usb"}, "darwin", "sudo lsof /dev/cu.usb"},
		"hidden, Windows":      {&port.HeldError{File: "COM3"}, "windows", ""},
		"named":                {&port.HeldError{File: "/dev/ttyUSB0", By: "getty (pid 7)"}, "linux", ""},
		"no file":              {port.ErrBusy, "linux", ""},
	} {
		if got := whoHas(c.err, c.system); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	err := fmt.Errorf("open: %w", &port.HeldError{File: "/dev/ttyUSB0", By: "getty (pid 7)"})
	if got := explain(Config{}, err); !strings.Contains(got.why, "port is in use by getty (pid 7)") {
		t.Errorf("got %+v", got)
	}
}

func TestNoBuildForWindowsIsPromisedToHaveKeyboards(t *testing.T) {
	keys, usb := port.Address{Kind: port.Keys, Path: "x"}, port.Address{Kind: port.USB, Path: "0c2e:0901"}
	for _, c := range []struct {
		a            port.Address
		system, want string
	}{{keys, "windows", "HID-POS"}, {keys, "darwin", "use a build"}, {usb, "windows", "use a build"}, {usb, "linux", "use a build"}} {
		if got := notBuilt(c.a, c.system); !strings.Contains(got, c.want) {
			t.Errorf("%s on %s: got %q", c.a, c.system, got)
		}
	}
}

func TestNoPermissionNamesTheFileAndNotTheDevice(t *testing.T) {
	c := Config{Kind: Scanner, Address: port.Address{Kind: port.USB, Path: "0c2e:0901"}}
	err := fmt.Errorf("open: %w: %w", port.ErrPermission, &fs.PathError{Op: "open", Path: "/dev/hidraw0", Err: errors.New("permission denied")})
	if got := explain(c, err); got.why != "no permission to use /dev/hidraw0" || got.remedy == "" {
		t.Errorf("got %+v", got)
	}
}

func TestEveryKindOfPortHasARemedyWhenNothingIsThere(t *testing.T) {
	for _, k := range []port.Kind{port.Serial, port.TCP, port.USB, port.LP, port.Report, port.Keys, port.IEEE1284} {
		got := explain(Config{Address: port.Address{Kind: k, Path: "x"}}, port.ErrMissing)
		if got.why == "" || got.remedy == "" {
			t.Errorf("%s: got %+v", k, got)
		}
	}
	several := &plug.Problem{Err: plug.ErrSeveral, What: "2 devices", Remedy: "name the port"}
	if got := explain(Config{}, fmt.Errorf("open: %w", several)); got != (trouble{"2 devices", "name the port"}) {
		t.Errorf("got %+v", got)
	}
}
