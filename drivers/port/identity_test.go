package port_test

import (
	"errors"
	"testing"

	"posd/drivers/plug"
	"posd/drivers/port"
)

func TestAnAddressMayNameADeviceByWhatItIs(t *testing.T) {
	for s, want := range map[string]string{
		"usb:04b8:0202":                 "usb:04b8:0202",
		"usb://04b8:0202:J5HG012345":    "usb:04b8:0202:J5HG012345",
		"usb:04b8:0202@1-1.4":           "usb:04b8:0202@1-1.4",
		"1284:MFG=EPSON;MDL=TM-T88V":    "1284:MFG=EPSON;MDL=TM-T88V",
		"hid://0c2e:0901":               "hid:0c2e:0901",
		"serial://1eab:0106:NL0042":     "serial:1eab:0106:NL0042",
		"keys:///dev/input/by-id/usb-x": "keys:/dev/input/by-id/usb-x",
		"/dev/ttyS0":                    "serial:/dev/ttyS0",
		"tcp://10.0.0.9:9100":           "tcp:10.0.0.9:9100",
	} {
		a, err := port.ParseAddress(s)
		if err != nil || a.String() != want {
			t.Errorf("%s: got %v, %v, want %s", s, a, err, want)
		}
	}
	for _, s := range []string{"", "usb:", "usb:epson", "usb://04b8", "1284:TM-T88V", "lp://", "com://3"} {
		if a, err := port.ParseAddress(s); err == nil {
			t.Errorf("%q: got %v", s, a)
		}
	}
}

func TestOnlyNamesOfWhatADeviceIsAreLookedFor(t *testing.T) {
	for s, want := range map[string]plug.ID{
		"usb:04b8:0202":   {Vendor: 0x04b8, Product: 0x0202},
		"hid://0c2e:0901": {Kind: "hid", Vendor: 0x0c2e, Product: 0x0901},
		"/dev/ttyS0":      {},
		"tcp://1111:2222": {}, // a host of that name
	} {
		a, err := port.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := a.Identity()
		if ok != (want.Vendor != 0) || id.Kind != want.Kind || id.Vendor != want.Vendor || id.Product != want.Product {
			t.Errorf("%s: got %+v, %v", s, id, ok)
		}
	}
}

func TestADeviceThatIsNotPluggedInIsMissing(t *testing.T) {
	for _, s := range []string{"usb:dead:beef:NONE", "1284:MDL=no such printer", "hid://dead:beef"} {
		a, err := port.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = port.Open(t.Context(), a)
		if _, ok := errors.AsType[*plug.Problem](err); !ok || !errors.Is(err, port.ErrMissing) {
			t.Errorf("%s: got %v, want ErrMissing with its Problem", s, err)
		}
	}
}
