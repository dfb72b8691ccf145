package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/BurntSushi/toml"

	"posd/drivers/plug"
	"posd/drivers/plug/plugtest"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
)

var updateList = flag.Bool("update", false, "write golden files anew")

func counter(t *testing.T) []plug.Device {
	t.Helper()
	root, err := plugtest.Tree(plugtest.Counter)
	if err != nil {
		t.Fatal(err)
	}
	return plug.Scan(root)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *updateList {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s (%v): got\n%s", file, err, got)
	}
}

func TestListShowsTheCounterWithItsDrivers(t *testing.T) {
	var tree, every, conf bytes.Buffer
	listTree(&tree, counter(t), false)
	listTree(&every, counter(t), true)
	listTOML(&conf, counter(t))
	golden(t, "list.txt", tree.String())
	golden(t, "list-all.txt", every.String())
	golden(t, "list.toml", conf.String())
}

func TestListedConfigurationIsRead(t *testing.T) {
	var conf bytes.Buffer
	listTOML(&conf, counter(t))
	var read struct {
		Device []struct{ Name, Kind, Driver, Port string }
	}
	if err := toml.Unmarshal(conf.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, d := range read.Device {
		if _, err := port.ParseAddress(d.Port); err != nil || names[d.Name] {
			t.Errorf("%+v: %v, or its name is there twice", d, err)
		}
		names[d.Name] = true
	}
	if len(read.Device) != 4 {
		t.Errorf("%d devices, want printer, two scanners and reader", len(read.Device))
	}
}

func TestListWorksWithNothingPluggedIn(t *testing.T) {
	var tree, conf bytes.Buffer
	listTree(&tree, nil, true)
	listTOML(&conf, nil)
	if !strings.Contains(tree.String(), "Nothing is plugged in") || !strings.HasPrefix(conf.String(), "# Nothing") {
		t.Errorf("got %q, %q", tree.String(), conf.String())
	}
	var out, errs bytes.Buffer
	if code := hwtest(t.Context(), &globals{Out: &out, Err: &errs}, []string{"list"}); code != success || out.Len() == 0 {
		t.Errorf("on this machine: code %d, %s", code, errs.String())
	}
}

func TestADeviceWithoutADriverIsListedWithWhatToDo(t *testing.T) {
	root, err := plugtest.Tree(strings.NewReplacer("|DRIVER=usblp", "", "DEVNAME=usb/lp0", "").Replace(plugtest.Counter))
	if err != nil {
		t.Fatal(err)
	}
	var tree bytes.Buffer
	listTree(&tree, plug.Scan(root), false)
	if !strings.Contains(tree.String(), "not usable: no driver of the system has 04b8:0202") || !strings.Contains(tree.String(), "modprobe usblp") {
		t.Errorf("got %s", tree.String())
	}
}

func TestIdentifyTellsOfAPortWithoutOpeningIt(t *testing.T) {
	for address, want := range map[string]string{
		"usb:04b8:0202":       "printer, driver escpos",
		"/dev/hidraw0":        "scanner, driver hidpos",
		"tcp://10.0.0.9:9100": "nothing is known of it without --probe",
	} {
		a, err := port.ParseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := identifyKnown(&out, a, counter(t)); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %s, %v", address, out.String(), err)
		}
	}
	a, _ := port.ParseAddress("usb:1eab:0110")
	if err := identifyKnown(&bytes.Buffer{}, a, counter(t)); err == nil || !strings.Contains(err.Error(), "hwtest list") {
		t.Errorf("got %v", err)
	}
}

func TestIdentifyOfWhatIsNoDeviceEndsInAnError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "posd.toml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "ttyUSB9"): "is not there; plug the device in: hwtest list shows what is there",
		file:                          "is no device",
		dir:                           "is no device",
	} {
		var out, errs bytes.Buffer
		code := hwtest(t.Context(), &globals{Out: &out, Err: &errs}, []string{"identify", path})
		if code != problem || !strings.Contains(errs.String(), want) || strings.Contains(out.String(), "nothing is known") {
			t.Errorf("%s: exit %d\n%s%s, want %s", path, code, out.String(), errs.String(), want)
		}
	}
}

func TestAProbedPrinterSaysWhoItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := porttest.NewBench()
		b.Attach("/dev/slip", devicesim.NewPrinter(devicesim.PrinterOptions{}))
		var out bytes.Buffer
		p := &prober{out: &out, open: b.Open}
		if err := p.probe(t.Context(), port.Address{Kind: port.Serial, Path: "/dev/slip"}, 0); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if got := out.String(); !strings.Contains(got, "an ESC/POS printer answers: status 1") || !strings.Contains(got, "at 9600 baud") ||
			!strings.Contains(got, "model: ") {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhoDoesNotAnswerIsAskedAtEverySpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := porttest.NewBench()
		b.Attach("/dev/mute", devicesim.NewPrinter(devicesim.PrinterOptions{Mute: true}))
		var speeds []int
		var out bytes.Buffer
		p := &prober{out: &out, open: func(ctx context.Context, a port.Address) (port.Conn, error) {
			speeds = append(speeds, a.Baud)
			return b.Open(ctx, a)
		}}
		if err := p.probe(t.Context(), port.Address{Kind: port.Serial, Path: "/dev/mute"}, 0); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if len(speeds) != 4 || !strings.Contains(out.String(), "no answer to ESC/POS") {
			t.Errorf("asked at %v: %s", speeds, out.String())
		}
	})
}
