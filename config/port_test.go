package config_test

import (
	"fmt"
	"strings"
	"testing"

	"posd/config"
)

// device is a configuration's section of a device at a port.
func device(name, port string) string {
	return fmt.Sprintf("[[device]]\nname = %q\nkind = \"scanner\"\nport = %q\n", name, port)
}

func TestAPortThatNamesNoDeviceIsRefusedWithWhatWasMeant(t *testing.T) {
	for port, meant := range map[string]string{
		"192.168.1.50:9100": "tcp://192.168.1.50:9100", "printer.shop:9100": "tcp://printer.shop:9100", "USB:04b8:0202": "usb:04b8:0202",
		"TCP://10.0.0.1:9100": "tcp://10.0.0.1:9100", "ttyUSB0": "/dev/ttyUSB0", " /dev/usb/lp0": "/dev/usb/lp0", "/dev/usb/lp0 ": "/dev/usb/lp0",
		"com3 ": "com3", "192.168.1.50": "", "a scanner": "", "ftp://x": "", " ": "",
	} {
		_, err := config.Parse("posd.toml", []byte(device("a", port)))
		want := fmt.Sprintf("posd.toml:4: device[1].port: %q is no port; ", port)
		if meant != "" {
			want += fmt.Sprintf("did you mean %q? ", meant)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestASerialPortOfAnotherNameIsRefusedWithTheFormThatIsTaken(t *testing.T) {
	for _, port := range []string{"CNCA0", "dev/ttyS0", "scanner", "COM0"} {
		_, err := config.Parse("posd.toml", []byte(device("a", port)))
		if want := fmt.Sprintf("did you mean \"serial://%s\"? (want ", port); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := config.Parse("posd.toml", []byte(device("a", "serial://"+port))); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryFormOfAPortIsTaken(t *testing.T) {
	for _, port := range []string{
		"/dev/usb/lp0", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0", "COM3", "com12", `\\.\COM12`, "tcp://printer.shop:9100", "usb:04b8:0202",
		"usb://04b8:0202", "usb:04b8:0202:J5HG012345@1-1.4", "1284:MFG=EPSON;MDL=TM-T88V", "serial:///dev/ttyS0", "lp://04b8:0202", "hid:///dev/hidraw0",
		"keys://0c2e:0901", "/dev/serial/by-id/打印机",
	} {
		if _, err := config.Parse("posd.toml", []byte(device("a", port))); err != nil {
			t.Error(err)
		}
	}
}

func TestOneDeviceUnderTwoSpellingsIsAnotherDevicesPort(t *testing.T) {
	for one, other := range map[string]string{
		"usb:04B8:0202": "usb:04b8:0202", "usb://04b8:0202:S": "usb:04B8:0202:S", "serial:///dev/ttyS0": "/dev/ttyS0", "/dev/ttyS1": "/dev//ttyS1",
		"COM3": "com3", `\\.\COM4`: "COM4", "tcp://LOCALHOST:9100": "tcp://localhost:9100", "1284:MDL=T;MFG=E": "1284:mfg=E;MDL=T",
		"serial://0C2E:0901": "serial://0c2e:0901",
	} {
		_, err := config.Parse("posd.toml", []byte(device("a", one)+device("b", other)))
		if want := fmt.Sprintf("posd.toml:8: device[2].port: %q is another device's port; ", other); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for one, other := range map[string]string{"usb:04b8:0202:S": "usb:04b8:0202:s", "usb:04b8:0202@1-1": "usb:04b8:0202@1-2", "/dev/ttyS0": "/dev/ttys0"} {
		if _, err := config.Parse("posd.toml", []byte(device("a", one)+device("b", other))); err != nil {
			t.Error(err)
		}
	}
}
