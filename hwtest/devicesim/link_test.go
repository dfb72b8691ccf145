//go:build unix

package devicesim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/hwtest/devicesim"
)

func TestADeviceTakesNobodysFileForItsLink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, dir} {
		cable, err := devicesim.PlugIn(devicesim.NewScanner(), path)
		if err == nil {
			_ = cable.Close()
			t.Errorf("%s was taken", path)
		} else if !strings.Contains(err.Error(), "choose a path") {
			t.Errorf("%s: %v does not say what to do", path, err)
		}
	}
	if text, err := os.ReadFile(link); err != nil || string(text) != "somebody's" {
		t.Errorf("the file is %q (%v)", text, err)
	}
}

func TestALinkThatACrashLeftIsTakenAgain(t *testing.T) {
	link := filepath.Join(t.TempDir(), "scanner")
	if err := os.Symlink("/dev/pts/999999", link); err != nil {
		t.Fatal(err)
	}
	cable, err := devicesim.PlugIn(devicesim.NewScanner(), link)
	if err != nil {
		t.Fatal(err)
	}
	if err := cable.Close(); err != nil {
		t.Error(err)
	}
}
