package printer

import (
	"posd/drivers/port"
)

// Driver makes printers of one family usable.
type Driver = port.Driver[Printer]

// registry is filled by the init of each driver's file and constant then.
var registry = port.NewRegistry[Printer]("printer")

// Lookup finds a driver by name.
func Lookup(name string) (Driver, bool) { return registry.Lookup(name) }

// Drivers lists all drivers by name.
func Drivers() []Driver { return registry.All() }
