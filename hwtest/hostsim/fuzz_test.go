package hostsim

import (
	"testing"
	"time"

	"posd/iso8583"
)

// FuzzHostIsNotMovedWithoutItsKeys shows that no bytes make the host panic or book anything, as long as nobody has signed
// what it would book.
func FuzzHostIsNotMovedWithoutItsKeys(f *testing.F) {
	var hosts []*Host
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		h, err := New(Options{
			Dialect: d, TMK: make([]byte, 16), Terminals: []Terminal{{ID: "10000001", Merchant: "898000000000001"}},
			Now: func() time.Time { return noon },
		})
		if err != nil {
			f.Fatal(err)
		}
		hosts = append(hosts, h)
		for _, tx := range transactions {
			if m, err := d.Build(tx, rest); err == nil {
				packed, err := d.Pack(nil, m)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(packed)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, h := range hosts {
			a := h.handle(b)
			if len(a.frames) == 0 && !a.close {
				t.Errorf("%s: neither answered nor closed", h.dialect.Name())
			}
			for _, e := range h.Ledger() {
				t.Fatalf("%s: booked %s, code %s", h.dialect.Name(), e.Kind, e.Code)
			}
		}
	})
}
