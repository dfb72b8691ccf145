//go:build service && linux

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The marks that the inner test prints, in their order. The container's exit code proves nothing; these do.
const (
	markInstalled   = "posd-service: installed"
	markStarted     = "posd-service: started"
	markApproved    = "posd-service: a card sale is approved"
	markSent        = "posd-service: a card sale is charged, its answer lost"
	markRestarted   = "posd-service: killed and restarted"
	markReversed    = "posd-service: the open reversal is done, nothing is owed"
	markStopped     = "posd-service: stopped"
	markUninstalled = "posd-service: uninstalled, nothing is left"
)

var marks = []string{
	markInstalled, markStarted, markApproved, markSent, markRestarted, markReversed, markStopped, markUninstalled,
}

// TestServiceUnderSystemd boots a container with the host's own files and runs TestServiceInside there. It needs root
// and systemd-nspawn, and fails without them: a skipped test would look like a passed one.
func TestServiceUnderSystemd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("systemd-nspawn needs root: make service-test")
	}
	for _, tool := range []string{"systemd-nspawn", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: make deps", err)
		}
	}
	assets, err := filepath.Abs("testdata/service")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private",
		"sh", filepath.Join(assets, "boot.sh"), binaries(t), assets, t.TempDir())
	var screen bytes.Buffer
	cmd.Stdout = io.MultiWriter(&screen, os.Stdout)
	cmd.Stderr = cmd.Stdout
	t.Logf("systemd-nspawn ended with: %v", cmd.Run())
	said := screen.String()
	for _, mark := range marks {
		_, rest, found := strings.Cut(said, mark)
		if !found {
			t.Fatalf("the container did not print %q; either it can not boot on this machine, or what it printed says why", mark)
		}
		said = rest
	}
	if !strings.Contains(said, "--- PASS: TestServiceInside") || strings.Contains(said, "--- FAIL") {
		t.Fatal("the test inside the container did not pass")
	}
}

// binaries gives a folder with posd, hwtest and this test.
func binaries(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(self)
	for _, name := range []string{"posd", "hwtest", "service.test"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v; run it as: make service-test", err)
		}
	}
	return dir
}
