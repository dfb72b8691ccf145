package printer

import (
	"fmt"
	"maps"
	"slices"

	"posd/drivers/port"
)

// Driver makes printers of one family usable.
type Driver struct {
	Name    string
	Doc     string // for the manual: which printers, tried on which
	Options []port.Option
	// Open takes over a connection; the printer sends nothing before its first Print or Status.
	Open func(c port.Conn, s port.Settings) Printer
}

// registry is filled by init and constant then.
var registry = map[string]Driver{}

// register is for the init of each driver's file. It panics on a mistake in the table.
func register(d Driver) {
	if _, taken := registry[d.Name]; taken || d.Name == "" || d.Doc == "" || d.Open == nil {
		panic(fmt.Sprintf("printer driver %q is incomplete or there twice", d.Name))
	}
	registry[d.Name] = d
}

// Lookup finds a driver by name.
func Lookup(name string) (Driver, bool) {
	d, ok := registry[name]
	return d, ok
}

// Drivers lists all drivers by name.
func Drivers() []Driver {
	names := slices.Sorted(maps.Keys(registry))
	all := make([]Driver, 0, len(names))
	for _, n := range names {
		all = append(all, registry[n])
	}
	return all
}
