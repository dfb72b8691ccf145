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

func TestAFileThatNobodyNamedNeedsTheDevicesUdevRule(t *testing.T) {
	for name, c := range map[string]struct {
		a    port.Address
		want string
	}{
		"named by what it is":          {port.Address{Kind: port.USB, Path: "04b8:0202"}, `ATTRS{idVendor}=="04b8", ATTRS{idProduct}=="0202"`},
		"with its number and its port": {port.Address{Kind: port.USB, Path: "04b8:0202:J5HG01@1-1.4"}, `ATTRS{idVendor}=="04b8"`},
		"a path":                       {port.Address{Kind: port.Serial, Path: "/dev/posd-none"}, "usermod -aG dialout"},
	} {
		if got := permissionRemedy(c.a, c.a.Path); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %s", name, got, c.want)
		}
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
