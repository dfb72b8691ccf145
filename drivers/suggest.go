package drivers

import (
	"errors"
	"fmt"

	"posd/drivers/plug"
)

// Suggestion is how a device file would stand in the configuration.
type Suggestion struct {
	Device  plug.Device
	Face    plug.Face
	Node    plug.Node
	Port    string   // what to write as port
	Choices []Choice // all drivers, the best first
	Sure    bool     // the first choice is the one
}

// Suggest goes through what is plugged in, file by file.
func Suggest(all []plug.Device) []Suggestion {
	var out []Suggestion
	for _, d := range all {
		for _, f := range d.Faces {
			for _, n := range f.Nodes {
				s := Suggestion{Device: d, Face: f, Node: n, Port: lastingPort(all, d, n)}
				s.Choices, s.Sure = Choose(d, f, n)
				out = append(out, s)
			}
		}
	}
	return out
}

// lastingPort names a device file so that it is found again: by the device, with how it is used where the device offers
// something better, and with its port where another one is the same.
func lastingPort(all []plug.Device, d plug.Device, n plug.Node) string {
	if !d.USB() {
		return n.Path
	}
	name := d.ID()
	id := plug.ID{Vendor: d.Vendor, Product: d.Product, Serial: d.Serial}
	_, first, err := plug.Resolve(all, id)
	if errors.Is(err, plug.ErrSeveral) {
		name += "@" + d.Port
		id.Port = d.Port
		_, first, _ = plug.Resolve(all, id)
	}
	if first == n {
		return "usb:" + name
	}
	return fmt.Sprintf("%s://%s", n.Kind, name)
}
