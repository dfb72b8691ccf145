package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/term"
)

func TestSimDeviceStandsBehindALinkAndMayBeUnplugged(t *testing.T) {
	link := filepath.Join(t.TempDir(), "scanner")
	b := start(t, "sim", "scanner", "--link", link)
	if b.address != link {
		t.Fatalf("address is %s, want %s", b.address, link)
	}
	for range 2 {
		line, err := os.OpenFile(link, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := term.MakeRaw(int(line.Fd())); err != nil {
			t.Fatal(err)
		}
		b.must("POST", "/control/scan", `{"code":"42"}`)
		got := make([]byte, 3)
		if _, err := io.ReadFull(line, got); err != nil || string(got) != "42\r" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = line.Close()
		b.must("POST", "/control/cable", `{"in":false}`)
		if _, err := os.Lstat(link); err == nil {
			t.Error("the link is still there")
		}
		b.must("POST", "/control/cable", `{"in":true}`)
	}
	b.stop()
	if _, err := os.Lstat(link); err == nil {
		t.Error("the link outlives the device")
	}
}
