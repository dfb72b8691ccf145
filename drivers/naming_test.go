package drivers_test

import (
	"strings"
	"testing"

	"posd/drivers"
	"posd/drivers/port"
)

func TestWhatWindowsDoesNotHaveIsRefusedThereWithARemedy(t *testing.T) {
	for address, remedy := range map[string]string{
		"1284:MDL=TM-T88V":           "usb:VID:PID",
		"keys://05e0:1200":           "HID-POS",
		"keys:///dev/input/by-id/x":  "HID-POS",
		"serial://1eab:0106":         "COM3",
		"COM3":                       "",
		"usb:04b8:0202:J5HG012345":   "",
		"hid://0c2e:0901":            "",
		"lp://04b8:0202":             "",
		"tcp://192.168.1.50:9100":    "",
		"/dev/serial/by-id/usb-x":    "",
		"usb:04b8:0202@1-1.4":        "",
		"usb:04b8:0202:J5HG01@1-1.4": "",
	} {
		a, err := port.ParseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		what, got := drivers.Unsupported("windows", a)
		if (what == "") != (remedy == "") || !strings.Contains(got, remedy) || (remedy == "") != (got == "") {
			t.Errorf("%s on Windows: got %q, %q, want %q", address, what, got, remedy)
		}
		if what, got := drivers.Unsupported("linux", a); what != "" || got != "" {
			t.Errorf("%s on Linux: got %q, %q", address, what, got)
		}
	}
}
