package drivers_test

import (
	"strings"
	"testing"

	"posd/drivers"
	"posd/drivers/plug"
	"posd/drivers/plug/plugtest"
)

// suggested gives for each device file its port, and the driver: with a ? when a person has to choose.
func suggested(t *testing.T, text string) map[string]string {
	t.Helper()
	root, err := plugtest.Tree(text)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range drivers.Suggest(plug.Scan(root)) {
		driver := "?"
		if s.Sure {
			driver = string(s.Choices[0].Kind) + " " + s.Choices[0].Driver
		}
		got[s.Node.Path] = s.Port + " " + driver
	}
	return got
}

func TestTheDriverOfADeviceIsChosenByWhatItIs(t *testing.T) {
	got := suggested(t, plugtest.Counter)
	for file, want := range map[string]string{
		"/dev/usb/lp0":      "usb:04b8:0202:J5HG012345 printer escpos",
		"/dev/ttyACM0":      "usb:1eab:0106:NL0042 scanner newland",
		"/dev/hidraw0":      "usb:0c2e:0901:19010B0A11 scanner hidpos",
		"/dev/input/event3": "usb:0801:0001 reader magnetic",
		"/dev/hidraw1":      "hid://0801:0001 ?", // the keyboard's reports are for nobody
		"/dev/ttyUSB0":      "usb:0403:6001:A10KDXYZ ?",
		"/dev/ttyS0":        "/dev/ttyS0 ?",
	} {
		if got[file] != want {
			t.Errorf("%s: got %q, want %q", file, got[file], want)
		}
	}
}

func TestWhatASuggestionSaysIsFoundAgain(t *testing.T) {
	changed := strings.ReplaceAll(plugtest.Counter, "1-4", "1-6")
	twin := changed[strings.Index(changed, "[sys/bus/usb/devices/1-6]"):strings.Index(changed, "# The machine's own")]
	twin = strings.NewReplacer("1-6", "1-7", "ttyUSB0", "ttyUSB1").Replace(twin)
	got := suggested(t, changed+twin)
	for file, want := range map[string]string{
		"/dev/ttyUSB0": "usb:0403:6001:A10KDXYZ@1-6 ?", "/dev/ttyUSB1": "usb:0403:6001:A10KDXYZ@1-7 ?",
	} {
		if got[file] != want {
			t.Errorf("%s: got %q, want %q", file, got[file], want)
		}
	}
}

func TestEveryDriverSaysOfEachDeviceWhyItFitsOrNot(t *testing.T) {
	root, err := plugtest.Tree(plugtest.Counter)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range drivers.Suggest(plug.Scan(root)) {
		for _, c := range s.Choices {
			if c.Why == "" {
				t.Errorf("%s: driver %s says nothing", s.Node.Path, c.Driver)
			}
		}
	}
}
