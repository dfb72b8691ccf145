package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	usb "posd/drivers/plug"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// gadget is a device with what it says it is.
type gadget struct {
	porttest.Device
	is usb.Device
}

// counterTop is which device is plugged in where: posd names its own by what they are, and finds the file by which each is
// reached as on a real machine (P3).
type counterTop struct {
	mu    sync.Mutex
	at    map[string]gadget // guarded by mu; by device file
	tries map[string]int    // guarded by mu; how often posd used a device, or wanted to, by name
}

// The devices by name, as the configuration has them; each in a device file of that name at first.
var shopDevices = map[string]usb.Device{
	"printer": {Vendor: 0x0416, Product: 0x5011, Serial: "PRN1"},
	"scanner": {Vendor: 0x0c2e, Product: 0x0901, Serial: "SCN1"},
	"reader":  {Vendor: 0x0801, Product: 0x0002, Serial: "CRD1"},
}

// put plugs a device in.
func (s *shop) put(file string, g gadget) {
	g.is.Port = "1-1." + fmt.Sprint(1+slices.Index(deviceFiles, file))
	g.is.Faces = []usb.Face{{Class: 2, Driver: "cdc_acm", Nodes: []usb.Node{{Kind: usb.Serial, Path: file}}}}
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	s.top.at[file] = g
	s.bench.Attach(file, g)
}

// deviceFiles are where devices come.
var deviceFiles = []string{"printer", "scanner", "reader", "printer-2", "scanner-2", "reader-2"}

// take unplugs what is in a device file, and gives it.
func (s *shop) take(file string) gadget {
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	s.bench.Unplug(file)
	g := s.top.at[file]
	delete(s.top.at, file)
	return g
}

// placeOf is the device file that a device has now; "" when it is pulled.
func (s *shop) placeOf(name string) string {
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	for file, g := range s.top.at {
		if g.is.Serial == shopDevices[name].Serial {
			return file
		}
	}
	return ""
}

// locate is what the system does for posd: it finds the file of the device that is meant, among those that are plugged in.
func (s *shop) locate(a port.Address) (here port.Address, name string, err error) {
	id, ok := a.Identity()
	if !ok {
		return a, a.Path, nil
	}
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	for n, d := range shopDevices {
		if d.Serial == id.Serial {
			name = n
		}
	}
	s.top.tries[name]++
	all := make([]usb.Device, 0, len(s.top.at))
	for _, file := range slices.Sorted(maps.Keys(s.top.at)) {
		all = append(all, s.top.at[file].is)
	}
	_, node, err := usb.Resolve(all, id)
	if errors.Is(err, usb.ErrNone) {
		err = fmt.Errorf("%w: %w", port.ErrMissing, err)
	}
	a.Kind, a.Path = port.Kind(node.Kind), node.Path
	return a, name, err
}

// used counts that posd has written to a device.
func (s *shop) used(name string) {
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	s.top.tries[name]++
}

// felt tells that something has been wrong with a device for a while, once posd has met that.
func (s *shop) felt(what, device string, while func()) {
	met := func() int {
		s.top.mu.Lock()
		defer s.top.mu.Unlock()
		return s.top.tries[device]
	}
	before := met()
	while()
	if met() > before {
		s.did(what)
	}
}

// stranger is a device that posd has not been told of.
type stranger struct {
	mu   sync.Mutex
	used int // guarded by mu
}

// Serve counts who opens it.
func (d *stranger) Serve(_ context.Context, line io.ReadWriteCloser) error {
	d.mu.Lock()
	d.used++
	d.mu.Unlock()
	return line.Close()
}

// pull unplugs a device for a while. Another one may come in its place meanwhile, and the first one come back elsewhere: posd
// takes only the one that it knows (P3).
func (s *shop) pull(name string) func(context.Context, *rand.Rand) {
	return func(ctx context.Context, rng *rand.Rand) {
		file := s.placeOf(name)
		s.felt(name+": unplugged", name, func() {
			mine := s.take(file)
			if rng.IntN(2) == 0 {
				nap(ctx, seconds(5, 60, rng))
				s.put(file, mine)
				return
			}
			s.felt(name+": another device comes instead", name, func() {
				s.put(file, gadget{s.strange, like(shopDevices[name], rng)})
				nap(ctx, seconds(5, 60, rng))
			})
			if back := elsewhere(file, name); rng.IntN(2) == 0 {
				s.felt(name+": it comes back elsewhere", name, func() {
					s.put(back, mine)
					nap(ctx, seconds(20, 60, rng))
				})
				s.take(file)
				return
			}
			s.take(file)
			s.put(file, mine)
		})
	}
}

// elsewhere is the other device file of a device.
func elsewhere(file, name string) string {
	if file == name {
		return name + "-2"
	}
	return name
}

// like is a device that is not the one that is meant, and nearly looks so.
func like(d usb.Device, rng *rand.Rand) usb.Device {
	switch rng.IntN(3) {
	case 0:
		d.Serial += "7"
	case 1:
		d.Serial = "" // as many cheap ones
	default:
		d.Product++
	}
	return d
}

// power plugs in all that is there, or pulls it.
func (s *shop) power(on bool) {
	s.top.mu.Lock()
	defer s.top.mu.Unlock()
	for file := range s.top.at {
		if on {
			s.bench.Plug(file)
		} else {
			s.bench.Unplug(file)
		}
	}
}
