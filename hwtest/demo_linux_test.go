package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDemoEndsWhatItStartedWhenItIsInterrupted(t *testing.T) {
	program := built(t)
	dir := filepath.Join(t.TempDir(), "left")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "demo", "--once", "--dir", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "── 2") {
	}
	if got := running(t, dir); got != 6 {
		t.Errorf("%d programs run in the middle of the demo, want posd and 5 simulators", got)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted demo ends as if all were well")
	}
	if got := running(t, dir); got != 0 {
		t.Errorf("%d programs outlive the demo", got)
	}
}

// running counts the programs that were started in a folder, the demo itself apart.
func running(t *testing.T, dir string) int {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range list {
		cwd, err := os.Readlink(link)
		state, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "stat"))
		if err == nil && cwd == dir && !bytes.Contains(state, []byte(") Z ")) {
			n++
		}
	}
	return n
}
