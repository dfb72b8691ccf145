package drivers

import (
	"context"
	"fmt"
	"io/fs"

	"posd/drivers/plug"
	"posd/drivers/port"
)

// Watch is the real Watcher: the system's own events.
func Watch(ctx context.Context, tell func(plug.Event)) error { return plug.Watch(ctx, tell) }

// Root is the real file system.
func Root() fs.FS { return plug.Root() }

// Unstable refuses a path whose number says only which device came first: tomorrow another one has it. Both texts are empty
// for every other address. root is the file system, in which a name that lasts is looked for.
func Unstable(root fs.FS, a port.Address) (what, remedy string) {
	if a.Kind == port.TCP || !plug.Numbered(a.Path) {
		return "", ""
	}
	what = fmt.Sprintf("%q is the number of who was plugged in first, not a device", a.Path)
	if name := plug.Lasting(root, a.Path); name != "" {
		return what, fmt.Sprintf("want port = %q, which is what is there now", name)
	}
	return what, "want /dev/serial/by-id/... or usb:VID:PID:SERIAL; plug the device in, and hwtest list --toml writes it"
}
