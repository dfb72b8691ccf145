package port_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"posd/drivers/port"
)

// A pseudo-terminal stands for a printer's file where only bytes matter: it cannot answer the questions of usblp.
func TestAPrinterFileMovesBytesAndHasOneOwner(t *testing.T) {
	master, slave := openPTY(t)
	a := port.Address{Kind: port.LP, Path: slave.Name()}
	c, err := port.Open(limit(t), a)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Write(limit(t), []byte("slip")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(master, got); err != nil || string(got) != "slip" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err = port.Open(limit(t), a); !errors.Is(err, port.ErrBusy) || !strings.Contains(err.Error(), "by another device of this process") {
		t.Errorf("second open: got %v, want ErrBusy and by whom", err)
	}
	p, ok := c.(port.PrinterPort)
	if !ok {
		t.Fatalf("%T answers no questions", c)
	}
	if _, err := p.LineStatus(t.Context()); err == nil {
		t.Error("a terminal has a printer's status")
	}
	if _, err := p.DeviceID(t.Context()); err == nil {
		t.Error("a terminal has a printer's id")
	}
	if usb, err := p.Product(t.Context()); err == nil {
		t.Errorf("a terminal is the USB device %s", usb)
	}
}

func TestOpenOfADeviceFileSaysWhyNot(t *testing.T) {
	cases := map[string]struct {
		a    port.Address
		want error
		word string
	}{
		"no printer":  {port.Address{Kind: port.LP, Path: "/dev/usb/posd-none"}, port.ErrMissing, ""},
		"no hid":      {port.Address{Kind: port.Report, Path: "/dev/posd-none"}, port.ErrMissing, ""},
		"no keyboard": {port.Address{Kind: port.Keys, Path: "/dev/posd-none"}, port.ErrMissing, ""},
		"other file":  {port.Address{Kind: port.Report, Path: "/dev/null"}, nil, "not a HID device"},
		"other keys":  {port.Address{Kind: port.Keys, Path: "/dev/null"}, nil, "take the keyboard"},
	}
	for name, c := range cases {
		_, err := port.Open(limit(t), c.a)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: got %v, want %v %s", name, err, c.want, c.word)
		}
	}
}

func TestAPathTellsHowItIsOpened(t *testing.T) {
	for path, want := range map[string]port.Kind{
		"/dev/usb/lp0": port.LP, "/dev/hidraw3": port.Report, "/dev/input/by-id/usb-x-event-kbd": port.Keys,
		"/dev/serial/by-id/usb-x": port.Serial, "COM3": port.Serial, "lp:///dev/printer": port.LP,
		"hid:///dev/scanner": port.Report, "keys:///dev/swipe": port.Keys, "tcp://10.0.0.9:9100": port.TCP,
	} {
		if a, err := port.ParseAddress(path); err != nil || a.Kind != want {
			t.Errorf("%s: got %v, %v, want %s", path, a, err, want)
		}
	}
}
