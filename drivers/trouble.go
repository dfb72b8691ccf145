package drivers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"posd/drivers/plug"
	"posd/drivers/port"
)

// trouble is why a device is offline, and what to do, for a technician.
type trouble struct{ why, remedy string }

// remedies are looked through in order; the first error that fits gives the words.
var remedies = []struct {
	err         error
	why, remedy string
}{
	{port.ErrUnplugged, "the device is gone: unplugged or switched off", "check cable and power; posd goes on by itself"},
	{port.ErrStalled, "the device takes no more bytes", "switch it off and on; check flow control and speed of the line"},
}

// explain puts an error into words.
func explain(c Config, err error) trouble {
	if p, ok := errors.AsType[*plug.Problem](err); ok {
		return trouble{why: p.What, remedy: p.Remedy}
	}
	if p, ok := errors.AsType[*panicked](err); ok {
		return trouble{why: p.Error(), remedy: "send posd's log to its makers: the device sends what the driver does not expect; posd goes on by itself"}
	}
	switch {
	case err == nil:
		return trouble{why: "closed"}
	case errors.Is(err, port.ErrPermission):
		file := fileOf(c.Address, err)
		return trouble{why: "no permission to use " + file, remedy: permissionRemedy(c.Address, file)}
	case errors.Is(err, port.ErrBusy):
		return trouble{why: err.Error(), remedy: busyRemedy(c, runtime.GOOS) + whoHas(err, runtime.GOOS)}
	case errors.Is(err, port.ErrNotBuilt):
		return trouble{why: err.Error(), remedy: notBuilt(c.Address, runtime.GOOS)}
	case errors.Is(err, port.ErrMissing):
		return missing(c.Address)
	case errors.Is(err, context.DeadlineExceeded):
		return trouble{why: "opening takes too long", remedy: "check the address, cable and power"}
	}
	for _, r := range remedies {
		if errors.Is(err, r.err) {
			return trouble{why: r.why, remedy: r.remedy}
		}
	}
	return trouble{why: err.Error(), remedy: "check port and settings of the device in the configuration"}
}

// fileOf is the file that could not be opened: not the configured name where a device is named by what it is.
func fileOf(a port.Address, err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Path
	}
	return a.Path
}

// busyRemedy tells who else may have a device on that system.
func busyRemedy(c Config, system string) string {
	local := c.Address.Kind == port.LP || c.Address.Kind == port.USB || c.Address.Kind == port.IEEE1284
	switch {
	case c.Kind == Printer && local && system == "windows":
		return "a print queue of Windows has the printer: remove it under Settings, Printers, or pause it; posd prints without a queue"
	case c.Kind == Printer && local:
		return "end the other program; if it is CUPS, remove its queue for this printer (lpadmin -x)"
	default:
		return "end the other program, or correct the port in the configuration: two devices may have the same"
	}
}

// whoHas tells how to see who has a device where posd could not see it itself: systemd's unit hides other users' processes.
func whoHas(err error, system string) string {
	h, ok := errors.AsType[*port.HeldError](err)
	switch {
	case !ok, h.By != "", h.File == "", system == "windows": // which shows nobody who has a port
		return ""
	case system == "linux":
		return fmt.Sprintf("; sudo fuser -v %s shows who has it", h.File)
	default:
		return fmt.Sprintf("; sudo lsof %s shows who has it", h.File)
	}
}

// notBuilt is the way out where posd has no such kind of port: no build for Windows has keyboards.
func notBuilt(a port.Address, system string) string {
	if a.Kind == port.Keys && system == "windows" {
		return windowsKeys
	}
	return "use a build of posd with this kind of port"
}

func missing(a port.Address) trouble {
	switch a.Kind {
	case port.TCP:
		return trouble{why: "nobody answers at " + a.Path, remedy: "switch the device on; check its address and the network cable"}
	case port.USB, port.IEEE1284:
		return trouble{why: "no USB device " + a.Path, remedy: "plug it in and switch it on; check VID:PID in the configuration"}
	case port.Serial, port.LP, port.Report, port.Keys:
	}
	return trouble{
		why:    "nothing is plugged in at " + a.Path,
		remedy: "plug the device in and switch it on, or correct the port in the configuration (best by what it is: hwtest list --toml)",
	}
}
