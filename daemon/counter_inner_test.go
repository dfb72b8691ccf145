package main

import (
	"testing"

	"posd/config"
)

func TestTheUsualDriverFitsThePort(t *testing.T) {
	for _, c := range []struct{ kind, port, want string }{
		{"printer", "tcp://10.0.0.9:9100", "escpos"},
		{"scanner", "/dev/ttyACM0", "line"},
		{"scanner", "/dev/hidraw0", "hidpos"},
		{"scanner", "keys:///dev/input/event3", "keyboard"},
		{"reader", "/dev/ttyACM0", "magnetic"},
		{"reader", "keys:///dev/input/event3", "magnetic"},
		{"reader", "hid:///dev/hidraw0", "hidmsr"},
	} {
		got, err := deviceConfig(config.Device{Name: "a", Kind: c.kind, Port: c.port})
		if err != nil || got.Driver != c.want {
			t.Errorf("%s at %s: driver %q, %v, want %q", c.kind, c.port, got.Driver, err, c.want)
		}
	}
}
