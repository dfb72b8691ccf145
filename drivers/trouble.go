package drivers

import (
	"context"
	"errors"

	"posd/drivers/port"
	"posd/drivers/printer"
)

// trouble is why a device is offline, and what to do, for a technician.
type trouble struct{ why, remedy string }

// remedies are looked through in order; the first error that fits gives the words.
var remedies = []struct {
	err         error
	why, remedy string
}{
	{printer.ErrPaperOut, "paper is out", "put in a new roll and close the cover"},
	{printer.ErrCoverOpen, "the cover is open", "close the cover"},
	{printer.ErrFault, "", "switch the printer off and on; if it comes again, call service"},
	{
		printer.ErrOffline, "connected, but it does not answer or will not print",
		"switch it on, press its online button; option status = \"no\" is for printers that never answer",
	},
	{port.ErrBusy, "", "end the other program, or correct the port in the configuration: two devices may have the same"},
	{port.ErrNotBuilt, "", "use a build of posd with this kind of port"},
	{port.ErrUnplugged, "the device is gone: unplugged or switched off", "check cable and power; posd goes on by itself"},
	{port.ErrStalled, "the device takes no more bytes", "switch it off and on; check flow control and speed of the line"},
}

// explain puts an error into words.
func explain(c Config, err error) trouble {
	switch {
	case err == nil:
		return trouble{why: "closed"}
	case errors.Is(err, port.ErrPermission):
		return trouble{why: "no permission to use " + c.Address.Path, remedy: permissionRemedy(c.Address)}
	case errors.Is(err, port.ErrMissing):
		return missing(c.Address)
	case errors.Is(err, context.DeadlineExceeded):
		return trouble{why: "opening takes too long", remedy: "check the address, cable and power"}
	}
	for _, r := range remedies {
		if !errors.Is(err, r.err) {
			continue
		}
		if r.why == "" {
			return trouble{why: err.Error(), remedy: r.remedy}
		}
		return trouble{why: r.why, remedy: r.remedy}
	}
	return trouble{why: err.Error(), remedy: "check port and settings of the device in the configuration"}
}

func missing(a port.Address) trouble {
	switch a.Kind {
	case port.TCP:
		return trouble{why: "nobody answers at " + a.Path, remedy: "switch the device on; check its address and the network cable"}
	case port.USB:
		return trouble{why: "no USB device " + a.Path, remedy: "plug it in and switch it on; check VID:PID in the configuration"}
	case port.Serial:
	}
	return trouble{
		why:    "nothing is plugged in at " + a.Path,
		remedy: "plug the device in and switch it on, or correct the port in the configuration (on Linux best /dev/serial/by-id/...)",
	}
}
