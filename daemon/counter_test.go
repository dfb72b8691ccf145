package main

import (
	"strings"
	"testing"

	"posd/config"
)

func TestADeviceFileThatIsNumberedIsRefusedWithItsLine(t *testing.T) {
	cfg, err := config.Parse("posd.toml", []byte(minimal+"[[device]]\nname = \"front\"\nkind = \"scanner\"\nport = \"/dev/ttyUSB7\"\n"+
		"[[device]]\nname = \"slip\"\nkind = \"printer\"\nport = \"usb:04b8:0202:J5HG012345\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = deviceConfigs(cfg)
	if err == nil || !strings.Contains(err.Error(), `device[1].port: "/dev/ttyUSB7"`) || !strings.Contains(err.Error(), "by-id") {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "device[2]") {
		t.Errorf("a device that is named by what it is was refused: %v", err)
	}
}

// minimal is what every configuration needs.
const minimal = "[api]\nsell_token_file = \"sell\"\nsupervisor_token_file = \"super\"\n[till]\nid = \"t\"\n"

func TestAPortThatIsNamedBehindADeviceIsTaken(t *testing.T) {
	for _, port := range []string{"usb:04b8:0202@1-1.4", "usb:04b8:0202:J5HG012345@2-1", "usb:04b8:0202:J5@HG", "hid://0c2e:0b81@1-1.2"} {
		cfg, err := config.Parse("posd.toml", []byte(minimal+"[[device]]\nname = \"d\"\nkind = \"scanner\"\nport = \""+port+"\"\n"))
		if err == nil {
			_, err = deviceConfigs(cfg)
		}
		if err != nil {
			t.Errorf("%s: %v", port, err)
		}
	}
}
