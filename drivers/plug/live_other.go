//go:build !linux && !windows

package plug

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Live knows nothing of other systems.
func Live() []Device { return nil }

// LiveFor is what of that concerns one device.
func LiveFor(ID) []Device { return Live() }

// Root is the file system that Scan and Lasting look at.
func Root() fs.FS { return os.DirFS("/") }

// Watch is not for this system.
func Watch(context.Context, func(Event)) error {
	return errors.New("plug events: not on this system")
}
