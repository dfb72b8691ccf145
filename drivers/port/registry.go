package port

import (
	"fmt"
	"maps"
	"slices"
)

// Driver makes devices of one family usable: a D over a connection.
type Driver[D any] struct {
	Name    string
	Doc     string // for the manual: which devices, tried on which
	Options []Option
	For     []Match // which devices it is made for; one that fits is enough. Empty fits every serial line
	// Open takes over a connection and sends nothing.
	Open func(c Conn, s Settings) D
}

// Match is a sort of devices that a driver is made for. Every part that is set must fit.
type Match struct {
	Kind     Kind     // how the device is reached
	Vendor   uint16   // USB vendor
	Products []uint16 // of the vendor
	Page     uint16   // HID usage page of the interface
	When     string   // a condition that nobody sees from outside ("set to SSI packets"): a person has to choose it
}

// Registry is the drivers of one kind of device. Each driver's file registers itself in init; nothing changes it then.
type Registry[D any] struct {
	kind    string
	drivers map[string]Driver[D]
}

// NewRegistry makes an empty registry; kind is for its complaints.
func NewRegistry[D any](kind string) *Registry[D] {
	return &Registry[D]{kind: kind, drivers: map[string]Driver[D]{}}
}

// Register is for the init of a driver's file. It panics on a mistake in the table.
func (r *Registry[D]) Register(d Driver[D]) {
	if _, taken := r.drivers[d.Name]; taken || d.Name == "" || d.Doc == "" || d.Open == nil {
		panic(fmt.Sprintf("%s driver %q is incomplete or there twice", r.kind, d.Name))
	}
	r.drivers[d.Name] = d
}

// Lookup finds a driver by name.
func (r *Registry[D]) Lookup(name string) (Driver[D], bool) {
	d, ok := r.drivers[name]
	return d, ok
}

// All lists the drivers by name.
func (r *Registry[D]) All() []Driver[D] {
	all := make([]Driver[D], 0, len(r.drivers))
	for _, name := range slices.Sorted(maps.Keys(r.drivers)) {
		all = append(all, r.drivers[name])
	}
	return all
}
