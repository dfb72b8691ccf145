//go:build unix

package drivers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/drivers/port"
)

func TestAFileWithoutAGroupNeedsAUdevRule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hidraw0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := permissionRemedy(port.Address{Kind: port.USB, Path: "0c2e:0901"}, file)
	for _, want := range []string{"/etc/udev/rules.d/70-posd.rules", `ATTRS{idVendor}=="0c2e"`, `ATTRS{idProduct}=="0901"`, `MODE="0660"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if got := permissionRemedy(port.Address{Path: file}, file); !strings.Contains(got, file) {
		t.Errorf("a file of no device: got %q", got)
	}
}

func TestAFileOfAGroupNeedsMembershipInIt(t *testing.T) {
	info, err := os.Stat("/dev/tty")
	if err != nil || groupWith(info) == "" {
		t.Skip("no device file here has a group of its own")
	}
	if got := permissionRemedy(port.Address{Path: "/dev/tty"}, "/dev/tty"); !strings.Contains(got, "usermod -aG "+groupWith(info)+" ") {
		t.Errorf("got %q", got)
	}
}
